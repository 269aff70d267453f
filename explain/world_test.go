package explain_test

import (
	"context"
	"encoding/json/v2"
	"fmt"
	"strings"
	"testing"
	"time"

	"daybook"
	"daybook/aggregate"
	"daybook/aggregate/async"
	"daybook/aggregate/async/asynctest"
	"daybook/events"
	"daybook/events/eventstest"
	"daybook/explain"
	"daybook/follow"
	"daybook/inspect"
	"daybook/process"
	"daybook/process/processtest"
	"daybook/view"
	"daybook/view/projection"
	"daybook/view/viewtest"
)

// A small business with traps: a job is placed, a depot reserves units for it, and a
// process manager confirms or rejects it. The trap of a job says what goes wrong.
type (
	place struct {
		Depot string `json:"depot"`
		Units int    `json:"units"`
		Bay   string `json:"bay,omitzero"`
		Trap  string `json:"trap,omitzero"`
	}
	confirm struct{}
	reject  struct {
		Reason string `json:"reason" rule:"min=1"`
	}
	stock struct {
		Units int `json:"units"`
	}
	reserve struct {
		Job   string `json:"job"`
		Units int    `json:"units"`
		Bay   string `json:"bay,omitzero"`
	}
	retire     struct{}
	undeclared struct{}

	placed    place
	confirmed struct{}
	rejected  reject
	stocked   stock
	reserved  reserve
	retired   struct{}

	jobState struct {
		Status string `json:"status"`
		Trap   string `json:"trap,omitzero"`
	}
	depotState struct {
		Exists  bool `json:"exists"`
		Retired bool `json:"retired,omitzero"`
		Units   int  `json:"units"`
	}
	jobRow struct {
		Status string `json:"status"`
		Hidden bool   `json:"hidden,omitzero"`
	}
	load struct {
		Jobs int    `json:"jobs"`
		Note string `json:"note,omitzero"`
	}
	memory struct {
		Text string `json:"text,omitzero"`
	}
)

func (place) CommandName() string      { return "place-job" }
func (confirm) CommandName() string    { return "confirm-job" }
func (reject) CommandName() string     { return "reject-job" }
func (stock) CommandName() string      { return "stock-depot" }
func (reserve) CommandName() string    { return "reserve-units" }
func (retire) CommandName() string     { return "retire-depot" }
func (undeclared) CommandName() string { return "undeclared-command" }
func (placed) EventName() string       { return "job-placed" }
func (confirmed) EventName() string    { return "job-confirmed" }
func (rejected) EventName() string     { return "job-rejected" }
func (stocked) EventName() string      { return "depot-stocked" }
func (reserved) EventName() string     { return "depot-units-reserved" }
func (retired) EventName() string      { return "depot-retired" }

func jobs() aggregate.Aggregate {
	decide := func(s jobState, e events.Data) aggregate.Decision {
		switch s.Status {
		case "placed":
			return aggregate.Emit(e)
		case "":
			return aggregate.Reject("job-not-found", "there is no such job")
		}
		return aggregate.Reject("decided", "the job is "+s.Status+" already")
	}
	return aggregate.New[jobState]("job").
		Event(func(_ jobState, e placed) jobState {
			if e.Trap == "fold" {
				panic("the state can't be made")
			}
			return jobState{Status: "placed", Trap: e.Trap}
		}).
		Event(func(s jobState, _ confirmed) jobState { s.Status = "confirmed"; return s }).
		Event(func(s jobState, _ rejected) jobState { s.Status = "rejected"; return s }).
		Command(func(_ jobState, c place) aggregate.Decision { return aggregate.Emit(placed(c)) }, aggregate.Creates()).
		Command(func(s jobState, _ confirm) aggregate.Decision { return decide(s, confirmed{}) }).
		Command(func(s jobState, c reject) aggregate.Decision { return decide(s, rejected(c)) })
}

func depots() aggregate.Aggregate {
	return aggregate.New[depotState]("depot").
		Event(func(s depotState, e stocked) depotState { s.Exists, s.Units = true, s.Units+e.Units; return s }).
		Event(func(s depotState, e reserved) depotState { s.Units -= e.Units; return s }).
		Event(func(s depotState, _ retired) depotState { s.Retired = true; return s }).
		Command(func(_ depotState, c stock) aggregate.Decision { return aggregate.Emit(stocked(c)) }).
		Command(func(depotState, retire) aggregate.Decision { return aggregate.Emit(retired{}) }).
		Command(func(s depotState, c reserve) aggregate.Decision {
			switch {
			case !s.Exists:
				return aggregate.Reject("depot-not-found", "there is no such depot")
			case s.Retired:
				return aggregate.Reject("depot-retired", "this depot is given up")
			case s.Units < c.Units:
				return aggregate.Reject("out-of-stock", fmt.Sprintf("there are %d units only", s.Units))
			case c.Bay != "":
				return aggregate.Emit(reserved(c)).Claim("bay", c.Bay)
			}
			return aggregate.Emit(reserved(c))
		})
}

