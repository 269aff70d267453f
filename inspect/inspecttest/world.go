package inspecttest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"daybook"
	"daybook/aggregate"
	"daybook/aggregate/async"
	"daybook/aggregate/async/asynctest"
	"daybook/events"
	"daybook/events/eventstest"
	"daybook/follow"
	"daybook/inspect"
	"daybook/process"
	"daybook/process/processtest"
	"daybook/view/driver"
	"daybook/view/projection"
	"daybook/view/viewtest"
)

// World is an installation in memory, with all that runs it. Nothing runs by
// itself: a test sends commands and lets views, processes and the queue's worker
// catch up when it wants. It is not safe for concurrent use.
type World struct {
	*testing.T
	*inspect.Installation

	Store    *eventstest.Memory
	Tables   *viewtest.Memory
	Ledger   *processtest.Memory
	Statuses *asynctest.Statuses
	Outside  *processtest.Recorder // timers and messages
	Queue    *asynctest.Queue
	Letters  []inspect.Letter // dead letters; those of Work are added when they are read
	Handler  *aggregate.Handler
	Commands process.Commands // of the process managers; Handler unless it is set
	Now      time.Time        // of every clock
	Tenant   string           // whose commands Send sends

	codec *events.Codec
	dead  *asynctest.Queue
	sent  int
}

