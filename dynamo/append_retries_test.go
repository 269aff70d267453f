package dynamo

import (
	"context"
	"encoding/json/jsontext"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"daybook/aggregate"
	"daybook/events"
	"daybook/follow"
	"daybook/internal/testdomain"
	"daybook/localstack/embedded"
	"daybook/process"
)

// appendRetries is the command path over a database whose puts of commits fail.
type appendRetries struct {
	net     *network
	events  *EventStore
	ledger  *Processes
	handler *aggregate.Handler
	puts    func() int // that were sent of the command under test
}

// newAppendRetries opens a database with member 7, whose next puts fail: with a fault
// of the network, or, without one, since another writer is quicker each time.
func newAppendRetries(t *testing.T, db *embedded.DB, f fault) *appendRetries {
	t.Helper()
	a := &appendRetries{net: &network{next: db.RoundTripper()}}
	client := func(transport http.RoundTripper) (*EventStore, *Processes, *aggregate.Handler) {
		o := testOptions(transport)
		o.AttemptTimeout = 0 // the default
		c := New(o)
		s := NewEventStore(c, TableName(testPrefix, EventsTable()), WithClaims(TableName(testPrefix, ClaimsTable())))
		h, err := aggregate.NewHandler(s, testdomain.Aggregates(), nil)
		if err != nil {
			t.Fatal(err)
		}
		return s, NewProcesses(c, TableName(testPrefix, ProcessesTable())), h
	}
	_, ledger, other := client(db.RoundTripper())
	written := 0
	a.ledger = ledger
	a.events, _, a.handler = client(roundTripper(func(r *http.Request) (*http.Response, error) {
		if f == none && a.net.plan != nil && appends(r) {
			written++
			if _, err := other.Handle(r.Context(), renameMember("7", written)); err != nil {
				return nil, err
			}
		}
		return a.net.RoundTrip(r)
	}))
	if err := Create(t.Context(), New(testOptions(db.RoundTripper())), testPrefix, EventsTable(), ClaimsTable(), ProcessesTable()); err != nil {
		t.Fatal(err)
	}
	if _, err := a.handler.Handle(t.Context(), createMember("7")); err != nil {
		t.Fatal(err)
	}
	puts := 0
	a.net.reset(func(_ int, operation string) fault {
		if operation != "PutItem" {
			return none
		}
		puts++
		return f
	})
	a.puts = func() int { return puts }
	return a
}

func appends(r *http.Request) bool {
	return strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".PutItem")
}

// Handle implements process.Commands.
func (a *appendRetries) Handle(ctx context.Context, r process.Request) error {
	_, err := a.handler.Handle(ctx, aggregate.Command{Name: r.Command, ID: r.ID, Payload: r.Payload, CommandID: r.CommandID})
	return err
}

// react handles a commit whose reaction is the command.
func (a *appendRetries) react(t *testing.T) error {
	manager := process.New[struct{}]("renaming", "order").Sends(testdomain.RenameMember{}).On(func(struct{}, orderPlaced, process.Meta) (struct{}, process.Reaction) {
		return struct{}{}, process.Do(process.Send("7", testdomain.RenameMember{Name: "Ann"}))
	})
	codec, err := events.NewCodec(events.Type{Name: "order-placed"})
	if err != nil {
		t.Fatal(err)
	}
	runner, err := process.NewRunner(a.events, codec, a.ledger, []process.Reactor{manager}, process.Effects{Commands: a}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := userCommit(1)
	c.Stream, c.Number, c.Version, c.Time = "order/1", 1, 1, time.Now()
	c.Events[0] = events.Event{Name: "order-placed", Schema: 1, Data: jsontext.Value(`{"products":[]}`)}
	return runner.Handle(t.Context(), []follow.Delivery{{Stream: c.Stream, Number: 1, Commit: &c}}).Err
}

// TestOneFailingAppend: every kind of failure is retried in one place (ADR 28), so
// that one command costs what that place allows, and no product of several.
func TestOneFailingAppend(t *testing.T) {
	t.Parallel()
	frame, err := compress([]byte("made outside of the bubbles, which share the encoder"))
	if _, wrong := decompress(frame); err != nil || wrong != nil {
		t.Fatal(err, wrong)
	}
	for name, c := range map[string]struct {
		fault       fault
		puts        int
		requests    int // all, with the reads of other writers' commits
		least, most time.Duration
	}{
		"throttled":   {throttle, 4, 4, 0, 1150 * time.Millisecond},
		"unavailable": {hang, 4, 4, 12 * time.Second, 14 * time.Second},
		"conflict":    {none, 10, 18, 0, 1500 * time.Millisecond},
	} {
		for path, handle := range map[string]func(*testing.T, *appendRetries) error{
			"command": func(t *testing.T, a *appendRetries) error {
				_, err := a.handler.Handle(t.Context(), renameMember("7", 1000))
				return err
			},
			"process": func(t *testing.T, a *appendRetries) error { return a.react(t) },
		} {
			t.Run(path+"/"+name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					db, err := embedded.Open(t.Context(), embedded.Options{})
					if err != nil {
						t.Fatal(err)
					}
					defer func() { _ = db.Close() }()
					a := newAppendRetries(t, db, c.fault)
					begun := time.Now()
					err = handle(t, a)
					took := time.Since(begun)
					puts, all := a.puts(), len(a.net.requests())
					if !events.Transient(err) || puts != c.puts || all != c.requests || took < c.least || took > c.most {
						t.Errorf("%d requests, %d of them puts, in %v; want %d and %d in %v to %v: %v",
							all, puts, took, c.requests, c.puts, c.least, c.most, err)
					}
				})
			})
		}
	}
}