// opening is when the process manager began to work.
var opening = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func dispatch() process.Reactor {
	return process.New[memory]("dispatch", "job").Since(opening).Sends(reject{}, reserve{}, confirm{}).
		On(func(s memory, e placed, m process.Meta) (memory, process.Reaction) {
			deadline := process.After("deadline", 15*time.Minute, process.Send(m.ID(), reject{"late"}))
			units := process.Send(e.Depot, reserve{m.ID(), e.Units, e.Bay})
			switch e.Trap {
			case "panic in the process":
				panic("no way")
			case "memory":
				s.Text = strings.Repeat("x", process.MaxMemory)
			case "undeclared":
				return s, process.Do(process.Send(m.ID(), undeclared{}))
			case "invalid":
				return s, process.Do(process.Send(m.ID(), reject{}))
			case "strict":
				return s, process.Do(units)
			case "nothing":
				return s, process.Do(deadline)
			case "allowed":
				return s, process.Do(units.Unless("out-of-stock"))
			}
			return s, process.Do(deadline, process.All(units).
				Then(process.Send(m.ID(), confirm{}).Unless("decided")).
				Else(func(r process.Rejection) process.Reaction {
					return process.Do(process.Send(m.ID(), reject{string(r.Code)}).Unless("decided"))
				}))
		}).
		React(func(confirmed, process.Meta) process.Reaction { return process.Do(process.Cancel("deadline")) }).
		React(func(rejected, process.Meta) process.Reaction { return process.Do(process.Cancel("deadline")) })
}

func app() daybook.App {
	rows := view.New[jobRow]("jobs", "job").
		On(func(_ jobRow, e placed, _ view.Meta) jobRow {
			if e.Trap == "panic in the view" {
				panic("no way")
			}
			return jobRow{"placed", e.Trap == "hidden"}
		}).
		On(func(r jobRow, _ confirmed, _ view.Meta) jobRow { r.Status = "confirmed"; return r }).
		On(func(r jobRow, _ rejected, _ view.Meta) jobRow { r.Status = "rejected"; return r }).
		Hide(func(r jobRow) bool { return r.Hidden })
	loads := view.NewKeyed[load, placed]("loads", "job").
		On(func(_ placed, e placed, _ view.Meta) placed { return e }).
		Keys(func(p placed) []string { return []string{p.Depot} }).
		Put(func(l load, _ string, p placed) load {
			if l.Jobs++; p.Trap == "full" {
				l.Note = strings.Repeat("x", 500<<10)
			}
			return l
		}).
		Take(func(l load, _ string, _ placed) load { l.Jobs--; return l })
	news := process.NewOutbox[struct{}]("news", "job").
		Publish("com.example.jobs.job-confirmed", 1, func(_ struct{}, _ confirmed, m process.Meta) stock { return stock{} })
	return daybook.App{
		Name: "works", Aggregates: []aggregate.Aggregate{jobs(), depots()}, Views: []view.View{rows, loads}, Processes: []process.Reactor{dispatch(), news},
	}
}

