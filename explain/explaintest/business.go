package explaintest

import (
	"fmt"
	"strings"
	"time"

	"daybook"
	"daybook/aggregate"
	"daybook/events"
	"daybook/process"
	"daybook/view"
)

// A small business with traps: a job is placed, a depot reserves units for it, and a
// process manager confirms or rejects it. The trap of a job says what goes wrong.
type (
	Place struct {
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

	placed    Place
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

func (Place) CommandName() string      { return "place-job" }
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
		Command(func(_ jobState, c Place) aggregate.Decision { return aggregate.Emit(placed(c)) }, aggregate.Creates()).
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

// Opening is when the process manager began to work.
var Opening = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func dispatch() process.Reactor {
	return process.New[memory]("dispatch", "job").Since(Opening).Sends(reject{}, reserve{}, confirm{}).
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
