package processtest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"daybook/events"
	"daybook/internal/expect"
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
	release    reserve
	confirm    struct{}
	nameless   struct{}
	confirmToo struct{}
	unlisted   struct{}
	reject     struct {
		Reason string `json:"reason,omitzero"`
	}
	confirmed struct {
		Products []string `json:"products"`
	}
)

func (placed) EventName() string       { return "order-placed" }
func (broken) EventName() string       { return "order-broken" }
func (cancelled) EventName() string    { return "order-cancelled" }
func (accepted) EventName() string     { return "order-confirmed" }
func (noted) EventName() string        { return "order-noted" }
func (reserve) CommandName() string    { return "reserve-stock" }
func (release) CommandName() string    { return "release-stock" }
func (confirm) CommandName() string    { return "confirm-order" }
func (nameless) CommandName() string   { return "" }
func (reject) CommandName() string     { return "reject-order" }
func (confirmToo) CommandName() string { return "confirm-order" }
func (unlisted) CommandName() string   { return "be-forgotten" }

func fulfilment() *process.Manager[basket] {
	return process.New[basket]("fulfilment", "order").
		Sends(reserve{}, release{}, confirm{}, reject{}).
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
		ThenPublishes("com.example.order-confirmed.v2", confirmed{[]string{"a"}})
	processtest.Given(t, outbox(), "order/7").With(func(c *events.Commit) { c.Actor = "eve" }).When(place()).Then()
}

func TestScenariosFail(t *testing.T) {
	t.Parallel()
	given := func(t testing.TB) *processtest.Scenario { return processtest.Given(t, fulfilment(), "order/7") }
	for name, test := range map[string]struct {
		scenario func(testing.TB)
		want     string
	}{
		"a command less": {func(t testing.TB) { given(t).When(place("a")).Then(timer, process.Send("a", reserve{"7"})) }, "confirm-order"},
		"a command more": {func(t testing.TB) { given(t).When(noted{}).Then(process.Send("b", confirm{})) }, `- command to "b": confirm-order {}`},
		"another payload": {func(t testing.TB) {
			given(t).When(place("a")).Then(timer, process.Send("a", reserve{"8"}), process.Send("7", confirm{}))
		}, `{"order":"8"}`},
		"another order": {func(t testing.TB) {
			given(t).When(place("a", "b")).Then(timer, process.Send("b", reserve{"7"}), process.Send("a", reserve{"7"}), process.Send("7", confirm{}))
		}, "unexpected steps"},
		"another time": {func(t testing.TB) {
			given(t).When(place()).Then(process.After("confirmation", time.Hour, process.Send("7", reject{})), process.Send("7", confirm{}))
		}, "timer confirmation"},
		"another timer": {func(t testing.TB) {
			given(t).When(place()).Then(process.After("other", time.Minute, process.Send("7", reject{})), process.Send("7", confirm{}))
		}, "timer other"},
		"no cancel": {func(t testing.TB) {
			processtest.Given(t, fulfilment(), "order/7", place()).When(cancelled{}).Then()
		}, "cancel timer confirmation"},
		"a cancel": {func(t testing.TB) {
			processtest.Given(t, fulfilment(), "order/7", place()).When(noted{}).Then(process.Cancel("confirmation"))
		}, "cancel timer confirmation"},
		"no rejection": {func(t testing.TB) {
			given(t).When(place("a")).Then(timer, process.Send("a", reserve{"7"}), process.Send("7", reject{}))
		}, "confirm-order"},
		"an undeclared command": {func(t testing.TB) {
			m := process.New[basket]("forgetful", "order").React(func(noted, process.Meta) process.Reaction { return process.Do(process.Send("7", confirm{})) })
			processtest.Given(t, m, "order/7").When(noted{}).Then(process.Send("7", confirm{}))
		}, "the stream was parked: unknown-command: manager forgetful sends the command confirm-order without declaring it: add it to Sends"},
		"an undeclared command of a timer": {func(t testing.TB) {
			m := process.New[basket]("forgetful", "order").Sends(confirm{}).
				React(func(noted, process.Meta) process.Reaction {
					return process.Do(process.After("t", time.Hour, process.Send("7", reject{})))
				})
			processtest.Given(t, m, "order/7").When(noted{}).Then()
		}, "sends the command reject-order without declaring it"},
		"a command of another type": {func(t testing.TB) {
			m := process.New[basket]("forgetful", "order").Sends(confirm{}).
				React(func(noted, process.Meta) process.Reaction { return process.Do(process.Send("7", confirmToo{})) })
			processtest.Given(t, m, "order/7").When(noted{}).Then()
		}, "sends the command confirm-order as processtest_test.confirmToo and declares it as processtest_test.confirm: use one type"},
		"an expected command that is not declared": {func(t testing.TB) { given(t).When(noted{}).Then(process.Send("7", unlisted{})) }, "the expected steps"},
		"parked": {func(t testing.TB) { given(t).When(broken{}).Then() }, "panicked"},
		"parked before": {func(t testing.TB) {
			processtest.Given(t, fulfilment(), "order/7", broken{}).When(place()).Then()
		}, "what has happened"},
		"not parked":       {func(t testing.TB) { given(t).When(noted{}).ThenParks("internal") }, "was handled"},
		"another code":     {func(t testing.TB) { given(t).When(broken{}).ThenParks("busy") }, "got internal"},
		"an unnamed code":  {func(t testing.TB) { given(t).Rejecting(confirm{}, "7", "x").When(place()).Then() }, "was rejected"},
		"needs When":       {func(t testing.TB) { given(t).Then() }, "needs When"},
		"parks, no When":   {func(t testing.TB) { given(t).ThenParks("internal") }, "needs When"},
		"a faulty reactor": {func(t testing.TB) { processtest.Given(t, process.New[basket]("x"), "order/7").When(place()).Then() }, "follows no aggregate"},
		"faulty steps":     {func(t testing.TB) { given(t).When(place()).Then(process.Send("", nameless{})) }, "expected steps"},
		"another event": {func(t testing.TB) {
			processtest.Given(t, outbox(), "order/7", place("a")).When(accepted{}).ThenPublishes("com.example.order-confirmed.v1", confirmed{[]string{"a"}})
		}, "unexpected integration events (- expected, + got):\n- com.example.order-confirmed.v1"},
		"other data": {func(t testing.TB) {
			processtest.Given(t, outbox(), "order/7", place("a")).When(accepted{}).ThenPublishes("com.example.order-confirmed.v2", confirmed{})
		}, `["a"]`},
		"published nothing": {func(t testing.TB) {
			processtest.Given(t, outbox(), "order/7", place("a")).When(accepted{}).Then()
		}, "+ event com.example.order-confirmed.v2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if failure := expect.Failure(t, test.scenario); !strings.Contains(failure, test.want) || failure == "" {
				t.Errorf("failed with %q, want %q in it", failure, test.want)
			}
		})
	}
}
