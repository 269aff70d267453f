package fulfilment

import (
	"time"

	"daybook/domain/order"
	"daybook/process"
)

// Shop publishes what other systems (payment, shipping, a data lake) want to know
// of orders.
var Shop = process.NewOutbox[Known]("shop", "order").
	Remember(func(_ Known, e order.PlacedEvent, _ process.Meta) Known {
		return Known{Customer: e.Customer, Currency: e.Currency, Total: order.Amount(e.Lines), Items: basketOf(e.Lines).Items}
	}).
	Publish("com.example.shop.order-confirmed", 1, func(k Known, _ order.ConfirmedEvent, m process.Meta) Confirmed {
		return Confirmed{Order: m.ID(), Customer: k.Customer, Currency: k.Currency, Total: k.Total, Items: k.Items, At: m.Time}
	}).
	Publish("com.example.shop.order-rejected", 1, func(k Known, e order.RejectedEvent, m process.Meta) Ended {
		return Ended{Order: m.ID(), Customer: k.Customer, Reason: e.Reason, At: m.Time}
	}).
	Publish("com.example.shop.order-cancelled", 1, func(k Known, e order.CancelledEvent, m process.Meta) Ended {
		return Ended{Order: m.ID(), Customer: k.Customer, Reason: e.Reason, At: m.Time}
	})

// Known is what the outbox remembers of an order.
type Known struct {
	Customer string `json:"customer,omitzero"`
	Currency string `json:"currency,omitzero"`
	Total    int64  `json:"total,omitzero"` // minor units
	Items    []Item `json:"items,omitzero"`
}

// Confirmed is the data of com.example.shop.order-confirmed.v1.
type Confirmed struct {
	Order    string    `json:"order"`
	Customer string    `json:"customer"`
	Currency string    `json:"currency"`
	Total    int64     `json:"total"` // minor units
	Items    []Item    `json:"items"`
	At       time.Time `json:"at"`
}

// Ended is the data of com.example.shop.order-rejected.v1 and
// com.example.shop.order-cancelled.v1.
type Ended struct {
	Order    string    `json:"order"`
	Customer string    `json:"customer"`
	Reason   string    `json:"reason"`
	At       time.Time `json:"at"`
}
