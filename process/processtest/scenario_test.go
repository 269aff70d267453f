package processtest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"daybook/events"
	"daybook/process"
	"daybook/process/processtest"
)

type (
	placed struct {
		Products []string `json:"products"`
	}
	broken    struct{}
	cancelled struct{}
	accepted  struct{}
	noted     struct{}
	basket    struct {
		Products []string `json:"products"`
	}
	reserve struct {
		Order string `json:"order"`
	}
	release  reserve
	confirm  struct{}
	nameless struct{}
	reject   struct {
		Reason string `json:"reason,omitzero"`
	}
	confirmed struct {
		Products []string `json:"products"`
	}
)

func (placed) EventName() string     { return "order-placed" }
func (broken) EventName() string     { return "order-broken" }
func (cancelled) EventName() string  { return "order-cancelled" }
func (accepted) EventName() string   { return "order-confirmed" }
func (noted) EventName() string      { return "order-noted" }
func (reserve) CommandName() string  { return "reserve-stock" }
func (release) CommandName() string  { return "release-stock" }
func (confirm) CommandName() string  { return "confirm-order" }
func (nameless) CommandName() string { return "" }
func (reject) CommandName() string   { return "reject-order" }

func fulfilment() *process.Manager[basket] {
	return process.New[basket]("fulfilment", "order").
		Since(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)). // scenarios take place after it
		On(func(_ basket, e placed, m process.Meta) (basket, process.Reaction) {
			var reserves []process.Command
			for _, p := range e.Products {
				reserves = append(reserves, process.Send(p, reserve{m.ID()}))
			}
			return basket(e), process.Do(
				process.After("confirmation", time.Minute, process.Send(m.ID(), reject{})),
				process.All(reserves...).Then(process.Send(m.ID(), confirm{})).
					Else(func(r process.Rejection) process.Reaction {
						return process.Do(process.Send(m.ID(), reject{string(r.Code)}))
					}))
		}).
		On(func(b basket, _ cancelled, m process.Meta) (basket, process.Reaction) {
			steps := []process.Step{process.Cancel("confirmation")}
			for _, p := range b.Products {
				steps = append(steps, process.Send(p, release{m.ID()}))
			}
			return b, process.Do(steps...)
		}).
		React(func(broken, process.Meta) process.Reaction { panic("no") })
}

func outbox() *process.Outbox[basket] {
	return process.NewOutbox[basket]("shop", "order").
		Remember(func(_ basket, e placed, _ process.Meta) basket { return basket(e) }).
		Publish("com.example.order-confirmed", 2, func(b basket, _ accepted, _ process.Meta) confirmed { return confirmed(b) })
}

func place(products ...string) events.Data {
	return placed{products}
}

var timer = process.After("confirmation", time.Minute, process.Send("7", reject{}))

func ExampleGiven() {
	t := &testing.T{} // the test's own
	processtest.Given(t, fulfilment(), "order/7").
		Rejecting(reserve{}, "b", "insufficient-stock").
		When(placed{[]string{"a", "b"}}).
		Then(
			process.After("confirmation", time.Minute, process.Send("7", reject{})),
			process.Send("a", reserve{"7"}),
			process.Send("b", reserve{"7"}),
			process.Send("7", reject{"insufficient-stock"}),
		)
	fmt.Println(t.Failed())
	// Output: false
}

func TestScenarios(t *testing.T) {
	t.Parallel()
	processtest.Given(t, fulfilment(), "order/7").When(place("a", "b")).
		Then(timer, process.Send("a", reserve{"7"}), process.Send("b", reserve{"7"}), process.Send("7", confirm{}))
	processtest.Given(t, fulfilment(), "order/7", place("a", "b")).When(cancelled{}).
		Then(process.Cancel("confirmation"), process.Send("a", release{"7"}), process.Send("b", release{"7"}))
	processtest.Given(t, fulfilment(), "order/7", place("a"), cancelled{}).When(place("b"), cancelled{}).
		Then(timer, process.Send("b", reserve{"7"}), process.Send("7", confirm{}), process.Cancel("confirmation"), process.Send("b", release{"7"}))
	processtest.Given(t, fulfilment(), "order/7").When(noted{}).Then()
	processtest.Given(t, fulfilment(), "order/7").When(broken{}).ThenParks(events.CodeInternal)
	processtest.Given(t, outbox(), "order/7", place("a")).When(accepted{}).
		ThenPublishes(processtest.Event{Type: "com.example.order-confirmed.v2", Data: confirmed{[]string{"a"}}})
	processtest.Given(t, outbox(), "order/7").With(func(c *events.Commit) { c.Actor = "eve" }).When(place()).ThenPublishes()
}

