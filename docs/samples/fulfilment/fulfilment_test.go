package fulfilment_test

import (
	"testing"
	"time"

	"daybook/docs/samples/fulfilment"
	"daybook/domain/order"
	"daybook/domain/product"
	"daybook/process"
	"daybook/process/processtest"
)

func placed(products ...string) order.PlacedEvent {
	e := order.PlacedEvent{Customer: "ann", Currency: "EUR"}
	for _, p := range products {
		e.Lines = append(e.Lines, order.Line{Product: p, Quantity: 1, Price: 100})
	}
	return e
}

func TestFulfilment(t *testing.T) {
	t.Parallel()
	reject := process.Send("7", order.Reject{Reason: "out of stock"})
	//sample:begin test
	processtest.Given(t, fulfilment.Fulfilment, "order/7").
		Rejecting(product.ReserveStock{}, "b", "out-of-stock").
		When(placed("a", "b")).
		Then(
			process.After("confirmation", 15*time.Minute, reject),
			process.Send("a", product.ReserveStock{Order: "7", Quantity: 1}),
			process.Send("b", product.ReserveStock{Order: "7", Quantity: 1}),
			process.Send("7", order.Reject{Reason: "out of stock"}))
	//sample:end
}
