package inspect_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"daybook"
	"daybook/aggregate"
	"daybook/aggregate/async/asynctest"
	"daybook/events"
	"daybook/events/eventstest"
	"daybook/follow"
	"daybook/inspect"
	"daybook/process"
	"daybook/process/processtest"
	"daybook/view"
	"daybook/view/projection"
	"daybook/view/viewtest"
)

// A small business: parcels are booked and weighed, a keyed view sums them by town,
// and a process manager answers each booking.
type (
	book struct {
		Town string `json:"town"`
	}
	weigh struct {
		Grams int `json:"grams"`
	}
	accept struct{}
	burn   struct{}

	booked struct {
		Town string `json:"town"`
	}
	weighed struct {
		Grams int `json:"grams"`
	}
	accepted struct{}
	burnt    struct{} // which no view can take in

	parcel struct {
		Town     string `json:"town"`
		Grams    int    `json:"grams"`
		Accepted bool   `json:"accepted"`
	}
	town struct {
		Parcels int `json:"parcels"`
		Grams   int `json:"grams"`
	}
)

func (book) CommandName() string   { return "book" }
func (weigh) CommandName() string  { return "weigh" }
func (accept) CommandName() string { return "accept" }
func (burn) CommandName() string   { return "burn" }
func (booked) EventName() string   { return "booked" }
func (weighed) EventName() string  { return "weighed" }
func (accepted) EventName() string { return "accepted" }
func (burnt) EventName() string    { return "burnt" }

func app() daybook.App {
	parcels := aggregate.New[parcel]("parcel").
		Event(func(p parcel, e booked) parcel { p.Town = e.Town; return p }).
		Event(func(p parcel, e weighed) parcel { p.Grams = e.Grams; return p }).
		Event(func(p parcel, _ accepted) parcel { p.Accepted = true; return p }).
		Event(func(p parcel, _ burnt) parcel { return p }).
		Command(func(_ parcel, c book) aggregate.Decision { return aggregate.Emit(booked(c)).Claim("shelf", c.Town) }, aggregate.Creates(), aggregate.Summary("book a parcel")).
		Command(func(_ parcel, c weigh) aggregate.Decision { return aggregate.Emit(weighed(c), weighed{c.Grams + 1}) }).
		Command(func(parcel, accept) aggregate.Decision { return aggregate.Emit(accepted{}) }, aggregate.Internal()).
		Command(func(parcel, burn) aggregate.Decision { return aggregate.Emit(burnt{}) })
	rows := view.New[parcel]("parcels", "parcel").
		On(func(p parcel, e booked, _ view.Meta) parcel { p.Town = e.Town; return p }).
		On(func(p parcel, e weighed, _ view.Meta) parcel { p.Grams = e.Grams; return p }).
		On(func(parcel, burnt, view.Meta) parcel { panic("burnt") }).
		Index("by-town", view.By("town").Then("grams"))
	towns := view.NewKeyed[town, parcel]("towns", "parcel").
		On(func(p parcel, e booked, _ view.Meta) parcel { p.Town = e.Town; return p }).
		On(func(p parcel, e weighed, _ view.Meta) parcel { p.Grams = e.Grams; return p }).
		Keys(func(p parcel) []string { return []string{p.Town} }).
		Put(func(t town, _ string, p parcel) town { t.Parcels++; t.Grams += p.Grams; return t }).
		Take(func(t town, _ string, p parcel) town { t.Parcels--; t.Grams -= p.Grams; return t })
	desk := process.New[struct{}]("desk", "parcel").
		Sends(burn{}, accept{}).
		React(func(_ booked, m process.Meta) process.Reaction {
			return process.Do(process.After("pickup", time.Hour, process.Send(m.ID(), burn{})), process.Send(m.ID(), accept{}))
		})
	return daybook.App{
		Name: "post", Aggregates: []aggregate.Aggregate{parcels}, Views: []view.View{rows, towns}, Processes: []process.Reactor{desk},
	}
}

// bench is an installation in memory.
type bench struct {
	*testing.T
	*inspect.Installation
	store   *eventstest.Memory
	tables  *viewtest.Memory
	ledger  *processtest.Memory
	handler *aggregate.Handler
	now     time.Time
	sent    int
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{T: t, store: &eventstest.Memory{}, ledger: &processtest.Memory{}, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	of := app()
	if err := of.Check(); err != nil {
		t.Fatal(err)
	}
	b.tables = viewtest.NewMemory(of.Views...)
	var err error
	if b.handler, err = aggregate.NewHandler(b.store, of.Aggregates, &aggregate.Options{Now: func() time.Time { return b.now }}); err != nil {
		t.Fatal(err)
	}
	b.Installation, err = inspect.Open(of, inspect.Sources{
		Events: b.store, Tables: b.tables, Ledger: b.ledger, Statuses: &asynctest.Statuses{}, Now: func() time.Time { return b.now },
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// send handles a command a second after the one before.
func (b *bench) send(name, id, payload string) {
	b.Helper()
	b.sent++
	b.now = b.now.Add(time.Second)
	c := aggregate.Command{Name: name, ID: id, Payload: []byte(payload), CommandID: fmt.Sprint("c-", b.sent), Actor: "ann"}
	if _, err := b.handler.Handle(b.Context(), c); err != nil {
		b.Fatalf("%s %s: %v", name, id, err)
	}
}

// deliveries are all commits that are stored.
func (b *bench) deliveries() (all []follow.Delivery) {
	b.Helper()
	for cursor := ""; ; {
		page, next, err := b.store.Scan(b.Context(), 0, 1, cursor)
		if err != nil {
			b.Fatal(err)
		}
		for i := range page {
			all = append(all, follow.Delivery{Stream: page[i].Stream, Number: page[i].Number, Commit: &page[i]})
		}
		if cursor = next; cursor == "" {
			return all
		}
	}
}

// follow projects all commits and reacts to them.
func (b *bench) follow() {
	b.Helper()
	codec, err := aggregate.Codec(b.App().Aggregates)
	if err != nil {
		b.Fatal(err)
	}
	projector, err := projection.New(b.store, codec, b.tables, b.App().Views, &projection.Options{Routed: true})
	if err != nil {
		b.Fatal(err)
	}
	if r := projector.Project(b.Context(), b.deliveries()); r.Err != nil {
		b.Fatal(r.Err)
	}
	runner, err := process.NewRunner(b.store, codec, b.ledger, b.App().Processes, (&processtest.Recorder{}).Effects(), nil)
	if err != nil {
		b.Fatal(err)
	}
	if r := runner.Handle(b.Context(), b.deliveries()); r.Err != nil {
		b.Fatal(r.Err)
	}
}

// must is the result of a method that may not fail.
func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// letters are dead letters that stand still.
type letters []inspect.Letter

func (l letters) Letters(_ context.Context, limit int) ([]inspect.Letter, bool, error) {
	return l[:min(limit, len(l))], len(l) > limit, nil
}

func code(err error) events.Code { return events.CodeOf(err) }
