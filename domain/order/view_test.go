package order_test

import (
	"testing"

	"daybook/aggregate"
	"daybook/domain/order"
	"daybook/events"
	"daybook/view/viewtest"
)

func TestOrders(t *testing.T) {
	t.Parallel()
	codec, err := aggregate.Codec([]aggregate.Aggregate{order.Order})
	if err != nil {
		t.Fatal(err)
	}
	placed := order.PlacedEvent{Customer: "ann", Currency: "EUR", Lines: []order.Line{
		{Product: "lamp", Quantity: 2, Price: 1990}, {Product: "bulb", Quantity: 3, Price: 5},
	}}
	const rest = `"total":3995,"currency":"EUR","lines":[{"product":"lamp","quantity":2,"price":1990},{"product":"bulb","quantity":3,"price":5}],"placedAt":"2026-01-01T00:00:00Z"`
	for status, last := range map[string][]events.Data{
		"placed":    nil,
		"confirmed": {order.ConfirmedEvent{}},
		"completed": {order.ConfirmedEvent{}, order.CompletedEvent{}},
		"rejected":  {order.RejectedEvent{Reason: "late"}},
		"cancelled": {order.CancelledEvent{Reason: "mind changed"}},
	} {
		rows := viewtest.Given(t, codec, order.Orders, viewtest.Commits(t, codec, "order/1", append([]events.Data{placed}, last...)...)...)
		version := string(rune('1' + len(last)))
		want := `{"id":"1","customer":"ann","status":"` + status + `",` + rest + `,"version":` + version + `}`
		if got := rows.Row("1"); got != want {
			t.Errorf("%s: %s, want %s", status, got, want)
		}
	}
}
