package order_test

import (
	"flag"
	"testing"

	"daybook/aggregate"
	"daybook/domain/order"
	"daybook/events/eventstest"
	"daybook/view/viewtest"
)

var _ = flag.Bool("update", false, "write missing golden files")

// Stored events stay readable: schema/ holds one of each, of each version.
func TestStoredEvents(t *testing.T) {
	t.Parallel()
	codec, err := aggregate.Codec([]aggregate.Aggregate{order.Order})
	if err != nil {
		t.Fatal(err)
	}
	eventstest.Golden(t, "schema", codec,
		eventstest.Sample{Event: "order-placed", Value: order.PlacedEvent{Customer: "ann", Currency: "EUR", Lines: []order.Line{{Product: "lamp", Quantity: 2, Price: 1990, Category: "home"}}}},
		eventstest.Sample{Event: "order-confirmed", Value: order.ConfirmedEvent{}},
		eventstest.Sample{Event: "order-rejected", Value: order.RejectedEvent{Reason: "out of stock"}},
		eventstest.Sample{Event: "order-cancelled", Value: order.CancelledEvent{Reason: "mind changed"}},
		eventstest.Sample{Event: "order-completed", Value: order.CompletedEvent{}},
	)
}

// Views keep their shapes, version by version: schema/views holds them.
func TestShapesOfViews(t *testing.T) {
	t.Parallel()
	viewtest.Golden(t, "schema/views", order.Orders, order.Sales)
}
