package e2e

import (
	"bytes"
	"encoding/json/v2"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/domain"
	"daybook/dynamo"
	"daybook/localstack/stack"
	"daybook/localstack/stack/stacktest"
)

// cloudEvent is what a consumer reads of an integration event.
type cloudEvent struct {
	SpecVersion string `json:"specversion"`
	ID          string `json:"id"`
	Type        string `json:"type"`
	Source      string `json:"source"`
	Subject     string `json:"subject"`
	Sequence    string `json:"sequence"`
	Data        struct {
		Order    string `json:"order"`
		Customer string `json:"customer"`
		Total    int64  `json:"total"`
		Reason   string `json:"reason"`
	} `json:"data"`
}

// consumer is another system: what it was given, in order.
type consumer interface {
	given(t *testing.T) []cloudEvent
}

// outboxFile is the file that integration events are appended to.
type outboxFile string

func (path outboxFile) given(t *testing.T) (all []cloudEvent) {
	t.Helper()
	text, err := os.ReadFile(string(path))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	for line := range bytes.Lines(text) {
		if !bytes.HasSuffix(line, []byte("\n")) {
			break // it is being written
		}
		var e cloudEvent
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		all = append(all, e)
	}
	return all
}

// webhook takes each event at the second time of asking: the answer to the first is
// an error, although it was read.
type webhook struct {
	mu    sync.Mutex
	tried map[string]bool
	taken []cloudEvent
	fault string
}

func (h *webhook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var e cloudEvent
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := json.Unmarshal(body, &e); err != nil || r.Method != http.MethodPost || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/cloudevents+json") {
		h.fault = r.Method + " " + r.Header.Get("Content-Type") + " " + string(body)
	}
	if !h.tried[e.ID] {
		h.tried[e.ID] = true
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	h.taken = append(h.taken, e)
}

func (h *webhook) given(t *testing.T) []cloudEvent {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fault != "" {
		t.Fatalf("it was sent %s", h.fault)
	}
	return slices.Clone(h.taken)
}

// TestOutbox: other systems are told of orders, in order for each, with an id that
// stays the same when they are told again.
func TestOutbox(t *testing.T) {
	t.Parallel()
	if os.Getenv("DAYBOOK_URL") != "" {
		t.Skip("left out: it starts stacks of its own, and DAYBOOK_URL names another")
	}
	for name, o := range map[string]stack.Options{"kind": {}, "hostile": {Hostile: stack.Hostile(13)}} {
		t.Run(name+" file", func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "outbox.jsonl")
			testOutbox(t, o, file, outboxFile(file))
		})
		t.Run(name+" webhook", func(t *testing.T) {
			t.Parallel()
			hook := &webhook{tried: map[string]bool{}}
			server := httptest.NewServer(hook)
			t.Cleanup(server.Close) // after the stack
			testOutbox(t, o, server.URL, hook)
		})
	}
}

func testOutbox(t *testing.T, o stack.Options, outbox string, other consumer) {
	t.Helper()
	o.Outbox = outbox
	s := stacktest.Start(t, domain.App(), o)
	c := &client{t: t, target: target{name: t.Name(), url: s.URL()}}
	p := c.stocked(5)
	rejected := c.order("no-such")
	var ids []string
	for range 3 {
		ids = append(ids, c.order(p))
	}
	const confirmed, cancelled = "com.example.shop.order-confirmed.v1", "com.example.shop.order-cancelled.v1"
	first := map[string][]cloudEvent{}
	for _, id := range ids {
		first[id] = awaitEvents(t, other, "order/"+id, confirmed)
		// As if the process function had ended before it wrote down what it did.
		forget(t, s, "shop/order/"+id, "2")
		c.command("cancel-order", id, map[string]string{"reason": "mind changed"})
	}
	for _, id := range ids {
		all := awaitEvents(t, other, "order/"+id, confirmed, cancelled)
		if a, b := first[id][0], all[0]; a != b || a.Sequence >= all[1].Sequence || a.ID == all[1].ID {
			t.Errorf("order %s: %+v at first, then %+v and %+v", id, a, b, all[1])
		}
		if e := all[0]; e.SpecVersion != "1.0" || e.Source != domain.App().Prefix(stack.Stage)+"/shop" || e.Data.Order != id || e.Data.Customer != customerOf(id) || e.Data.Total != 1990 || all[1].Data.Reason != "mind changed" {
			t.Errorf("order %s: %+v", id, all)
		}
		if n := told(other.given(t), first[id][0].ID); n < 2 {
			t.Errorf("order %s: its confirmation was published %d times, and it was forgotten in between", id, n)
		}
	}
	if all := awaitEvents(t, other, "order/"+rejected, "com.example.shop.order-rejected.v1"); !strings.Contains(all[0].Data.Reason, "no-such") {
		t.Errorf("the rejected order: %+v", all)
	}
}

// told is how often an event was given.
func told(all []cloudEvent, id string) (n int) {
	for _, e := range all {
		if e.ID == id {
			n++
		}
	}
	return n
}

// awaitEvents waits until a subject's events, repeats left out, are of these types,
// and are in order: where some come again, all that follow do.
func awaitEvents(t *testing.T, from consumer, subject string, types ...string) []cloudEvent {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		var once []cloudEvent
		last := cloudEvent{}
		for _, e := range from.given(t) {
			if e.Subject != subject {
				continue
			}
			if i := slices.IndexFunc(once, func(o cloudEvent) bool { return o.ID == e.ID }); i < 0 {
				once = append(once, e)
			} else if once[i] != e {
				t.Errorf("one id for %+v and %+v", once[i], e)
			}
			last = e
		}
		got := make([]string, len(once))
		for i, e := range once {
			got[i] = e.Type
		}
		if slices.Equal(got, types) && last == once[len(once)-1] {
			return once
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: events %q, want %q; the last was %+v", subject, got, types, last)
		}
	}
}

// forget deletes an entry of the ledger as soon as it says that a commit was handled.
func forget(t *testing.T, s *stack.Stack, key, commit string) {
	t.Helper()
	table := aws.String(dynamo.TableName(domain.App().Prefix(stack.Stage), dynamo.ProcessesTable()))
	of := map[string]types.AttributeValue{"key": &types.AttributeValueMemberS{Value: key}}
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		got, err := s.Client().GetItem(t.Context(), &dynamodb.GetItemInput{TableName: table, Key: of, ConsistentRead: aws.Bool(true)})
		if err == nil {
			if c, ok := got.Item["c"].(*types.AttributeValueMemberN); ok && c.Value == commit {
				// Without a condition: when an answer was lost, the retry would fail it.
				if _, err = s.Client().DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: table, Key: of}); err == nil {
					return
				}
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s was not forgotten at commit %s: %v, %v", key, commit, got, err)
		}
	}
}
