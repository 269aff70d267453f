package fulfilment

import (
	"daybook/domain/order"
	"daybook/domain/product"
	"daybook/domain/user"
	"daybook/events"
	"daybook/process"
)

// Fulfilment checks the customer of a placed order, reserves its stock and confirms
// it, or rejects it: when the customer is unknown or deactivated, something is
// short or sold in another currency, or time is up.
//
// The order is entered before it is checked, so the checks hold a moment later: a
// customer who is deactivated in that moment may still have one order confirmed.
// Checking while the order is placed would be exact (aggregate's Across), and make
// all orders of a customer, and of a product, wait for each other.
//
// A step is undone because of the event that says so, never because of a
// reservation that failed: "reject-order" is decided by the order, which is
// confirmed or rejected once and for all, and what is released follows from it.
// A reservation that is late, since it hung in an instance that another has
// replaced, finds its order ended, or its time over.
var Fulfilment = process.New[Basket]("fulfilment", "order").
	Sends(user.Check{}, product.ReserveStock{}, product.ReleaseStock{}, product.SettleStock{}, order.Confirm{}, order.Reject{}).
	On(reserve).
	React(func(order.ConfirmedEvent, process.Meta) process.Reaction {
		return process.Do(process.Cancel(confirmation))
	}).
	On(func(b Basket, _ order.RejectedEvent, m process.Meta) (Basket, process.Reaction) {
		return b.end(m, release)
	}).
	On(func(b Basket, _ order.CancelledEvent, m process.Meta) (Basket, process.Reaction) {
		return b.end(m, release)
	}).
	On(func(b Basket, _ order.CompletedEvent, m process.Meta) (Basket, process.Reaction) {
		return b.end(m, settle)
	})

// Patience is how long an order may stay unconfirmed.
const Patience = product.ReservationTime

// late is the reason of an order that was not confirmed in time.
const late = "not confirmed in time"

// confirmation is the timer of an order that is not confirmed yet.
const confirmation = "confirmation"

// Basket is what was ordered, each product once.
type Basket struct {
	Items []Item `json:"items,omitzero"`
}

// Item is a number of units of one product.
type Item struct {
	Product  string `json:"product"`
	Quantity int64  `json:"quantity"`
}

// basketOf adds up the lines of an order, in the order in which they name their
// products. A product keeps one reservation an order.
func basketOf(lines []order.Line) (b Basket) {
	at := map[string]int{}
	for _, l := range lines {
		i, ok := at[l.Product]
		if !ok {
			i = len(b.Items)
			at[l.Product] = i
			b.Items = append(b.Items, Item{Product: l.Product})
		}
		b.Items[i].Quantity = events.Add(b.Items[i].Quantity, l.Quantity)
	}
	return b
}

// An order that was decided in the meantime, by its customer or by time, is fine:
// the event of that decision is the next to be reacted to.
var decided = []events.Code{"order-confirmed", "order-rejected", "order-cancelled", "order-completed"}

func reserve(_ Basket, e order.PlacedEvent, m process.Meta) (Basket, process.Reaction) {
	b, id, until := basketOf(e.Lines), m.ID(), m.Time.Add(Patience)
	reservations := make([]process.Command, len(b.Items))
	for i, item := range b.Items {
		reservations[i] = process.Send(item.Product, product.ReserveStock{Order: id, Quantity: item.Quantity, Currency: e.Currency, Until: &until})
	}
	reject := func(reason string) process.Command {
		return process.Send(id, order.Reject{Reason: reason}).Unless(decided...)
	}
	rejected := func(r process.Rejection) process.Reaction { return process.Do(reject(why(r, e.Currency))) }
	return b, process.Do(
		process.After(confirmation, Patience, reject(late)),
		process.All(process.Send(e.Customer, user.Check{})).
			Then(process.All(reservations...).
				Then(process.Send(id, order.Confirm{}).Unless(decided...)).
				Else(rejected)).
			Else(rejected),
	)
}

// why is the reason of a rejected order, in a customer's words.
func why(r process.Rejection, currency string) string {
	switch r.Code {
	case "user-not-found", "user-inactive":
		return "customer " + r.ID + " may not order"
	case "currency-mismatch":
		return "product " + r.ID + " is not sold in " + currency
	case "out-of-stock":
		return "not enough of product " + r.ID + " is in stock"
	case "product-retired", "product-not-found":
		return "product " + r.ID + " is not on sale"
	case "too-late":
		return late
	}
	return "product " + r.ID + " can't be reserved"
}

// end is the reaction to an event after which the order keeps no stock: one
// command for each product, and nothing to remember any more.
func (b Basket) end(m process.Meta, command func(order string, i Item) process.Command) (Basket, process.Reaction) {
	commands := make([]process.Command, len(b.Items))
	for i, item := range b.Items {
		commands[i] = command(m.ID(), item).Unless("product-not-found")
	}
	return Basket{}, process.Do(process.Cancel(confirmation), process.All(commands...))
}

func release(order string, i Item) process.Command {
	return process.Send(i.Product, product.ReleaseStock{Order: order})
}

func settle(order string, i Item) process.Command {
	return process.Send(i.Product, product.SettleStock{Order: order})
}
