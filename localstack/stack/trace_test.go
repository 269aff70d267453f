package stack_test

import (
	"bytes"
	"encoding/json/v2"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"daybook"
	"daybook/aggregate"
	"daybook/dynamo"
	"daybook/events"
	"daybook/localstack/stack"
	"daybook/process"
	"daybook/view"
)

// A note is written, then signed by a process manager at once and filed by its timer.
type (
	write struct{}
	sign  struct{}
	file  struct{}

	written struct{}
	signed  struct{}
	filed   struct{}
	note    struct{}
)

func (write) CommandName() string { return "write-note" }
func (sign) CommandName() string  { return "sign-note" }
func (file) CommandName() string  { return "file-note" }
func (written) EventName() string { return "note-written" }
func (signed) EventName() string  { return "note-signed" }
func (filed) EventName() string   { return "note-filed" }

func notes() daybook.App {
	emit := func(e events.Data) aggregate.Decision { return aggregate.Emit(e) }
	return daybook.App{
		Name: "notes",
		Aggregates: []aggregate.Aggregate{aggregate.New[note]("note").
			Event(func(n note, _ written) note { return n }).
			Event(func(n note, _ signed) note { return n }).
			Event(func(n note, _ filed) note { return n }).
			Command(func(note, write) aggregate.Decision { return emit(written{}) }).
			Command(func(note, sign) aggregate.Decision { return emit(signed{}) }).
			Command(func(note, file) aggregate.Decision { return emit(filed{}) })},
		Views: []view.View{view.New[note]("notes", "note").
			On(func(n note, _ written, m view.Meta) note {
				if m.ID() == "bad" {
					panic("it can't be shown")
				}
				return n
			})},
		Processes: []process.Reactor{
			process.New[struct{}]("clerk", "note").Sends(sign{}, file{}).React(func(_ written, m process.Meta) process.Reaction {
				return process.Do(process.Send(m.ID(), sign{}), process.After("filing", 0, process.Send(m.ID(), file{})))
			}),
			process.NewOutbox[struct{}]("post", "note").
				Publish("com.example.note-filed", 1, func(_ struct{}, _ filed, m process.Meta) map[string]string { return map[string]string{"id": m.ID()} }),
		},
	}
}

// TestTrace: the trace context of a request is kept with its commit and handed on to
// what follows, at once, through the queue and by a timer, to integration events and
// to the log of the views.
func TestTrace(t *testing.T) {
	t.Parallel()
	const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	outbox, log := filepath.Join(t.TempDir(), "outbox.jsonl"), &lockedBuffer{}
	s, err := stack.Start(t.Context(), notes(), stack.Options{Outbox: outbox, LogTo: log, LogLevel: slog.LevelDebug})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	send := func(id string, headers ...string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL()+"/commands/write-note", strings.NewReader(`{"id":"`+id+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(answer.Body)
		if answer.Body.Close(); answer.StatusCode >= 300 {
			t.Fatalf("%s: %d %s", id, answer.StatusCode, body)
		}
	}
	send("now", "traceparent", trace)
	send("later", "traceparent", trace, "Prefer", "respond-async")
	send("none")
	send("invalid", "traceparent", strings.ToUpper(trace))
	send("bad", "traceparent", trace)

	store := dynamo.NewEventStore(s.Client(), dynamo.TableName(s.Prefix(), dynamo.EventsTable()))
	for id, want := range map[string]string{"now": trace, "later": trace, "none": "", "invalid": "", "bad": trace} {
		for _, c := range commitsOf(t, store, events.StreamOf("note", id), 3) {
			if c.Trace != want {
				t.Errorf("commit %d of %s has trace %q, want %q", c.Number, id, c.Trace, want)
			}
		}
	}
	for id, want := range map[string]any{"now": trace, "later": trace, "none": nil, "invalid": nil} {
		e := published(t, outbox, "note/"+id)
		if e["traceparent"] != want || e["datacontenttype"] != "application/json" {
			t.Errorf("the integration event of %s is %v", id, e)
		}
	}
	for _, want := range []string{`"traceparent":"` + trace + `"`, "stream parked"} {
		if !log.await(want) {
			t.Errorf("the log lacks %s", want)
		}
	}
	for line := range strings.Lines(log.String()) {
		if strings.Contains(line, "stream parked") && !strings.Contains(line, trace) {
			t.Errorf("the log has no trace of a parked stream: %s", line)
		}
	}
}

// commitsOf waits until a stream has n commits.
func commitsOf(t *testing.T, store *dynamo.EventStore, stream events.Stream, n int) []events.Commit {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		commits, err := store.Read(t.Context(), stream, 1, n)
		if err != nil {
			t.Fatal(err)
		}
		if len(commits) == n {
			return commits
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s has %d commits, want %d", stream, len(commits), n)
		}
	}
}

// published waits for the integration event of a stream.
func published(t *testing.T, outbox, subject string) map[string]any {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		text, _ := os.ReadFile(outbox)
		for line := range bytes.Lines(text) {
			var e map[string]any
			if json.Unmarshal(line, &e) == nil && e["subject"] == subject {
				return e
			}
		}
	}
	t.Fatalf("no integration event of %s", subject)
	return nil
}

// lockedBuffer is a log that may be read while it is written.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// await waits until the log has a text.
func (b *lockedBuffer) await(text string) bool {
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if strings.Contains(b.String(), text) {
			return true
		}
	}
	return false
}