// failing is a TB that notes its first failure.
type failing struct{ text string }

func (f *failing) Helper() {}
func (f *failing) Fatalf(format string, args ...any) {
	if f.text == "" {
		f.text = fmt.Sprintf(format, args...)
	}
}

func TestScenariosFail(t *testing.T) {
	t.Parallel()
	given := func(t processtest.TB) *processtest.Scenario { return processtest.Given(t, fulfilment(), "order/7") }
	for name, test := range map[string]struct {
		scenario func(processtest.TB)
		want     string
	}{
		"a command less": {func(t processtest.TB) { given(t).When(place("a")).Then(timer, process.Send("a", reserve{"7"})) }, "confirm-order"},
		"a command more": {func(t processtest.TB) { given(t).When(noted{}).Then(process.Send("b", confirm{})) }, "nothing"},
		"another payload": {func(t processtest.TB) {
			given(t).When(place("a")).Then(timer, process.Send("a", reserve{"8"}), process.Send("7", confirm{}))
		}, `{"order":"8"}`},
		"another order": {func(t processtest.TB) {
			given(t).When(place("a", "b")).Then(timer, process.Send("b", reserve{"7"}), process.Send("a", reserve{"7"}), process.Send("7", confirm{}))
		}, "expected"},
		"another time": {func(t processtest.TB) {
			given(t).When(place()).Then(process.After("confirmation", time.Hour, process.Send("7", reject{})), process.Send("7", confirm{}))
		}, "timer confirmation"},
		"another timer": {func(t processtest.TB) {
			given(t).When(place()).Then(process.After("other", time.Minute, process.Send("7", reject{})), process.Send("7", confirm{}))
		}, "timer other"},
		"no cancel": {func(t processtest.TB) {
			processtest.Given(t, fulfilment(), "order/7", place()).When(cancelled{}).Then()
		}, "cancel timer confirmation"},
		"a cancel": {func(t processtest.TB) {
			processtest.Given(t, fulfilment(), "order/7", place()).When(noted{}).Then(process.Cancel("confirmation"))
		}, "cancel timer confirmation"},
		"no rejection": {func(t processtest.TB) {
			given(t).When(place("a")).Then(timer, process.Send("a", reserve{"7"}), process.Send("7", reject{}))
		}, "confirm-order"},
		"parked": {func(t processtest.TB) { given(t).When(broken{}).Then() }, "panicked"},
		"parked before": {func(t processtest.TB) {
			processtest.Given(t, fulfilment(), "order/7", broken{}).When(place()).Then()
		}, "what has happened"},
		"not parked":       {func(t processtest.TB) { given(t).When(noted{}).ThenParks("internal") }, "was handled"},
		"another code":     {func(t processtest.TB) { given(t).When(broken{}).ThenParks("busy") }, "got internal"},
		"an unnamed code":  {func(t processtest.TB) { given(t).Rejecting(confirm{}, "7", "x").When(place()).Then() }, "was rejected"},
		"without When":     {func(t processtest.TB) { given(t).Then() }, "without When"},
		"parks, no When":   {func(t processtest.TB) { given(t).ThenParks("internal") }, "without When"},
		"a faulty reactor": {func(t processtest.TB) { processtest.Given(t, process.New[basket]("x"), "order/7").When(place()).Then() }, "follows no aggregate"},
		"faulty steps":     {func(t processtest.TB) { given(t).When(place()).Then(process.Send("", nameless{})) }, "expected steps"},
		"another event": {func(t processtest.TB) {
			processtest.Given(t, outbox(), "order/7", place("a")).When(accepted{}).ThenPublishes(processtest.Event{Type: "com.example.order-confirmed.v1", Data: confirmed{[]string{"a"}}})
		}, "v2"},
		"other data": {func(t processtest.TB) {
			processtest.Given(t, outbox(), "order/7", place("a")).When(accepted{}).ThenPublishes(processtest.Event{Type: "com.example.order-confirmed.v2", Data: confirmed{}})
		}, `["a"]`},
		"published nothing": {func(t processtest.TB) {
			processtest.Given(t, outbox(), "order/7", place("a")).When(accepted{}).ThenPublishes()
		}, "nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &failing{}
			test.scenario(f)
			if !strings.Contains(f.text, test.want) || f.text == "" {
				t.Errorf("failed with %q, want %q in it", f.text, test.want)
			}
		})
	}
}
