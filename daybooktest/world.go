package daybooktest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"daybook"
	"daybook/aggregate"
	"daybook/events"
	"daybook/events/eventstest"
	"daybook/process"
	"daybook/process/processtest"
)

// world is what an application stands on: the stores in memory, the clock, and what
// processes did. It is used by one goroutine.
type world struct {
	app     daybook.App
	codec   *events.Codec
	owner   map[string]string // aggregates by command
	store   *eventstest.Memory
	handler *aggregate.Handler
	ledger  *processtest.Memory
	outside *processtest.Recorder
	now     time.Time
	ids     int

	commits []events.Commit // in the order in which they were stored
	handled int             // how many of them processes have handled
	seen    int             // how much of what outside recorded is past
}

func newWorld(app daybook.App) (*world, error) {
	w := &world{
		app: app, owner: map[string]string{}, ledger: &processtest.Memory{}, outside: &processtest.Recorder{},
		now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
	}
	if err := app.Check(); err != nil {
		return nil, err
	}
	for _, c := range app.Commands() {
		w.owner[c.Name] = c.Aggregate
	}
	for _, r := range app.Processes {
		if since := r.Describe().Since; since.After(w.now) {
			w.now = since
		}
	}
	w.store = &eventstest.Memory{After: func(c events.Commit) error {
		w.commits = append(w.commits, c)
		return nil
	}}
	var err error
	if w.codec, err = aggregate.Codec(app.Aggregates); err != nil {
		return nil, err
	}
	w.handler, err = aggregate.NewHandler(w.store, app.Aggregates, &aggregate.Options{
		Tenants: app.Tenancy.On(), Now: func() time.Time { return w.now }, NewID: w.id,
	})
	return w, err
}

// Tenant is the tenant of streams that a test names without one, in an application that
// has tenants.
const Tenant = "tenant"

// in is a stream as it is stored: one without a tenant is Tenant's where there are
// tenants.
func (w *world) in(stream events.Stream) events.Stream {
	if w.app.Tenancy.On() && stream.Tenant() == "" {
		return stream.In(Tenant)
	}
	return stream
}

func (w *world) id() string { w.ids++; return fmt.Sprintf("id-%d", w.ids) }

// add stores events in one commit, or each in one of its own, a second apart.
func (w *world) add(stream events.Stream, es []events.Data, together bool) error {
	var encoded []events.Event
	for _, e := range es {
		one, err := w.codec.Encode(e.EventName(), e)
		if err != nil {
			return err
		}
		if encoded = append(encoded, one); together {
			continue
		}
		if err := w.append(stream, encoded); err != nil {
			return err
		}
		encoded = nil
	}
	if len(encoded) == 0 {
		return nil
	}
	return w.append(stream, encoded)
}

func (w *world) append(stream events.Stream, es []events.Event) error {
	at, version := events.Start(stream), int64(0)
	for _, c := range w.commits {
		if c.Stream == stream {
			at, version = events.After(&c), c.Version
		}
	}
	id := w.id()
	_, err := w.store.Append(context.Background(), at, events.Commit{
		ID: id, Time: w.now, Actor: "actor", Correlation: id, Events: es,
		Commands: []events.Command{{ID: id, Version: version + int64(len(es))}},
	})
	w.now = w.now.Add(time.Second)
	return err
}

// command handles a command as a deployment does.
func (w *world) command(r process.Request) error {
	_, err := w.handler.Handle(context.Background(), aggregate.Command{
		Tenant: r.Tenant, Name: r.Command, ID: r.ID, Payload: r.Payload, CommandID: r.CommandID,
		Actor: r.Actor, Correlation: r.Correlation, Causation: r.Causation, Trace: r.Trace,
	})
	return err
}

func (w *world) begin() { w.seen = len(w.outside.Done()) }

// endless is how many rounds of processes that set each other off are taken for a
// loop that never ends.
const endless = 1000

// settle has processes handle all commits that they have not. Their commands are
// handled, until none is left; or else taken for accepted.
func (w *world) settle(commands bool) error {
	w.outside.Answer = nil
	if commands {
		w.outside.Answer = w.command
	}
	for range endless {
		if w.handled == len(w.commits) {
			return nil
		}
		todo := w.commits[w.handled:]
		w.handled = len(w.commits)
		if err := w.run(w.ledger, w.outside, todo); err != nil {
			return err
		}
	}
	return errors.New("they trigger each other endlessly")
}

func (w *world) run(ledger process.Ledger, outside *processtest.Recorder, todo []events.Commit) error {
	f, err := processtest.Handle(w.store, w.codec, ledger, w.app.Processes, outside, w.now, todo)
	if f != nil {
		return fmt.Errorf("%s parks %s at commit %d: %s", f.Consumer, f.Stream, f.Commit, f.Text)
	}
	return err
}

// done is what processes did because of the last When: what they did, and what they
// would do next.
func (s *Scenario) done() []processtest.Effect {
	s.t.Helper()
	w := s.world
	next := &processtest.Recorder{}
	if err := w.run(w.ledger.Clone(), next, w.commits[w.handled:]); err != nil {
		s.t.Fatalf("processes: %v", err)
	}
	return append(w.outside.Done()[w.seen:], next.Done()...)
}

// wait lets time go by, and timers fire. Nobody waits for the outcome of a timer's
// command, so a rejection is fine.
func (w *world) wait(d time.Duration) error {
	end := w.now.Add(d)
	for range endless {
		var due *process.Timer
		for _, t := range w.outside.Timers() {
			if !t.At.After(end) && (due == nil || t.At.Before(due.At) || t.At.Equal(due.At) && t.Label < due.Label) {
				due = &t
			}
		}
		if due == nil {
			w.now = end
			return nil
		}
		if due.At.After(w.now) {
			w.now = due.At
		}
		if err := w.outside.Cancel(context.Background(), due.Name); err != nil {
			return err
		}
		err := w.outside.Handle(context.Background(), due.Command)
		if e, ok := errors.AsType[*events.Error](err); err != nil && !(ok && e.Rejected) {
			return fmt.Errorf("timer %s: %w", due.Label, err)
		}
		if err := w.settle(true); err != nil {
			return err
		}
	}
	return errors.New("timers set each other endlessly")
}
