package fulfilment_test

import (
	"testing"
	"time"

	"daybook/domain/fulfilment"
	"daybook/domain/order"
	"daybook/domain/product"
	"daybook/domain/user"
	"daybook/events"
	"daybook/process"
	"daybook/process/processtest"
)

// happened are the events of an order of two lamps, in two lines, and one bulb.
var (
	placed = order.PlacedEvent{Customer: "ann", Currency: "EUR", Lines: []order.Line{
		{Product: "lamp", Quantity: 1, Price: 1990}, {Product: "bulb", Quantity: 1, Price: 5}, {Product: "lamp", Quantity: 1, Price: 1990},
	}}
	confirmed = order.ConfirmedEvent{}
	rejected  = order.RejectedEvent{Reason: "late"}
	cancelled = order.CancelledEvent{Reason: "mind changed"}
	completed = order.CompletedEvent{}
)

func given(t *testing.T, past ...events.Data) *processtest.Scenario {
	return processtest.Given(t, fulfilment.Fulfilment, "order/7", past...)
}

func TestFulfilment(t *testing.T) {
	t.Parallel()
	reject := func(reason string) process.Command {
		return process.Send("7", order.Reject{Reason: reason})
	}
	late := process.After("confirmation", fulfilment.Patience, reject("not confirmed in time"))
	until := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Add(fulfilment.Patience)
	ann := process.Send("ann", user.Check{})
	lamp := process.Send("lamp", product.ReserveStock{Order: "7", Quantity: 2, Currency: "EUR", Until: &until})
	bulb := process.Send("bulb", product.ReserveStock{Order: "7", Quantity: 1, Currency: "EUR", Until: &until})

	given(t).When(placed).Then(late, ann, lamp, bulb, process.Send("7", order.Confirm{}))
	given(t).Rejecting(order.Confirm{}, "7", "order-cancelled").When(placed).
		Then(late, ann, lamp, bulb, process.Send("7", order.Confirm{}))
	for _, code := range []events.Code{"user-not-found", "user-inactive"} {
		given(t).Rejecting(user.Check{}, "ann", code).When(placed).Then(late, ann, reject("customer ann may not order"))
	}
	for code, reason := range map[string]string{
		"out-of-stock": "not enough of product bulb is in stock", "product-retired": "product bulb is not on sale",
		"product-not-found": "product bulb is not on sale", "too-late": "not confirmed in time", "currency-mismatch": "product bulb is not sold in EUR", "already-reserved": "product bulb can't be reserved",
	} {
		given(t).Rejecting(product.ReserveStock{}, "bulb", events.Code(code)).When(placed).Then(late, ann, lamp, bulb, reject(reason))
	}

	free := []process.Step{process.Cancel("confirmation"),
		process.Send("lamp", product.ReleaseStock{Order: "7"}), process.Send("bulb", product.ReleaseStock{Order: "7"})}
	given(t, placed).When(confirmed).Then(process.Cancel("confirmation"))
	given(t, placed).When(rejected).Then(free...)
	given(t, placed).When(cancelled).Then(free...)
	given(t, placed, confirmed).When(cancelled).Then(free[1:]...)
	given(t, placed, confirmed).When(completed).Then(
		process.Send("lamp", product.SettleStock{Order: "7"}), process.Send("bulb", product.SettleStock{Order: "7"}))
	given(t, placed).Rejecting(product.ReleaseStock{}, "bulb", "product-not-found").When(rejected).Then(free...)
}

func TestShop(t *testing.T) {
	t.Parallel()
	shop := func(past ...events.Data) *processtest.Scenario {
		return processtest.Given(t, fulfilment.Shop, "order/7", past...)
	}
	shop().When(placed).Then()
	at := time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC)
	shop(placed).When(confirmed).ThenPublishes("com.example.shop.order-confirmed.v1", fulfilment.Confirmed{
		Order: "7", Customer: "ann", Currency: "EUR", Total: 3985, Items: []fulfilment.Item{{Product: "lamp", Quantity: 2}, {Product: "bulb", Quantity: 1}}, At: at,
	})
	shop(placed).When(rejected).ThenPublishes("com.example.shop.order-rejected.v1", fulfilment.Ended{Order: "7", Customer: "ann", Reason: "late", At: at})
	shop(placed).When(cancelled).ThenPublishes("com.example.shop.order-cancelled.v1", fulfilment.Ended{Order: "7", Customer: "ann", Reason: "mind changed", At: at})
}
