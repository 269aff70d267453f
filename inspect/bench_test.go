package inspect_test

import (
	"context"
	"testing"
	"time"

	"daybook"
	"daybook/aggregate"
	"daybook/events"
	"daybook/inspect"
	"daybook/inspect/inspecttest"
	"daybook/process"
	"daybook/view"
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
			return process.Do(process.After("pickup", time.Hour, process.Send(m.ID(), burn{})),
				process.All(process.Send(m.ID(), accept{})).Else(func(process.Rejection) process.Reaction {
					return process.Do(process.After("again", 2*time.Hour, process.Send(m.ID(), accept{})))
				}))
		})
	return daybook.App{
		Name: "post", Aggregates: []aggregate.Aggregate{parcels}, Views: []view.View{rows, towns}, Processes: []process.Reactor{desk},
	}
}

// bench is the installation of the small business. Its process manager's commands
// are recorded and go nowhere.
type bench struct{ *inspecttest.World }

func newBench(t *testing.T) bench {
	t.Helper()
	w := inspecttest.New(t, app(), time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	w.Commands = w.Outside
	return bench{w}
}

// follow projects all commits and reacts to them.
func (b bench) follow() {
	b.Helper()
	b.Project()
	b.React()
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

// letters are dead letters that are stuck.
type letters []inspect.Letter

func (l letters) Letters(_ context.Context, limit int) ([]inspect.Letter, bool, error) {
	return l[:min(limit, len(l))], len(l) > limit, nil
}

func code(err error) events.Code { return events.CodeOf(err) }
