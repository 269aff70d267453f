package main

import (
	"crypto/md5"
	"encoding/json/v2"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

// letter is a message in a queue of the tests.
type letter struct {
	ID, Group, Body, Deduplication string
	Error                          string // "" of one that the queue moved itself
	hidden                         bool
}

// queues are those of the installation, in order.
type queues struct {
	mu   sync.Mutex
	held map[string][]letter // by name
}

// ServeHTTP does the operations that daybook dead needs, as SQS does them.
func (q *queues) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct {
		QueueName, QueueURL, MessageBody, MessageGroupID, MessageDeduplicationID, ReceiptHandle string
		MaxNumberOfMessages                                                                     int
	}
	if err := json.UnmarshalRead(r.Body, &in, json.MatchCaseInsensitiveNames(true)); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	name := in.QueueURL[strings.LastIndexByte(in.QueueURL, '/')+1:]
	out := map[string]any{}
	switch r.Header.Get("X-Amz-Target") {
	case "AmazonSQS.GetQueueUrl":
		if _, ok := q.held[in.QueueName]; !ok {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no such queue"}`)
			return
		}
		out["QueueUrl"] = "http://queues/" + in.QueueName
	case "AmazonSQS.ReceiveMessage":
		out["Messages"] = q.receive(name, in.MaxNumberOfMessages)
	case "AmazonSQS.SendMessage":
		q.held[name] = append(q.held[name], letter{ID: "new", Group: in.MessageGroupID, Body: in.MessageBody, Deduplication: in.MessageDeduplicationID})
		out["MD5OfMessageBody"] = fmt.Sprintf("%x", md5.Sum([]byte(in.MessageBody)))
	case "AmazonSQS.DeleteMessage":
		q.held[name] = slices.DeleteFunc(q.held[name], func(l letter) bool { return l.ID == in.ReceiptHandle })
	case "AmazonSQS.ChangeMessageVisibility":
		for i := range q.held[name] {
			q.held[name][i].hidden = q.held[name][i].hidden && q.held[name][i].ID != in.ReceiptHandle
		}
	}
	_ = json.MarshalWrite(w, out)
}

// receive hides and returns messages; a group with one hidden is locked.
func (q *queues) receive(name string, most int) []map[string]any {
	var got []map[string]any
	locked := map[string]bool{}
	for _, l := range q.held[name] {
		locked[l.Group] = locked[l.Group] || l.hidden
	}
	for i, l := range q.held[name] {
		if locked[l.Group] || len(got) == most {
			continue
		}
		q.held[name][i].hidden = true
		m := map[string]any{
			"MessageId": l.ID, "ReceiptHandle": l.ID, "Body": l.Body, "MD5OfBody": fmt.Sprintf("%x", md5.Sum([]byte(l.Body))),
			"Attributes": map[string]string{"MessageGroupId": l.Group, "SentTimestamp": "1545082649183"},
		}
		if l.Error != "" {
			m["MessageAttributes"] = map[string]any{
				"code": map[string]string{"DataType": "String", "StringValue": "internal"}, "error": map[string]string{"DataType": "String", "StringValue": l.Error},
				"receives": map[string]string{"DataType": "String", "StringValue": "1"},
			}
		}
		got = append(got, m)
	}
	return got
}

const deadQueue, commandQueue = "daybook-test-dead-commands.fifo", "daybook-test-commands.fifo"

// newDead is an installation with dead letters: two of user/7, one of user/8, one
// that can't be read.
func newDead(t *testing.T) *site {
	t.Helper()
	s := newSite(t)
	body := func(id, commandID string) string {
		return fmt.Sprintf(`{"v":1,"command":"rename-user","id":%q,"payload":{"name":"Ann"},"commandId":%q}`, id, commandID)
	}
	s.queues.held[commandQueue] = nil
	s.queues.held[deadQueue] = []letter{
		{ID: "m-1", Group: "user/7", Body: body("7", "c-1"), Error: "internal: it failed"}, {ID: "m-2", Group: "user/8", Body: body("8", "c-2")},
		{ID: "m-3", Group: "user/7", Body: body("7", "c-3"), Error: "internal: it failed"}, {ID: "m-4", Group: "x", Body: "rubbish", Error: "internal: unread"},
	}
	return s
}

func (s *site) deadIDs() (ids []string) {
	for _, l := range s.queues.held[deadQueue] {
		if l.hidden {
			s.t.Errorf("%s stays hidden", l.ID)
		}
		ids = append(ids, l.ID)
	}
	return ids
}

func TestDeadList(t *testing.T) {
	t.Parallel()
	s := newDead(t)
	r := s.want(exitOK, "dead", "list")
	want := [][]string{{"c-1", "rename-user", "user/7"}, {"c-2", "rename-user", "user/8"}, {"c-3", "rename-user", "user/7"}, {"m-4", "", "x"}}
	for i, line := range r.lines() {
		if len(line) != 6 || !slices.Equal(line[:3], want[i]) && !(i == 3 && line[0] == "m-4") || line[5] == "" {
			t.Errorf("line %d: %q", i, line)
		}
	}
	if strings.Contains(r.out, "Ann") || strings.Contains(r.out, "rubbish") || len(r.lines()) != 4 {
		t.Errorf("got %s", r.out)
	}
	s.want(exitFound, "dead", "list", "-check")
	if ids := s.deadIDs(); len(ids) != 4 {
		t.Errorf("left are %v", ids)
	}
	if all := decode[deadLine](t, s.want(exitOK, "dead", "list", "-json")); all[0].Code != "internal" || all[0].Receives != 1 || all[1].Code != "" || all[1].Text == "" {
		t.Errorf("got %+v", all)
	}
	s.want(exitUsage, "dead")
	s.want(exitUsage, "dead", "list", "-nonsense")
	s.queues.held = nil
	if r := s.want(exitFailed, "dead", "list"); !strings.Contains(r.errors, "commands.fifo") {
		t.Errorf("got %s", r.errors)
	}
}

func TestDeadRedrive(t *testing.T) {
	t.Parallel()
	s := newDead(t)
	s.want(exitUsage, "dead", "redrive")
	s.want(exitUsage, "dead", "redrive", "c-1", "-all")
	s.want(exitUsage, "dead", "redrive", "-all") // nobody to ask
	if r := s.want(exitNotFound, "dead", "redrive", "-yes", "c-2", "c-9"); !strings.Contains(r.errors, "1 dead letters done") {
		t.Errorf("got %s", r.errors)
	}
	if ids := s.deadIDs(); !slices.Equal(ids, []string{"m-1", "m-3", "m-4"}) {
		t.Errorf("left are %v", ids)
	}
	s.want(exitOK, "dead", "redrive", "-yes", "-all")
	var got []string
	for _, l := range s.queues.held[commandQueue] {
		got = append(got, l.Group+" "+l.Deduplication)
	}
	if want := []string{"user/8 redrive-m-2", "user/7 redrive-m-1", "user/7 redrive-m-3", "x redrive-m-4"}; !slices.Equal(got, want) || len(s.deadIDs()) != 0 {
		t.Errorf("sent are %q, want %q; left %v", got, want, s.deadIDs())
	}
}

func TestDeadDrop(t *testing.T) {
	t.Parallel()
	s := newDead(t)
	s.want(exitOK, "dead", "drop", "-yes", "m-4", "c-3")
	if ids := s.deadIDs(); !slices.Equal(ids, []string{"m-1", "m-2"}) || len(s.queues.held[commandQueue]) != 0 {
		t.Errorf("left are %v", ids)
	}
}
