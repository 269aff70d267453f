package fulfilment

import (
	"time"

	"daybook/domain/order"
	"daybook/domain/product"
	"daybook/process"
)

//sample:begin manager

// Fulfilment reserves the stock of a placed order and confirms it. It follows the
// streams of orders.
var Fulfilment = process.New[Basket]("fulfilment", "order").
	Sends(product.ReserveStock{}, product.ReleaseStock{}, order.Confirm{}, order.Reject{}).
	On(onPlaced).
	On(onRejected)

// Basket is what the manager remembers of an order.
type Basket struct {
	Products []string `json:"products,omitzero"`
}

func onPlaced(b Basket, e order.PlacedEvent, m process.Meta) (Basket, process.Reaction) {
	var reserve []process.Command
	for _, l := range e.Lines { // each with a product of its own
		b.Products = append(b.Products, l.Product)
		reserve = append(reserve, process.Send(l.Product, product.ReserveStock{Order: m.ID(), Quantity: l.Quantity}))
	}
	reject := process.Send(m.ID(), order.Reject{Reason: "out of stock"})
	return b, process.Do(
		// A timer, named in this stream.
		process.After("confirmation", 15*time.Minute, reject),
		// The reservations, side by side.
		process.All(reserve...).
			Then(process.Send(m.ID(), order.Confirm{}).Unless("order-cancelled")).
			Else(func(process.Rejection) process.Reaction { return process.Do(reject.Unless("order-cancelled")) }),
	)
}

// Steps are undone because of what the order decided.
func onRejected(b Basket, _ order.RejectedEvent, m process.Meta) (Basket, process.Reaction) {
	steps := []process.Step{process.Cancel("confirmation")}
	for _, p := range b.Products {
		steps = append(steps, process.Send(p, product.ReleaseStock{Order: m.ID()}))
	}
	return b, process.Do(steps...)
}

//sample:end

//sample:begin outbox

var Outbox = process.NewOutbox[Basket]("shop", "order").
	Remember(remember).
	Publish("com.example.shop.order-confirmed", 1,
		func(b Basket, _ order.ConfirmedEvent, m process.Meta) OrderConfirmed {
			return OrderConfirmed{Order: m.ID(), Products: b.Products}
		})

// OrderConfirmed is the data of com.example.shop.order-confirmed.v1.
type OrderConfirmed struct {
	Order    string   `json:"order"`
	Products []string `json:"products"`
}

func remember(b Basket, e order.PlacedEvent, _ process.Meta) Basket {
	for _, l := range e.Lines {
		b.Products = append(b.Products, l.Product)
	}
	return b
}

//sample:end
