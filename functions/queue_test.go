package functions_test

import (
	"encoding/json/v2"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	awsevents "github.com/aws/aws-lambda-go/events"

	"daybook/functions"
	"daybook/internal/testdomain"
)

// sqs takes what is sent to queues.
type sqs struct {
	mu   sync.Mutex
	sent map[string][]awsevents.SQSMessage // by the queue's URL
	down bool
}

func (q *sqs) RoundTrip(r *http.Request) (*http.Response, error) {
	var in struct {
		QueueURL string `json:"QueueUrl"`
		Entries  []struct {
			ID         string `json:"Id"`
			Body       string `json:"MessageBody"`
			Group      string `json:"MessageGroupId"`
			Attributes map[string]struct {
				Value string `json:"StringValue"`
			} `json:"MessageAttributes"`
		} `json:"Entries"`
	}
	if err := json.UnmarshalRead(r.Body, &in); err != nil {
		return nil, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.down {
		return &http.Response{StatusCode: 400, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"__type":"com.amazonaws.sqs#QueueDoesNotExist"}`))}, nil
	}
	var out struct{ Successful []map[string]string }
	for _, e := range in.Entries {
		m := awsevents.SQSMessage{
			MessageId: fmt.Sprintf("m-%d", len(q.sent[in.QueueURL])), Body: e.Body, EventSource: "aws:sqs", MessageAttributes: map[string]awsevents.SQSMessageAttribute{},
			Attributes: map[string]string{"ApproximateReceiveCount": "1", "MessageGroupId": e.Group, "SentTimestamp": "1545082649183"},
		}
		for name, a := range e.Attributes {
			m.MessageAttributes[name] = awsevents.SQSMessageAttribute{StringValue: &a.Value}
		}
		q.sent[in.QueueURL] = append(q.sent[in.QueueURL], m)
		out.Successful = append(out.Successful, map[string]string{"Id": e.ID})
	}
	body, err := json.Marshal(out)
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(string(body)))}, err
}

// take returns what a queue holds, and empties it.
func (q *sqs) take(url string) []awsevents.SQSMessage {
	q.mu.Lock()
	defer q.mu.Unlock()
	taken := q.sent[url]
	delete(q.sent, url)
	return taken
}

// deliver invokes the command function with a batch.
func (r *rig) deliver(t *testing.T, batch ...awsevents.SQSMessage) string {
	t.Helper()
	event, err := json.Marshal(awsevents.SQSEvent{Records: batch})
	if err != nil {
		t.Fatal(err)
	}
	out, err := r.command.Invoke(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

const none = `{"batchItemFailures":[]}`

// later is call with Prefer: respond-async.
func later(t *testing.T, h functions.Handler, path, key, body string) answer {
	t.Helper()
	return callWith(t, h, "POST", path, "", body, map[string]string{"prefer": "respond-async", "idempotency-key": key})
}

// A command is queued, handled from a batch, and its status told; poison is a
// dead letter and holds nothing up.
func TestQueuedCommand(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := later(t, r.command, "/commands/create-member", "k-1", ada)
	if a.StatusCode != 202 || a.Headers["location"] != "../commands/k-1" {
		t.Fatalf("%+v", a)
	}
	if a := call(t, r.query, "GET", "/commands/k-1", "", ""); a.StatusCode != 200 || !strings.Contains(a.Body, `"status":"pending"`) {
		t.Errorf("%+v", a)
	}
	batch := r.sqs.take("commands-url")
	if len(batch) != 1 || batch[0].Attributes["MessageGroupId"] != "member/7" {
		t.Fatalf("queued %+v", batch)
	}
	rubbish := awsevents.SQSMessage{MessageId: "rubbish", Body: "{", EventSource: "aws:sqs", Attributes: map[string]string{"MessageGroupId": "member/7"}}
	if got := r.deliver(t, rubbish, batch[0]); got != none {
		t.Errorf("answer %s", got)
	}
	if a := call(t, r.query, "GET", "/commands/k-1", "", ""); !strings.Contains(a.Body, `"status":"accepted"`) || !strings.Contains(a.Body, `"token":"member/7@1"`) {
		t.Errorf("%+v", a)
	}
	if a := call(t, r.query, "GET", "/streams/member/7", "", ""); !strings.Contains(a.Body, `"actor":"alice"`) {
		t.Errorf("history: %+v", a)
	}
	letters := r.sqs.take("dead-url")
	if len(letters) != 1 || *letters[0].MessageAttributes["code"].StringValue != "internal" || letters[0].Body != "{" {
		t.Errorf("dead letters %+v", letters)
	}
	for name, want := range map[string]float64{"queued": 1, "handled-late": 1, "poison": 1, "tried-again": 0, "accepted": 1} {
		if got := r.measured(t, name); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	if r.measured(t, "message-age") < 1e9 {
		t.Error("the age of the message was not measured")
	}
	if log := r.log.String(); !strings.Contains(log, `"dead letter"`) || !strings.Contains(log, `"messageId":"rubbish"`) || strings.Contains(log, "private") {
		t.Errorf("log: %s", log)
	}
}

func TestABatchIsDeliveredAgainInPart(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, id := range []string{"1", "2"} {
		later(t, r.command, "/commands/create-member", "k-"+id, strings.NewReplacer(`"7"`, `"`+id+`"`, "ada@", "ada"+id+"@").Replace(ada))
		later(t, r.command, "/commands/rename-member", "r-"+id, `{"id":"`+id+`","payload":{"name":"Eve"}}`)
	}
	batch := r.sqs.take("commands-url")
	r.transport.fail = func(r *http.Request) bool { return mentions(r, `"member/2"`) && mentions(r, "test-events") }
	if got := r.deliver(t, batch...); got != `{"batchItemFailures":[{"itemIdentifier":"m-2"},{"itemIdentifier":"m-3"}]}` {
		t.Errorf("answer %s", got)
	}
	r.transport.fail = nil
	for range 2 { // whatever is delivered again
		if got := r.deliver(t, batch...); got != none {
			t.Errorf("answer %s", got)
		}
	}
	for _, id := range []string{"k-1", "r-1", "k-2", "r-2"} {
		if a := call(t, r.query, "GET", "/commands/"+id, "", ""); !strings.Contains(a.Body, `"status":"accepted"`) {
			t.Errorf("%s: %+v", id, a)
		}
	}
	if a := call(t, r.query, "GET", "/members/2", "after=member/2@2", ""); !strings.Contains(a.Body, `"name":"Eve"`) {
		t.Errorf("%+v", a)
	}
}

func TestTheQueueIsAway(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.sqs.down = true
	if a := later(t, r.command, "/commands/create-member", "k", ada); a.StatusCode != 503 || strings.Contains(a.Body, "QueueDoesNotExist") || a.Headers["retry-after"] == "" {
		t.Errorf("%+v", a)
	}
	r.sqs.down = false
	if a := later(t, r.command, "/commands/create-member", "k", ada); a.StatusCode != 202 {
		t.Errorf("%+v", a)
	}
}

func TestHalfAConfigurationIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []functions.Config{{RequestsTable: "r"}, {CommandQueue: "q", DeadQueue: "d"}, {RequestsTable: "r", CommandQueue: "q"}} {
		c.Region = "eu-west-1"
		if _, err := functions.NewCommand(testdomain.App(), c); err == nil {
			t.Errorf("%+v was taken", c)
		}
	}
	h, err := functions.NewCommand(testdomain.App(), functions.Config{Region: "eu-west-1", LogTo: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	if out, err := h.Invoke(t.Context(), []byte(`{"Records":[]}`)); err == nil {
		t.Errorf("a batch without a queue was answered %s", out)
	}
}

// A queued command costs one write unit to note, and one for its outcome beside
// what the command costs; a delivery again costs one read unit.
func TestWhatAQueuedCommandCosts(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	call(t, r.command, "POST", "/commands/create-member", "", ada)
	rename := `{"id":"7","payload":{"name":"Eve"}}`
	costs := func(what string, writes, reads float64, f func()) {
		t.Helper()
		r.metrics.Reset()
		f()
		if w, d := r.measured(t, "write-units"), r.measured(t, "read-units"); w != writes || d != reads {
			t.Errorf("%s costs %v write and %v read units, want %v and %v", what, w, d, writes, reads)
		}
	}
	costs("queueing", 1, 0, func() { later(t, r.command, "/commands/rename-member", "k", rename) })
	batch := r.sqs.take("commands-url")
	costs("handling a warm command", 2, 0, func() { r.deliver(t, batch...) })
	batch[0].Attributes["ApproximateReceiveCount"] = "2"
	costs("delivering it again", 0, 1, func() { r.deliver(t, batch...) })
	var many []awsevents.SQSMessage
	for i := range 10 {
		later(t, r.command, "/commands/rename-member", fmt.Sprint("k-", i), strings.Replace(rename, "Eve", fmt.Sprint("Eve ", i), 1))
		many = append(many, r.sqs.take("commands-url")...)
	}
	costs("a batch of ten on one stream", 1+10, 0, func() { r.deliver(t, many...) })
}

func TestAnUnsoundCommandIsLogged(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	m := awsevents.SQSMessage{MessageId: "m", EventSource: "aws:sqs", Body: `{"v":1,"command":"nonsense","id":"7","commandId":"k"}`}
	if got := r.deliver(t, m); got != none {
		t.Errorf("answer %s", got)
	}
	if !strings.Contains(r.log.String(), `"queued command is invalid","function":"command","messageId":"m","command":"nonsense"`) {
		t.Errorf("log: %s", &r.log)
	}
}