// New returns an installation of an application in which nothing has happened.
func New(t *testing.T, app daybook.App, now time.Time) *World {
	t.Helper()
	w := &World{
		T: t, Store: &eventstest.Memory{}, Ledger: &processtest.Memory{}, Statuses: &asynctest.Statuses{}, Outside: &processtest.Recorder{},
		Queue: &asynctest.Queue{}, dead: &asynctest.Queue{}, Now: now,
	}
	if err := app.Check(); err != nil {
		t.Fatal(err)
	}
	w.Tables = viewtest.NewMemory(app.Views...)
	clock := func() time.Time { return w.Now }
	var err error
	if w.Handler, err = aggregate.NewHandler(w.Store, app.Aggregates, &aggregate.Options{Tenants: app.Tenancy.On(), Now: clock}); err != nil {
		t.Fatal(err)
	}
	if w.codec, err = aggregate.Codec(app.Aggregates); err != nil {
		t.Fatal(err)
	}
	w.Installation, err = inspect.Open(app, inspect.Sources{
		Events: w.Store, Tables: w.Tables, Ledger: w.Ledger, Statuses: w.Statuses, DeadLetters: letters{w}, Source: app.Name + "-test", Now: clock,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Commands = handled{w.Handler}
	return w
}

// letters are the dead letters of a World.
type letters struct{ *World }

func (l letters) Letters(context.Context, int) ([]inspect.Letter, bool, error) {
	for _, m := range l.dead.Take() {
		one := inspect.Letter{ID: m.Deduplication, Group: m.Group, Sent: l.Now, Code: events.Code(m.Attributes[async.AttributeCode]), Text: m.Attributes[async.AttributeError], Receives: 10}
		if q, err := async.Decode(m.Body); err == nil {
			one.ID, one.Tenant, one.Command = q.Command.CommandID, q.Command.Tenant, q.Command.Name
		}
		l.World.Letters = append(l.World.Letters, one)
	}
	return l.World.Letters, false, nil
}

// handled sends a process manager's commands to the handler, as a deployment does.
type handled struct{ *aggregate.Handler }

func (h handled) Handle(ctx context.Context, r process.Request) error {
	_, err := h.Handler.Handle(ctx, CommandOf(r))
	return err
}

// CommandOf is the command that a request of a process manager asks for.
func CommandOf(r process.Request) aggregate.Command {
	return aggregate.Command{Tenant: r.Tenant, Name: r.Command, ID: r.ID, Payload: r.Payload, CommandID: r.CommandID, Actor: r.Actor, Correlation: r.Correlation, Causation: r.Causation, Trace: r.Trace}
}

// Send handles a command, a second after the one before, and returns its id.
func (w *World) Send(name, id, payload string) string {
	w.Helper()
	w.sent++
	w.Now = w.Now.Add(time.Second)
	c := aggregate.Command{Tenant: w.Tenant, Name: name, ID: id, Payload: []byte(payload), CommandID: fmt.Sprint("c-", w.sent), Actor: "ann"}
	if _, err := w.Handler.Handle(w.Context(), c); err != nil {
		w.Fatalf("%s %s: %v", name, id, err)
	}
	return c.CommandID
}

// Enqueue sends a command to the queue.
func (w *World) Enqueue(c aggregate.Command) {
	w.Helper()
	for _, s := range async.NewSender(w.Handler, w.Queue, w.Statuses).Send(w.Context(), []aggregate.Command{c}) {
		if s.Err != nil {
			w.Fatal(s.Err)
		}
	}
}

// Work handles what is in the queue, as often as a queue delivers it.
func (w *World) Work() {
	w.Helper()
	worker := async.NewWorker(w.Handler, w.Statuses, w.dead, nil)
	for n, m := range w.Queue.Take() {
		worker.Handle(w.Context(), []async.Delivery{{ID: fmt.Sprint("m-", n), Body: m.Body, Group: m.Group, Receives: 10}})
	}
}

// Deliveries are all commits that are stored.
func (w *World) Deliveries() (all []follow.Delivery) {
	w.Helper()
	for page, err := range events.Pages(w.Context(), w.Store.Scan, 0, 1) {
		if err != nil {
			w.Fatal(err)
		}
		for n := range page {
			all = append(all, follow.Delivery{Stream: page[n].Stream, Number: page[n].Number, Commit: &page[n]})
		}
	}
	return all
}

// Project projects all commits to all views.
func (w *World) Project() {
	w.Helper()
	p, err := projection.New(w.Store, w.codec, w.Tables, w.App().Views, &projection.Options{Routed: true, Now: func() time.Time { return w.Now }})
	if err != nil {
		w.Fatal(err)
	}
	if r := p.Project(w.Context(), w.Deliveries()); r.Err != nil {
		w.Fatal(r.Err)
	}
}

// React lets the process manager and the outbox react to all commits, until
// nothing more happens.
func (w *World) React() {
	w.Helper()
	r, err := process.NewRunner(w.Store, w.codec, w.Ledger, w.App().Processes,
		process.Effects{Commands: w.Commands, Timers: w.Outside, Publisher: w.Outside}, &process.Options{Now: func() time.Time { return w.Now }, Pause: time.Millisecond})
	if err != nil {
		w.Fatal(err)
	}
	for before := -1; ; {
		all := w.Deliveries()
		if len(all) == before {
			return
		}
		before = len(all)
		r.Handle(w.Context(), all)
	}
}

// RunAll lets everything run.
func (w *World) RunAll() {
	w.Helper()
	w.React()
	w.Work()
	w.Project()
}

// SpoilQueue makes the messages in the queue unreadable.
func (w *World) SpoilQueue() {
	for _, m := range w.Queue.Take() {
		m.Body = []byte("{")
		w.Queue.Send(w.Context(), []async.Message{m})
	}
}

// FireTimers sends the commands of the timers that are set.
func (w *World) FireTimers() {
	w.Helper()
	for _, t := range w.Outside.Timers() {
		w.Enqueue(CommandOf(t.Command))
	}
	w.Work()
}

// Append appends an event as it is, as older code or another program does.
func (w *World) Append(stream events.Stream, e events.Event) {
	w.Helper()
	commits, err := w.Store.Load(w.Context(), stream, 0)
	if err != nil {
		w.Fatal(err)
	}
	at := events.Start(stream)
	if len(commits) > 0 {
		at = events.After(&commits[len(commits)-1])
	}
	c := events.Commit{ID: "raw", Time: w.Now, Events: []events.Event{e}, Commands: []events.Command{{ID: "raw", Version: at.Version() + 1}}}
	if _, err := w.Store.Append(w.Context(), at, c); err != nil {
		w.Fatal(err)
	}
}

// SetRoutes writes the control record.
func (w *World) SetRoutes(record string) {
	w.Helper()
	control := w.Tables.Control()
	old, err := control.Get(w.Context(), []string{"routes"})
	if err != nil {
		w.Fatal(err)
	}
	write := driver.Write{Item: driver.Item{Key: "routes", Version: 1, Memo: []byte(record)}}
	if old[0] != nil {
		write.Item.Version, write.Expect = old[0].Version+1, old[0].Version
	}
	if err := control.Put(w.Context(), write); err != nil {
		w.Fatal(err)
	}
}
