package order_test

import (
	"math"
	"testing"

	"daybook/aggregate/aggregatetest"
	"daybook/domain/order"
	"daybook/events"
)

func TestOrder(t *testing.T) {
	t.Parallel()
	lines := []order.Line{{Product: "lamp", Quantity: 2, Price: 1990}}
	placed := order.PlacedEvent{Customer: "ann", Currency: "EUR", Lines: lines}
	given := func(past ...events.Data) *aggregatetest.Scenario[order.State] {
		return aggregatetest.Given(t, order.Order, past...)
	}
	place := order.Place{Customer: "ann", Currency: "EUR", Lines: lines}
	given().When(place).Then(placed).ThenState(order.State{Status: order.Placed})
	given(placed).When(place).ThenRejected("order-already-exists")
	given().When(order.Place{Customer: "ann", Currency: "EUR", Lines: []order.Line{}}).ThenMalformed("/payload/lines")
	given().When(order.Place{Customer: "ann", Currency: "EUR", Lines: []order.Line{{Product: "la\tmp", Quantity: 1, Price: 1}}}).
		ThenMalformed("/payload/lines/0/product")
	given().When(order.Place{Customer: "ann", Currency: "EUR", Lines: []order.Line{{Product: "lamp", Price: 1}}}).
		ThenMalformed("/payload/lines/0/quantity")

	ok, no, off := order.ConfirmedEvent{}, order.RejectedEvent{Reason: "late"}, order.CancelledEvent{Reason: "mind changed"}
	given(placed).When(order.Confirm{}).Then(ok)
	given(placed, ok).When(order.Confirm{}).Then()
	given().When(order.Confirm{}).ThenRejected("order-not-found")
	given(placed, no).When(order.Confirm{}).ThenRejected("order-rejected")
	given(placed).When(order.Reject{Reason: "late"}).Then(no)
	given(placed, ok).When(order.Reject{Reason: "late"}).ThenRejected("order-confirmed")
	given(placed, ok).When(order.Cancel{Reason: "mind changed"}).Then(off).ThenState(order.State{Status: order.Cancelled})
	done := order.CompletedEvent{}
	given(placed, ok).When(order.Complete{}).Then(done).ThenState(order.State{Status: order.Completed})
	given(placed).When(order.Complete{}).ThenRejected("order-placed")
	given(placed, ok, done).When(order.Cancel{Reason: "mind changed"}).ThenRejected("order-completed")
	given(placed, off).When(order.Confirm{}).ThenRejected("order-cancelled")
}

func TestTotal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		lines []order.Line
		want  int64
		ok    bool
	}{
		{[]order.Line{{Quantity: 2, Price: 150}, {Quantity: 1, Price: 1}}, 301, true},
		{[]order.Line{{Quantity: 1, Price: order.MaxTotal}}, order.MaxTotal, true},
		{[]order.Line{{Quantity: 1, Price: order.MaxTotal}, {Quantity: 1, Price: 1}}, 0, false},
		{[]order.Line{{Quantity: 3, Price: order.MaxTotal / 2}}, 0, false},
		{[]order.Line{{Quantity: math.MaxInt64, Price: math.MaxInt64}}, 0, false},
	} {
		if got, ok := order.Total(c.lines); got != c.want || ok != c.ok {
			t.Errorf("Total(%v) = %d, %v", c.lines, got, ok)
		}
	}
}
