package fulfilment_test

import (
	"testing"
	"time"

	"daybook"
	"daybook/aggregate"
	"daybook/daybooktest"
	"daybook/docs/samples/fulfilment"
	"daybook/domain/order"
	"daybook/domain/product"
	"daybook/process"
	"daybook/view"
)

func TestStory(t *testing.T) {
	t.Parallel()
	app := daybook.App{
		Name:       "shop",
		Aggregates: []aggregate.Aggregate{order.Order, product.Product},
		Views:      []view.View{order.Orders, product.Products},
		Processes:  []process.Reactor{fulfilment.Fulfilment},
	}
	lines := []order.Line{{Product: "lamp", Quantity: 1, Price: 1990}}
	added := product.Added{Name: "Lamp", Category: "light", Price: 1990, Currency: "EUR", Stock: 1}
	row := order.Row{Customer: "ann", Status: order.Confirmed, Total: 1990, Currency: "EUR", Lines: lines, PlacedAt: time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC)}
	//sample:begin story
	daybooktest.Given(t, app).
		Stream("product/lamp", added).
		When("order/7", order.Place{Customer: "ann", Currency: "EUR", Lines: lines}).
		RunProcesses().
		ThenSends("product/lamp", product.ReserveStock{Order: "7", Quantity: 1}).
		Then(order.PlacedEvent{Customer: "ann", Currency: "EUR", Lines: lines}, order.ConfirmedEvent{}).
		ThenRow("orders", "7", row).
		When("order/8", order.Place{Customer: "bob", Currency: "EUR", Lines: lines}).
		ThenSends("product/lamp", product.ReserveStock{Order: "8", Quantity: 1}). // not handled yet
		RunProcesses().
		ThenOn("order/8", order.PlacedEvent{Customer: "bob", Currency: "EUR", Lines: lines}, order.RejectedEvent{Reason: "out of stock"}).
		After(time.Hour). // timers that are due fire: this one was cancelled
		ThenSends("order/8", order.Reject{Reason: "out of stock"})
	//sample:end
}
