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
	decided struct{}
	basket  struct {
		Products []string `json:"products"`
	}
	reserve struct {
		Order string `json:"order"`
	}
	confirmed struct {
		Products []string `json:"products"`
	}
)

func fulfilment() *process.Manager[basket] {
	return process.New[basket]("fulfilment", "order").
		Since(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)). // scenarios take place after it
		On("order-placed", func(_ basket, e placed, m process.Meta) (basket, process.Reaction) {
			var reserves []process.Command
			for _, p := range e.Products {
				reserves = append(reserves, process.Send("reserve-stock", p, reserve{m.ID()}))
			}
			return basket(e), process.Do(
				process.After("confirmation", time.Minute, process.Send("reject-order", m.ID(), nil)),
				process.All(reserves...).Then(process.Send("confirm-order", m.ID(), nil)).
					Else(func(r process.Rejection) process.Reaction {
						return process.Do(process.Send("reject-order", m.ID(), map[string]string{"reason": string(r.Code)}))
					}))
		}).
		On("order-cancelled", func(b basket, _ decided, m process.Meta) (basket, process.Reaction) {
			steps := []process.Step{process.Cancel("confirmation")}
			for _, p := range b.Products {
				steps = append(steps, process.Send("release-stock", p, reserve{m.ID()}))
			}
			return b, process.Do(steps...)
		}).
		React("order-broken", func(decided, process.Meta) process.Reaction { panic("no") })
}

func outbox() *process.Outbox[basket] {
	return process.NewOutbox[basket]("shop", "order").
		Remember("order-placed", func(_ basket, e placed, _ process.Meta) basket { return basket(e) }).
		Publish("order-confirmed", "com.example.order-confirmed", 2, func(b basket, _ decided, _ process.Meta) confirmed { return confirmed(b) })
}

func place(products ...string) processtest.Event {
	return processtest.Event{Name: "order-placed", Data: placed{products}}
}

func event(name string) processtest.Event { return processtest.Event{Name: name, Data: decided{}} }

func send(command, id string) process.Command { return process.Send(command, id, reserve{"7"}) }

var timer = process.After("confirmation", time.Minute, process.Send("reject-order", "7", nil))

func ExampleGiven() {
	t := &testing.T{} // the test's own
	processtest.Given(t, fulfilment(), "order/7").
		Rejecting("reserve-stock", "b", "insufficient-stock").
		When(processtest.Event{Name: "order-placed", Data: placed{[]string{"a", "b"}}}).
		Then(
			process.After("confirmation", time.Minute, process.Send("reject-order", "7", nil)),
			process.Send("reserve-stock", "a", reserve{"7"}),
			process.Send("reserve-stock", "b", reserve{"7"}),
			process.Send("reject-order", "7", map[string]string{"reason": "insufficient-stock"}),
		)
	fmt.Println(t.Failed())
	// Output: false
}

