package aggregatetest_test

import (
	"strings"
	"testing"

	"daybook/aggregate"
	"daybook/aggregate/aggregatetest"
	"daybook/events"
	"daybook/internal/expect"
)

type (
	door   struct{ Open bool }
	opened struct{}
	open   struct {
		Key string `json:"key" rule:"min=1"`
	}
	openBoth  open
	closeDoor open
)

func (opened) EventName() string      { return "door-opened" }
func (open) CommandName() string      { return "open-door" }
func (openBoth) CommandName() string  { return "open-both" }
func (closeDoor) CommandName() string { return "close-door" }

func doors() *aggregate.Definition[door] {
	return aggregate.New[door]("door").
		Event(func(s door, _ opened) door { s.Open = true; return s }).
		Command(func(s door, c open) aggregate.Decision {
			switch {
			case c.Key == "wrong":
				return aggregate.Reject("wrong-key", "the key does not fit")
			case s.Open:
				return aggregate.Nothing()
			case c.Key == "panic":
				panic("jammed")
			}
			return aggregate.Emit(opened{}).Claim("key", c.Key).Release("key", "old")
		}).
		Across(func(openBoth) []events.Stream { return []events.Stream{"door/2", "gate/1"} }, func(s door, _ openBoth, o *aggregate.Others) aggregate.Decision {
			if o.State[door]("door/2").Open || o.State[gate]("gate/1").Open {
				return aggregate.Reject("open", "one is open")
			}
			return aggregate.Emit(opened{}).On("door/2", aggregate.Emit(opened{}).Claim("key", "2")).On("gate/1", aggregate.Emit(swung{}))
		})
}

type (
	gate  struct{ Open bool }
	swung struct{}
)

func (swung) EventName() string { return "gate-swung" }

func gates() *aggregate.Definition[gate] {
	return aggregate.New[gate]("gate").
		Event(func(s gate, _ swung) gate { s.Open = !s.Open; return s })
}

type scenario = aggregatetest.Scenario[door]

func TestScenariosPassWhenTheyShould(t *testing.T) {
	t.Parallel()
	aggregatetest.Given(t, doors()).When(open{"k"}).Then(opened{}).ThenState(door{Open: true})
	aggregatetest.Given(t, doors(), opened{}).When(open{"k"}).Then()
	aggregatetest.Given(t, doors()).When(open{"wrong"}).ThenRejected("wrong-key")
	aggregatetest.Given(t, doors()).When(open{""}).ThenMalformed("/payload/key")
	aggregatetest.Given(t, doors()).When(open{"k"}).ThenClaims(key("k")).ThenReleases(key("old"))
	aggregatetest.Given(t, doors(), opened{}).When(open{"k"}).ThenClaims().ThenReleases()
	both := func(past ...events.Data) *scenario {
		return aggregatetest.Given(t, doors()).Stream("gate/1", gates(), past...)
	}
	both().When(openBoth{"k"}).Then(opened{}).ThenOn("door/2", opened{}).ThenOn("gate/1", swung{}).ThenClaims(key("2"))
	both(swung{}).When(openBoth{"k"}).ThenRejected("open")
	both(swung{}, swung{}).Stream("door/2", doors(), opened{}).When(openBoth{"k"}).ThenRejected("open")
}

func key(value string) events.Claim { return events.Claim{Name: "key", Value: value} }