// world is an installation in memory, with all that runs it.
type world struct {
	*testing.T
	app      daybook.App
	i        *inspect.Installation
	store    *eventstest.Memory
	tables   *viewtest.Memory
	ledger   *processtest.Memory
	statuses *asynctest.Statuses
	outside  *processtest.Recorder // timers and messages
	queue    *asynctest.Queue
	dead     *asynctest.Queue
	letters  []inspect.Letter
	handler  *aggregate.Handler
	codec    *events.Codec
	now      time.Time
	sent     int
	commands process.Commands // of the process manager; the handler unless set
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		T: t, app: app(), store: &eventstest.Memory{}, ledger: &processtest.Memory{}, statuses: &asynctest.Statuses{}, outside: &processtest.Recorder{},
		queue: &asynctest.Queue{}, dead: &asynctest.Queue{}, now: opening.Add(time.Hour),
	}
	if err := w.app.Check(); err != nil {
		t.Fatal(err)
	}
	w.tables = viewtest.NewMemory(w.app.Views...)
	clock := func() time.Time { return w.now }
	var err error
	if w.handler, err = aggregate.NewHandler(w.store, w.app.Aggregates, &aggregate.Options{Now: clock}); err != nil {
		t.Fatal(err)
	}
	if w.codec, err = aggregate.Codec(w.app.Aggregates); err != nil {
		t.Fatal(err)
	}
	w.i, err = inspect.Open(w.app, inspect.Sources{
		Events: w.store, Tables: w.tables, Ledger: w.ledger, Statuses: w.statuses, DeadLetters: (*lettersOf)(w), Source: "works-test", Now: clock,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.commands = handled{w.handler}
	w.send("stock-depot", "d", `{"units":5}`)
	return w
}

// lettersOf are the dead letters of a world.
type lettersOf world

func (l *lettersOf) Letters(context.Context, int) ([]inspect.Letter, bool, error) {
	for _, m := range l.dead.Take() {
		one := inspect.Letter{ID: m.Deduplication, Group: m.Group, Sent: l.now, Code: events.Code(m.Attributes[async.AttributeCode]), Text: m.Attributes[async.AttributeError], Receives: 10}
		if q, err := async.Decode(m.Body); err == nil {
			one.ID, one.Command = q.Command.CommandID, q.Command.Name
		}
		l.letters = append(l.letters, one)
	}
	return l.letters, false, nil
}

// handled sends a process manager's commands to the handler, as a deployment does.
type handled struct{ *aggregate.Handler }

func (h handled) Handle(ctx context.Context, r process.Request) error {
	_, err := h.Handler.Handle(ctx, commandOf(r))
	return err
}

func commandOf(r process.Request) aggregate.Command {
	return aggregate.Command{Name: r.Command, ID: r.ID, Payload: r.Payload, CommandID: r.CommandID, Actor: r.Actor, Correlation: r.Correlation, Causation: r.Causation, Trace: r.Trace}
}

// send handles a command, a second after the one before, and returns its id.
func (w *world) send(name, id, payload string) string {
	w.Helper()
	w.sent++
	w.now = w.now.Add(time.Second)
	c := aggregate.Command{Name: name, ID: id, Payload: []byte(payload), CommandID: fmt.Sprint("c-", w.sent), Actor: "ann"}
	if _, err := w.handler.Handle(w.Context(), c); err != nil {
		w.Fatalf("%s %s: %v", name, id, err)
	}
	return c.CommandID
}

// place places a job.
func (w *world) place(id string, p place) string {
	w.Helper()
	if p.Depot == "" {
		p.Depot = "d"
	}
	payload, err := json.Marshal(p)
	if err != nil {
		w.Fatal(err)
	}
	return w.send("place-job", id, string(payload))
}

// enqueue sends a command to the queue.
func (w *world) enqueue(c aggregate.Command) {
	w.Helper()
	for _, s := range async.NewSender(w.handler, w.queue, w.statuses).Send(w.Context(), []aggregate.Command{c}) {
		if s.Err != nil {
			w.Fatal(s.Err)
		}
	}
}

// work handles what is in the queue, as often as a queue delivers it.
func (w *world) work() {
	w.Helper()
	worker := async.NewWorker(w.handler, w.statuses, w.dead, nil)
	for n, m := range w.queue.Take() {
		worker.Handle(w.Context(), []async.Delivery{{ID: fmt.Sprint("m-", n), Body: m.Body, Group: m.Group, Receives: 10}})
	}
}

// deliveries are all commits that are stored.
func (w *world) deliveries() (all []follow.Delivery) {
	w.Helper()
	for cursor := ""; ; {
		page, next, err := w.store.Scan(w.Context(), 0, 1, cursor)
		if err != nil {
			w.Fatal(err)
		}
		for n := range page {
			all = append(all, follow.Delivery{Stream: page[n].Stream, Number: page[n].Number, Commit: &page[n]})
		}
		if cursor = next; cursor == "" {
			return all
		}
	}
}

// project projects all commits to all views.
func (w *world) project() {
	w.Helper()
	p, err := projection.New(w.store, w.codec, w.tables, w.app.Views, &projection.Options{Routed: true, Now: func() time.Time { return w.now }})
	if err != nil {
		w.Fatal(err)
	}
	if r := p.Project(w.Context(), w.deliveries()); r.Err != nil {
		w.Fatal(r.Err)
	}
}

// react lets the process manager and the outbox react to all commits, until
// nothing more happens.
func (w *world) react() {
	w.Helper()
	r, err := process.NewRunner(w.store, w.codec, w.ledger, w.app.Processes,
		process.Effects{Commands: w.commands, Timers: w.outside, Publisher: w.outside}, &process.Options{Now: func() time.Time { return w.now }, Pause: time.Millisecond})
	if err != nil {
		w.Fatal(err)
	}
	for before := -1; ; {
		all := w.deliveries()
		if len(all) == before {
			return
		}
		before = len(all)
		r.Handle(w.Context(), all)
	}
}

// run lets everything run.
func (w *world) run() {
	w.Helper()
	w.react()
	w.work()
	w.project()
}

// explain asks, and fails on an error.
func (w *world) explain(token string) explain.Explanation {
	w.Helper()
	x, err := explain.Explain(w.Context(), w.i, token, nil)
	if err != nil {
		w.Fatalf("explain %s: %v", token, err)
	}
	return x
}