func TestScenarios(t *testing.T) {
	t.Parallel()
	processtest.Given(t, fulfilment(), "order/7").When(place("a", "b")).
		Then(timer, send("reserve-stock", "a"), send("reserve-stock", "b"), process.Send("confirm-order", "7", nil))
	processtest.Given(t, fulfilment(), "order/7", place("a", "b")).When(event("order-cancelled")).
		Then(process.Cancel("confirmation"), send("release-stock", "a"), send("release-stock", "b"))
	processtest.Given(t, fulfilment(), "order/7", place("a"), event("order-cancelled")).When(place("b"), event("order-cancelled")).
		Then(timer, send("reserve-stock", "b"), process.Send("confirm-order", "7", nil), process.Cancel("confirmation"), send("release-stock", "b"))
	processtest.Given(t, fulfilment(), "order/7").When(event("order-noted")).Then()
	processtest.Given(t, fulfilment(), "order/7").When(event("order-broken")).ThenParks(events.CodeInternal)
	processtest.Given(t, outbox(), "order/7", place("a")).When(event("order-confirmed")).
		ThenPublishes(processtest.Event{Name: "com.example.order-confirmed.v2", Data: confirmed{[]string{"a"}}})
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
		"a command less": {func(t processtest.TB) { given(t).When(place("a")).Then(timer, send("reserve-stock", "a")) }, "confirm-order"},
		"a command more": {func(t processtest.TB) { given(t).When(event("order-noted")).Then(send("a", "b")) }, "nothing"},
		"another payload": {func(t processtest.TB) {
			given(t).When(place("a")).Then(timer, process.Send("reserve-stock", "a", reserve{"8"}), process.Send("confirm-order", "7", nil))
		}, `{"order":"8"}`},
		"another order": {func(t processtest.TB) {
			given(t).When(place("a", "b")).Then(timer, send("reserve-stock", "b"), send("reserve-stock", "a"), process.Send("confirm-order", "7", nil))
		}, "expected"},
		"another time": {func(t processtest.TB) {
			given(t).When(place()).Then(process.After("confirmation", time.Hour, process.Send("reject-order", "7", nil)), process.Send("confirm-order", "7", nil))
		}, "timer confirmation"},
		"another timer": {func(t processtest.TB) {
			given(t).When(place()).Then(process.After("other", time.Minute, process.Send("reject-order", "7", nil)), process.Send("confirm-order", "7", nil))
		}, "timer other"},
		"no cancel": {func(t processtest.TB) {
			processtest.Given(t, fulfilment(), "order/7", place()).When(event("order-cancelled")).Then()
		}, "cancel timer confirmation"},
		"a cancel": {func(t processtest.TB) {
			processtest.Given(t, fulfilment(), "order/7", place()).When(event("order-noted")).Then(process.Cancel("confirmation"))
		}, "cancel timer confirmation"},
		"no rejection": {func(t processtest.TB) {
			given(t).When(place("a")).Then(timer, send("reserve-stock", "a"), process.Send("reject-order", "7", nil))
		}, "confirm-order"},
		"parked": {func(t processtest.TB) { given(t).When(event("order-broken")).Then() }, "panicked"},
		"parked before": {func(t processtest.TB) {
			processtest.Given(t, fulfilment(), "order/7", event("order-broken")).When(place()).Then()
		}, "what has happened"},
		"not parked":       {func(t processtest.TB) { given(t).When(event("order-noted")).ThenParks("internal") }, "was handled"},
		"another code":     {func(t processtest.TB) { given(t).When(event("order-broken")).ThenParks("busy") }, "got internal"},
		"an unnamed code":  {func(t processtest.TB) { given(t).Rejecting("confirm-order", "7", "x").When(place()).Then() }, "was rejected"},
		"without When":     {func(t processtest.TB) { given(t).Then() }, "without When"},
		"parks, no When":   {func(t processtest.TB) { given(t).ThenParks("internal") }, "without When"},
		"a faulty reactor": {func(t processtest.TB) { processtest.Given(t, process.New[basket]("x"), "order/7").When(place()).Then() }, "follows no aggregate"},
		"faulty steps":     {func(t processtest.TB) { given(t).When(place()).Then(send("", "")) }, "expected steps"},
		"another event": {func(t processtest.TB) {
			processtest.Given(t, outbox(), "order/7", place("a")).When(event("order-confirmed")).ThenPublishes(processtest.Event{Name: "com.example.order-confirmed.v1", Data: confirmed{[]string{"a"}}})
		}, "v2"},
		"other data": {func(t processtest.TB) {
			processtest.Given(t, outbox(), "order/7", place("a")).When(event("order-confirmed")).ThenPublishes(processtest.Event{Name: "com.example.order-confirmed.v2", Data: confirmed{}})
		}, `["a"]`},
		"published nothing": {func(t processtest.TB) {
			processtest.Given(t, outbox(), "order/7", place("a")).When(event("order-confirmed")).ThenPublishes()
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
