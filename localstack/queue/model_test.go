package queue_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"pgregory.net/rapid"

	"daybook/dynamo"
	"daybook/localstack/embedded"
)

const (
	modelTimeout = 10 * time.Second
	modelLimit   = 3 // receives
)

// modelMessage is what the model knows of a message.
type modelMessage struct {
	group, body string
	sent        time.Time
	receives    int
	visible     time.Time // in flight until then
	handle      *string
	gone        bool // deleted
}

// model is FIFO's rules in the plainest form: a list of messages in order.
type model struct {
	messages []*modelMessage
}

func (m *model) locked(group string) bool {
	return slices.ContainsFunc(m.messages, func(x *modelMessage) bool {
		return x.group == group && !x.gone && x.visible.After(time.Now())
	})
}

// available are the messages of a group that may be received, in order.
func (m *model) available(group string) (all []*modelMessage) {
	for _, x := range m.messages {
		if x.group == group && !x.gone && x.receives < modelLimit {
			all = append(all, x)
		}
	}
	return all
}

// known is the message sent with the same id within five minutes, nil for none.
func (m *model) known(body string) *modelMessage {
	for _, x := range slices.Backward(m.messages) {
		if x.body == body && time.Since(x.sent) < 5*time.Minute {
			return x
		}
	}
	return nil
}

// rig is the queue, its model and the client to compare them by.
type rig struct {
	t         *testing.T
	tables    *dynamo.Client
	table     string
	c         *sqs.Client
	url, dead *string
	model     model
	ids       map[string]string // message ids by body
	groups    []string
}

func (r *rig) send(t *rapid.T) {
	group, body := rapid.SampledFrom(r.groups).Draw(t, "group"), fmt.Sprint("m", rapid.IntRange(0, 20).Draw(t, "body"))
	out, err := r.c.SendMessage(r.t.Context(), &sqs.SendMessageInput{QueueUrl: r.url, MessageBody: &body, MessageGroupId: &group, MessageDeduplicationId: &body})
	if err != nil {
		t.Fatal(err)
	}
	if known := r.model.known(body); known != nil {
		if r.ids[body] != *out.MessageId {
			t.Fatalf("%s is another message within five minutes", body)
		}
		return
	}
	if r.ids[body] == *out.MessageId {
		t.Fatalf("%s is the same message after five minutes", body)
	}
	r.ids[body] = *out.MessageId
	r.model.messages = append(r.model.messages, &modelMessage{group: group, body: body, sent: time.Now()})
}

func (r *rig) receive(t *rapid.T) {
	n := rapid.IntRange(1, 10).Draw(t, "at most")
	free := map[string][]*modelMessage{}
	total := 0
	for _, g := range r.groups {
		if !r.model.locked(g) {
			free[g] = r.model.available(g)
			total += len(free[g])
		}
	}
	got := receive(r.t, r.c, r.url, int32(n))
	if len(got) != min(n, total) {
		t.Fatalf("received %q, want %d of %d", bodies(got), n, total)
	}
	taken := map[string]int{}
	last := ""
	for _, m := range got {
		g := m.Attributes["MessageGroupId"]
		if g != last && taken[g] > 0 {
			t.Fatalf("groups are mixed: %q", bodies(got))
		}
		last = g
		if taken[g] >= len(free[g]) || free[g][taken[g]].body != *m.Body {
			t.Fatalf("received %q of group %s out of order or while it is locked", *m.Body, g)
		}
		x := free[g][taken[g]]
		taken[g]++
		x.receives++
		x.visible, x.handle = time.Now().Add(modelTimeout), m.ReceiptHandle
		if m.Attributes["ApproximateReceiveCount"] != fmt.Sprint(x.receives) {
			t.Fatalf("%s was received %d times, not %s", x.body, x.receives, m.Attributes["ApproximateReceiveCount"])
		}
	}
}

