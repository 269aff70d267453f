package stack_test

import (
	"encoding/json/v2"
	"fmt"
	"io"
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
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"daybook/dynamo"
	"daybook/internal/testdomain"
	"daybook/localstack/stack"
)

// put puts events of a subject on the stack's bus.
func put(t *testing.T, s *stack.Stack, subject string, numbers ...int) {
	t.Helper()
	c := eventbridge.New(eventbridge.Options{Region: "us-east-1", Credentials: dynamo.StaticCredentials("any", "any"), BaseEndpoint: aws.String(s.DynamoDBURL())})
	in := &eventbridge.PutEventsInput{}
	for _, n := range numbers {
		in.Entries = append(in.Entries, types.PutEventsRequestEntry{
			EventBusName: aws.String(testdomain.App().Prefix(stack.Stage)), Source: aws.String("s"), DetailType: aws.String("d"), Detail: aws.String(fmt.Sprintf(`{"subject":%q,"n":%d}`, subject, n)),
		})
	}
	if out, err := c.PutEvents(t.Context(), in); err != nil || out.FailedEntryCount > 0 {
		t.Fatal(out, err)
	}
}

// hook is a webhook that may be down.
type hook struct {
	mu    sync.Mutex
	down  bool
	tries int
	got   map[string][]int // numbers by subject
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var in struct {
		Subject string `json:"subject"`
		N       int    `json:"n"`
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tries++
	if err := json.Unmarshal(body, &in); err != nil || h.down {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	h.got[in.Subject] = append(h.got[in.Subject], in.N)
}

func (h *hook) await(t *testing.T, what string, until func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		h.mu.Lock()
		done := until()
		h.mu.Unlock()
		if done {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v after %d tries", what, h.got, h.tries)
		}
	}
}

// Events wait for a webhook that is down, over a restart too, and arrive in order.
func TestWebhook(t *testing.T) {
	t.Parallel()
	h := &hook{down: true, got: map[string][]int{}}
	server := httptest.NewServer(h)
	defer server.Close()
	o := stack.Options{Data: t.TempDir(), DynamoDBAddr: "127.0.0.1:0", Outbox: server.URL}
	s := start(t, o)
	put(t, s, "booking/1", 1, 2)
	put(t, s, "booking/2", 1)
	h.await(t, "tried", func() bool { return h.tries >= 2 })
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	h.mu.Lock()
	h.down = false
	h.mu.Unlock()
	s = start(t, o)
	if s.Outbox() != server.URL {
		t.Errorf("the outbox is %q", s.Outbox())
	}
	put(t, s, "booking/1", 3)
	h.await(t, "delivered", func() bool { return len(h.got["booking/1"]) >= 3 && len(h.got["booking/2"]) >= 1 })
	if !slices.Equal(h.got["booking/1"], []int{1, 2, 3}) || !slices.Equal(h.got["booking/2"], []int{1}) {
		t.Errorf("got %v", h.got)
	}
}

func TestOutboxes(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	other := filepath.Join(t.TempDir(), "events")
	for _, test := range []struct{ data, outbox, want string }{
		{"", "", ""}, {data, "", filepath.Join(data, "outbox.jsonl")}, {data, stack.NoOutbox, ""}, {data, other, other}, {"", other, other},
	} {
		s := start(t, stack.Options{Data: test.data, DynamoDBAddr: "127.0.0.1:0", Outbox: test.outbox})
		if s.Outbox() != test.want {
			t.Errorf("%+v: outbox %q", test, s.Outbox())
		}
		put(t, s, "booking/1", 7)
		if test.want != "" {
			if got, err := os.ReadFile(test.want); err != nil || !strings.Contains(string(got), `{"subject":"booking/1","n":7}`+"\n") {
				t.Errorf("%+v: %q, %v", test, got, err)
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := stack.Start(t.Context(), testdomain.App(), stack.Options{Outbox: data, LogTo: io.Discard}); err == nil || !strings.Contains(err.Error(), "-outbox") {
		t.Errorf("an outbox that is a directory: %v", err)
	}
}

// Commands that are handled later take effect once, on the worst of days.
func TestHostileQueue(t *testing.T) {
	t.Parallel()
	s := start(t, stack.Options{Hostile: stack.Hostile(3)})
	send := func(method, path, key, body string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, s.URL()+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", key)
		r.Header.Set("Prefer", "respond-async")
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		data, _ := io.ReadAll(answer.Body)
		return answer.StatusCode, string(data)
	}
	for deadline := time.Now().Add(30 * time.Second); ; {
		if status, body := send(http.MethodPost, "/commands/add-course", "add", `{"id":"p","payload":{"name":"Pen","area":"pens","fee":1,"currency":"EUR","seats":0}}`); status == http.StatusAccepted {
			break
		} else if time.Now().After(deadline) {
			t.Fatal(status, body)
		}
	}
	const n = 40
	for i := range n {
		for deadline := time.Now().Add(30 * time.Second); ; {
			status, body := send(http.MethodPost, "/commands/extend-course", fmt.Sprint("restock-", i), `{"id":"p","payload":{"quantity":1}}`)
			if status == http.StatusAccepted || status == http.StatusOK {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal(status, body)
			}
		}
	}
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		status, body := send(http.MethodGet, fmt.Sprintf("/courses/p?after=course/p@%d", n+1), "", "")
		if status == http.StatusOK && strings.Contains(body, fmt.Sprintf(`"seats":%d,"version":%d`, n, n+1)) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d %s", status, body)
		}
	}
}