func TestScenariosFailWhenTheyShould(t *testing.T) {
	t.Parallel()
	given := func(past ...events.Data) func(testing.TB) *scenario {
		return func(t testing.TB) *scenario { return aggregatetest.Given(t, doors(), past...) }
	}
	for name, c := range map[string]struct {
		given func(testing.TB) *scenario
		run   func(*scenario)
		want  string
	}{
		"another event":       {given(), func(s *scenario) { s.When(open{"k"}).Then() }, "unexpected events (- expected, + got):\n+ door-opened {}"},
		"no event":            {given(opened{}), func(s *scenario) { s.When(open{"k"}).Then(opened{}) }, "+ got):\n- door-opened {}"},
		"two for one":         {given(), func(s *scenario) { s.When(open{"k"}).Then(opened{}, opened{}) }, "\n- door-opened {}"},
		"a rejection":         {given(), func(s *scenario) { s.When(open{"wrong"}).Then(opened{}) }, "wrong-key"},
		"no rejection":        {given(), func(s *scenario) { s.When(open{"k"}).ThenRejected("wrong-key") }, "expected a rejection"},
		"another rejection":   {given(), func(s *scenario) { s.When(open{"wrong"}).ThenRejected("x") }, `expected a rejection "x"`},
		"malformed, not that": {given(), func(s *scenario) { s.When(open{""}).ThenRejected("malformed") }, "expected a rejection"},
		"malformed elsewhere": {given(), func(s *scenario) { s.When(open{""}).ThenMalformed("/payload/other") }, "malformed at /payload/other"},
		"not malformed":       {given(), func(s *scenario) { s.When(open{"k"}).ThenMalformed("/payload/key") }, "malformed at"},
		"a panic":             {given(), func(s *scenario) { s.When(open{"panic"}).Then(opened{}) }, "jammed"},
		"another state":       {given(), func(s *scenario) { s.When(open{"k"}).ThenState(door{}) }, "unexpected state (- expected, + got):\n- Open: false\n+ Open: true"},
		"an undeclared past":  {given(undeclared{}), func(s *scenario) { s.When(open{"k"}).Then(opened{}) }, "no event of type aggregatetest_test.undeclared"},
		"an undeclared then":  {given(), func(s *scenario) { s.When(open{"k"}).Then(undeclared{}) }, "no event of type aggregatetest_test.undeclared"},
		"an unknown command":  {given(), func(s *scenario) { s.When(closeDoor{"k"}).Then() }, "unknown-command"},
		"another claim":       {given(), func(s *scenario) { s.When(open{"k"}).ThenClaims(key("x")) }, `unexpected claims`},
		"no claim":            {given(opened{}), func(s *scenario) { s.When(open{"k"}).ThenClaims(key("k")) }, `unexpected claims`},
		"another release":     {given(), func(s *scenario) { s.When(open{"k"}).ThenReleases() }, `unexpected releases`},
		"claims of a refusal": {given(), func(s *scenario) { s.When(open{"wrong"}).ThenClaims() }, `wrong-key`},
		"elsewhere":           {given(), func(s *scenario) { s.Stream("gate/1", gates()).When(openBoth{"k"}).ThenOn("door/2") }, "unexpected events on door/2"},
		"elsewhere, refused":  {given(), func(s *scenario) { s.When(open{"wrong"}).ThenOn("door/2") }, "wrong-key"},
		"a stream not given":  {given(), func(s *scenario) { s.When(openBoth{"k"}).Then() }, "gate/1"},
		"no When":             {given(), func(s *scenario) { s.Then() }, "needs When"},
	} {
		failure := expect.Failure(t, func(t testing.TB) { c.run(c.given(t)) })
		if failure == "" || !strings.Contains(failure, c.want) {
			t.Errorf("%s: want a failure with %q, got %q", name, c.want, failure)
		}
	}
}

type (
	bagOpened struct{}
	packed    struct {
		Key string `json:"key"`
	}
	pack packed
)

func (bagOpened) EventName() string { return "bag-opened" }
func (packed) EventName() string    { return "thing-packed" }
func (pack) CommandName() string    { return "pack" }

func TestImpureCodeIsFound(t *testing.T) {
	t.Parallel()
	type bag struct{ Things map[string]bool }
	impure := aggregate.New[bag]("bag").
		Event(func(s bag, _ bagOpened) bag { return bag{Things: map[string]bool{}} }).
		Event(func(s bag, e packed) bag { s.Things[e.Key] = true; return s }).
		Command(func(_ bag, c pack) aggregate.Decision { return aggregate.Emit(packed(c)) })
	failure := expect.Failure(t, func(t testing.TB) { aggregatetest.Given(t, impure, bagOpened{}).When(pack{"x"}).Then(packed{"x"}) })
	if !strings.Contains(failure, "copy maps") {
		t.Errorf("an evolving function that changes the old state passed: %q", failure)
	}
}

// undeclared is an event of no aggregate.
type undeclared struct{}

func (undeclared) EventName() string { return "undeclared" }
