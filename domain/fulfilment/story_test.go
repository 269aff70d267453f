package fulfilment_test

import (
	"testing"
	"time"

	"daybook"
	"daybook/daybooktest"
	"daybook/domain/fulfilment"
	"daybook/domain/order"
	"daybook/domain/product"
	"daybook/domain/user"
	"daybook/process"
	"daybook/view"
)

func shop() daybook.App {
	return daybook.App{
		Name: "shop", Aggregates: aggregates(),
		Views:     []view.View{order.Orders, product.Products},
		Processes: []process.Reactor{fulfilment.Fulfilment, fulfilment.Shop},
	}
}

// TestStoryOfAnOrder: an order through all rooms at once.
func TestStoryOfAnOrder(t *testing.T) {
	t.Parallel()
	lines := []order.Line{{Product: "lamp", Quantity: 2, Price: 1990}}
	at := time.Date(2026, 1, 2, 3, 4, 7, 0, time.UTC)
	until := at.Add(fulfilment.Patience)
	row := order.Row{Customer: "ann", Status: order.Confirmed, Total: 3980, Currency: "EUR", Lines: lines, PlacedAt: at}
	reserve := product.ReserveStock{Order: "7", Quantity: 2, Currency: "EUR", Until: &until}

	s := daybooktest.Given(t, shop()).
		Stream("user/ann", user.Created{Name: "Ann", Email: "ann@example.com"}).
		Stream("product/lamp", product.Added{Name: "Lamp", Category: "light", Price: 1990, Currency: "EUR", Stock: 3}).
		When("order/7", order.Place{Customer: "ann", Currency: "EUR", Lines: lines}).
		ThenSends("product/lamp", reserve).
		ThenOn("product/lamp").
		RunProcesses().
		Then(order.PlacedEvent{Customer: "ann", Currency: "EUR", Lines: lines}, order.ConfirmedEvent{}).
		ThenSends("product/lamp", reserve).
		ThenRow("orders", "7", row)
	s.ThenPublishes("com.example.shop.order-confirmed.v1", fulfilment.Confirmed{
		Order: "7", Customer: "ann", Currency: "EUR", Total: 3980, Items: []fulfilment.Item{{Product: "lamp", Quantity: 2}}, At: at,
	})
	s.After(2*fulfilment.Patience).ThenSends("order/7", order.Confirm{}) // its timer was cancelled

	until8 := until.Add(2 * fulfilment.Patience)
	s.When("order/8", order.Place{Customer: "ann", Currency: "EUR", Lines: lines}).RunProcesses().
		ThenRow("orders", "7", row).
		ThenSends("product/lamp", product.ReserveStock{Order: "8", Quantity: 2, Currency: "EUR", Until: &until8}, product.ReleaseStock{Order: "8"}).
		ThenSends("order/8", order.Reject{Reason: "not enough of product lamp is in stock"}).
		ThenPublishes("com.example.shop.order-confirmed.v1")

	row.Status = order.Cancelled
	s.When("order/7", order.Cancel{Reason: "mind changed"}).RunProcesses().
		Then(order.CancelledEvent{Reason: "mind changed"}).
		ThenSends("product/lamp", product.ReleaseStock{Order: "7"}).
		ThenRow("orders", "7", row).
		When("order/7", order.Complete{}).ThenRejected("order-cancelled").
		ThenNoRow("orders", "9")
}

// TestOrderThatIsNotConfirmedInTime: the timer of a placed order fires.
func TestOrderThatIsNotConfirmedInTime(t *testing.T) {
	t.Parallel()
	daybooktest.Given(t, shop()).Stream("order/7", placed).
		WhenEvents("user/ann", user.Created{Name: "Ann", Email: "ann@example.com"}).
		After(fulfilment.Patience-3*time.Second).ThenOn("order/7").
		After(2*time.Second).ThenOn("order/7", order.RejectedEvent{Reason: "not confirmed in time"})
}
