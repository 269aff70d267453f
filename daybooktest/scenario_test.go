package daybooktest_test

import (
	"strings"
	"testing"
	"time"

	"daybook"
	"daybook/aggregate"
	"daybook/daybooktest"
	"daybook/internal/expect"
	"daybook/process"
	"daybook/view"
)

// A lamp that is switched on, goes off by itself, and tells a house of it.
type (
	lamp struct {
		On bool `json:"on,omitzero"`
	}
	switchOn   struct{}
	switchOff  struct{}
	switchedOn struct {
		Watt int64 `json:"watt"`
	}
	switchedOff struct{}
	lampRow     struct {
		On   bool  `json:"on"`
		Watt int64 `json:"watt"`
	}
	glow struct {
		Lamp string `json:"lamp"`
	}
	echo   struct{}
	echoed struct{}
)

func (switchOn) CommandName() string  { return "switch-on" }
func (switchOff) CommandName() string { return "switch-off" }
func (switchedOn) EventName() string  { return "switched-on" }
func (switchedOff) EventName() string { return "switched-off" }
func (echo) CommandName() string      { return "echo" }
func (echoed) EventName() string      { return "echoed" }

func house() daybook.App {
	return daybook.App{
		Name: "house",
		Aggregates: []aggregate.Aggregate{
			aggregate.New[lamp]("lamp").
				Event(func(lamp, switchedOn) lamp { return lamp{On: true} }).
				Event(func(lamp, switchedOff) lamp { return lamp{} }).
				Command(func(l lamp, _ switchOn) aggregate.Decision {
					if l.On {
						return aggregate.Reject("is-on", "the lamp is on")
					}
					return aggregate.Emit(switchedOn{Watt: 60})
				}).
				Command(func(l lamp, _ switchOff) aggregate.Decision {
					if !l.On {
						return aggregate.Reject("is-off", "the lamp is off")
					}
					return aggregate.Emit(switchedOff{})
				}),
			aggregate.New[struct{}]("cave").
				Event(func(s struct{}, _ echoed) struct{} { return s }).
				Command(func(struct{}, echo) aggregate.Decision { return aggregate.Emit(echoed{}) }),
		},
		Views: []view.View{view.New[lampRow]("lamps", "lamp").
			On(func(r lampRow, e switchedOn, _ view.Meta) lampRow { return lampRow{On: true, Watt: e.Watt} }).
			On(func(r lampRow, _ switchedOff, _ view.Meta) lampRow { r.On = false; return r })},
		Processes: []process.Reactor{
			process.New[struct{}]("saver", "lamp").Sends(switchOff{}).React(func(_ switchedOn, m process.Meta) process.Reaction {
				return process.Do(process.After("off", time.Hour, process.Send(m.ID(), switchOff{}).Unless("is-off")))
			}),
			process.New[struct{}]("mountain", "cave").Sends(echo{}).React(func(_ echoed, m process.Meta) process.Reaction {
				return process.Do(process.Send(m.ID(), echo{}))
			}),
			process.NewOutbox[struct{}]("glows", "lamp").
				Publish("com.example.glow", 1, func(_ struct{}, _ switchedOn, m process.Meta) glow { return glow{Lamp: m.ID()} }),
		},
	}
}

func TestScenariosPassWhenTheyShould(t *testing.T) {
	t.Parallel()
	shared := house()
	shared.Tenancy = daybook.Tenancy{Claim: "org"}
	for _, app := range []daybook.App{house(), shared} { // tests of a domain are the same with tenants
		passing(t, app)
	}
	// Two tenants have a lamp of one id each.
	daybooktest.Given(t, shared).
		Stream("acme:lamp/1", switchedOn{Watt: 40}).
		When("globex:lamp/1", switchOn{}).
		Then(switchedOn{Watt: 60}).
		ThenRow("lamps", "1", lampRow{On: true, Watt: 60}).
		After(time.Hour).
		ThenSends("globex:lamp/1", switchOff{}).
		ThenSends("acme:lamp/1", switchOff{}).
		ThenSends("lamp/1").
		When("acme:lamp/1", switchOn{}).
		Then(switchedOn{Watt: 60})
}