// inFlight draws a message that was received, or nil.
func (r *rig) inFlight(t *rapid.T) *modelMessage {
	var all []*modelMessage
	for _, x := range r.model.messages {
		if x.handle != nil && !x.gone {
			all = append(all, x)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return rapid.SampledFrom(all).Draw(t, "message")
}

func (r *rig) delete(t *rapid.T) {
	x := r.inFlight(t)
	if x == nil {
		return
	}
	_, err := r.c.DeleteMessage(r.t.Context(), &sqs.DeleteMessageInput{QueueUrl: r.url, ReceiptHandle: x.handle})
	switch valid := x.visible.After(time.Now()); {
	case valid && err != nil:
		t.Fatal(err)
	case valid:
		x.gone = true
	case err == nil && x.receives < modelLimit:
		t.Fatalf("%s was deleted with a handle whose time is over", x.body)
	}
}

func (r *rig) change(t *rapid.T) {
	x := r.inFlight(t)
	if x == nil {
		return
	}
	seconds := rapid.Int32Range(0, 20).Draw(t, "seconds")
	_, err := r.c.ChangeMessageVisibility(r.t.Context(), &sqs.ChangeMessageVisibilityInput{QueueUrl: r.url, ReceiptHandle: x.handle, VisibilityTimeout: seconds})
	if valid := x.visible.After(time.Now()); valid != (err == nil) {
		t.Fatalf("change the visibility of %s, in flight: %t: %v", x.body, valid, err)
	} else if valid {
		x.visible = time.Now().Add(time.Duration(seconds) * time.Second)
	}
}

// restart is the end of the process, without notice, and the next start.
func (r *rig) restart(*rapid.T) {
	_, r.c = openAt(r.t, r.tables, r.table)
	for _, x := range r.model.messages {
		x.visible = time.Time{}
	}
}

// drain deletes what is left, and looks into the dead-letter queue: every
// message was either deleted once or is there, in order.
func (r *rig) drain(t *rapid.T) {
	time.Sleep(20 * time.Second) // the longest flight
	for {
		got := receive(r.t, r.c, r.url, 10)
		if len(got) == 0 {
			break
		}
		remove(r.t, r.c, r.url, got...)
		for _, m := range got {
			i := slices.IndexFunc(r.model.messages, func(x *modelMessage) bool {
				return !x.gone && x.receives < modelLimit && x.body == *m.Body && x.group == m.Attributes["MessageGroupId"]
			})
			if i < 0 {
				t.Fatalf("%s is still there", *m.Body)
			}
			r.model.messages[i].gone = true
		}
	}
	var dead []types.Message
	for {
		got := receive(r.t, r.c, r.dead, 10)
		if len(got) == 0 {
			break
		}
		remove(r.t, r.c, r.dead, got...)
		dead = append(dead, got...)
	}
	for _, g := range r.groups {
		var is, should []string
		for _, m := range dead {
			if m.Attributes["MessageGroupId"] == g {
				is = append(is, *m.Body)
			}
		}
		for _, x := range r.model.messages {
			if x.group == g && !x.gone {
				should = append(should, x.body)
			}
		}
		slices.Sort(is)
		slices.Sort(should)
		if strings.Join(is, " ") != strings.Join(should, " ") {
			t.Fatalf("dead of group %s: %q, want %q", g, is, should)
		}
	}
}

func TestFIFORulesHold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, client := tables(t, embedded.Options{})
		round := 0
		rapid.Check(struct{ testing.TB }{t}, func(rt *rapid.T) { // without the deadline, which no bubble has
			round++
			r := &rig{t: t, tables: client, table: openTable(t, client, fmt.Sprint("round", round)), ids: map[string]string{}, groups: []string{"a", "b", "c"}}
			r.restart(rt)
			r.dead = create(t, r.c, "dead.fifo", nil)
			r.url = create(t, r.c, "live.fifo", map[string]string{
				"VisibilityTimeout": fmt.Sprint(int(modelTimeout.Seconds())),
				"RedrivePolicy":     fmt.Sprintf(`{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead.fifo","maxReceiveCount":%d}`, modelLimit),
			})
			rt.Repeat(map[string]func(*rapid.T){
				"send": r.send, "send more": r.send, "receive": r.receive, "delete": r.delete, "change visibility": r.change, "restart": r.restart,
				"wait": func(t *rapid.T) { time.Sleep(time.Duration(rapid.IntRange(1, 12).Draw(t, "seconds")) * time.Second) },
				"wait long": func(t *rapid.T) {
					if rapid.IntRange(0, 9).Draw(t, "really") == 0 {
						time.Sleep(5 * time.Minute)
					}
				},
			})
			r.drain(rt)
		})
	})
}