func passing(t *testing.T, app daybook.App) {
	t.Helper()
	daybooktest.Given(t, app).
		When("lamp/1", switchOn{}).
		Then(switchedOn{Watt: 60}).
		ThenRow("lamps", "1", lampRow{On: true, Watt: 60}).
		ThenNoRow("lamps", "2").
		ThenSends("lamp/1").
		ThenPublishes("com.example.glow.v1", glow{Lamp: "1"}).
		After(time.Hour-time.Second).ThenSends("lamp/1").
		After(time.Second).ThenSends("lamp/1", switchOff{}).
		Then(switchedOn{Watt: 60}, switchedOff{}).
		ThenPublishes("com.example.glow.v1", glow{Lamp: "1"}).
		ThenRow("lamps", "1", lampRow{Watt: 60})
	daybooktest.Given(t, app).Stream("lamp/1", switchedOn{Watt: 40}).
		When("lamp/1", switchOn{}).ThenRejected("is-on").
		When("lamp/1", switchOff{}).Then(switchedOff{}).ThenPublishes("com.example.glow.v1").
		After(time.Hour).ThenSends("lamp/1", switchOff{}). // its timer fires, and the lamp is off
		WhenEvents("lamp/1", switchedOn{Watt: 1}, switchedOff{}).Then(switchedOn{Watt: 1}, switchedOff{})
	daybooktest.Given(t, app).When("cave/1", echo{}).ThenSends("cave/1", echo{}).Then(echoed{})
}

func TestScenariosFailWhenTheyShould(t *testing.T) {
	t.Parallel()
	on := func(s *daybooktest.Scenario) *daybooktest.Scenario { return s.When("lamp/1", switchOn{}) }
	for want, run := range map[string]func(*daybooktest.Scenario){
		"unexpected events on lamp/1 (- expected, + got):\n- switched-on {\"watt\":40}\n+ switched-on {\"watt\":60}": func(s *daybooktest.Scenario) {
			on(s).Then(switchedOn{Watt: 40})
		},
		"unexpected events on lamp/1 (- expected, + got):\nswitched-on {\"watt\":60}\n- switched-off {}": func(s *daybooktest.Scenario) {
			on(s).Then(switchedOn{Watt: 60}, switchedOff{})
		},
		"unexpected row \"1\" of lamps (- expected, + got):\non: true\n- watt: 1\n+ watt: 60": func(s *daybooktest.Scenario) {
			on(s).ThenRow("lamps", "1", lampRow{On: true, Watt: 1})
		},
		"unexpected commands to lamp/1 (- expected, + got):\n- switch-off {}":                        func(s *daybooktest.Scenario) { on(s).ThenSends("lamp/1", switchOff{}) },
		"unexpected integration events (- expected, + got):\n+ com.example.glow.v1 {\"lamp\":\"1\"}": func(s *daybooktest.Scenario) { on(s).ThenPublishes("com.example.glow.v1") },
		"expected a rejection \"is-on\", got 1 commits and the error <nil>":                          func(s *daybooktest.Scenario) { on(s).ThenRejected("is-on") },
		"the command to lamp/1: is-on: the lamp is on":                                               func(s *daybooktest.Scenario) { on(on(s)).Then() },
		"expected row \"2\" of lamps, there is none":                                                 func(s *daybooktest.Scenario) { on(s).ThenRow("lamps", "2", lampRow{}) },
		"expected no row \"1\" of lamps, got\n{\"id\":\"1\",\"on\":true,\"watt\":60,\"version\":1}":  func(s *daybooktest.Scenario) { on(s).ThenNoRow("lamps", "1") },
		"the rows of lamps are of type daybooktest_test.lampRow, not daybooktest_test.lamp":          func(s *daybooktest.Scenario) { on(s).ThenRow("lamps", "1", lamp{}) },
		"application house has no view \"lights\"":                                                   func(s *daybooktest.Scenario) { on(s).ThenNoRow("lights", "1") },
		"a scenario needs When before Then":                                                          func(s *daybooktest.Scenario) { s.Then() },
		"command switch-on is one of aggregate lamp: send it to a stream of it, not to cave/1":       func(s *daybooktest.Scenario) { s.When("cave/1", switchOn{}) },
		"processes: they trigger each other endlessly":                                               func(s *daybooktest.Scenario) { s.When("cave/1", echo{}).RunProcesses() },
	} {
		if got := expect.Failure(t, func(t testing.TB) { run(daybooktest.Given(t, house())) }); got != want {
			t.Errorf("expected the failure\n%s\ngot\n%s", want, got)
		}
	}
	faulty := daybook.App{Name: "house", Aggregates: []aggregate.Aggregate{nil}}
	if got := expect.Failure(t, func(t testing.TB) { daybooktest.Given(t, faulty) }); !strings.Contains(got, "entry 0 of Aggregates is nil") {
		t.Errorf("got %q", got)
	}
}
