package order

import (
	"daybook/aggregate"
	"daybook/events"
)

// Order is the aggregate of one order.
var Order = aggregate.New[State]("order").
	Event(placed, withoutCategories).
	Event(confirmed).
	Event(rejected).
	Event(cancelled).
	Event(completed).
	Command(place, aggregate.Creates(), aggregate.Summary("Place an order")).
	Command(confirm, aggregate.Internal(), aggregate.Summary("Confirm a placed order")).
	Command(reject, aggregate.Internal(), aggregate.Summary("Reject a placed order")).
	Command(cancel, aggregate.Summary("Cancel an order")).
	Command(complete, aggregate.Summary("Hand a confirmed order over"))

// Status is where an order stands.
type Status string

// The statuses. An order that does not exist has none.
const (
	Placed    Status = "placed"
	Confirmed Status = "confirmed"
	Rejected  Status = "rejected"
	Cancelled Status = "cancelled"
	Completed Status = "completed"
)

// State is what deciding about an order needs.
type State struct {
	Status Status `json:"status,omitzero"`
}

// Line is one product of an order, at the price it was ordered for: the order's
// own, which is not compared with the product's, since a price may have changed
// after it was offered (ADR 9). Category is
// the product's as the customer saw it, if the shop says; like the price it
// stays what it was when the product's changes.
type Line struct {
	Product  string `json:"product" rule:"format=id" example:"lamp"`
	Quantity int64  `json:"quantity" rule:"min=1,max=1000000" example:"2"`
	Price    int64  `json:"price" rule:"min=0,max=1000000000000" example:"3990"` // minor units, each
	Category string `json:"category,omitzero" rule:"max=100" example:"home"`
}

// Events.
type (
	// PlacedEvent: a customer placed the order.
	PlacedEvent struct {
		Customer string `json:"customer"`
		Currency string `json:"currency"`
		Lines    []Line `json:"lines"`
	}
	// ConfirmedEvent: everything ordered is reserved.
	ConfirmedEvent struct{}
	// RejectedEvent: the order can't be fulfilled.
	RejectedEvent struct {
		Reason string `json:"reason"`
	}
	// CancelledEvent: the order was called off.
	CancelledEvent struct {
		Reason string `json:"reason"`
	}
	// CompletedEvent: what was ordered was handed over.
	CompletedEvent struct{}
)

func (PlacedEvent) EventName() string    { return "order-placed" }
func (ConfirmedEvent) EventName() string { return "order-confirmed" }
func (RejectedEvent) EventName() string  { return "order-rejected" }
func (CancelledEvent) EventName() string { return "order-cancelled" }
func (CompletedEvent) EventName() string { return "order-completed" }

// Commands.
type (
	// Place asks for a new order.
	Place struct {
		Customer string `json:"customer" rule:"format=id"`
		Currency string `json:"currency" rule:"format=iso4217" example:"EUR"`
		Lines    []Line `json:"lines" rule:"min=1,max=100"`
	}
	// Confirm says that everything ordered is reserved.
	Confirm struct{}
	// Reject says that the order can't be fulfilled.
	Reject struct {
		Reason string `json:"reason" rule:"min=1,max=500,notblank" example:"changed my mind"`
	}
	// Cancel calls the order off.
	Cancel struct {
		Reason string `json:"reason" rule:"min=1,max=500,notblank" example:"changed my mind"`
	}
	// Complete says that what was ordered was handed over.
	Complete struct{}
)

func (Place) CommandName() string    { return "place-order" }
func (Confirm) CommandName() string  { return "confirm-order" }
func (Reject) CommandName() string   { return "reject-order" }
func (Cancel) CommandName() string   { return "cancel-order" }
func (Complete) CommandName() string { return "complete-order" }

func placed(_ State, _ PlacedEvent) State { return State{Status: Placed} }

func confirmed(s State, _ ConfirmedEvent) State { s.Status = Confirmed; return s }

func rejected(s State, _ RejectedEvent) State { s.Status = Rejected; return s }

func cancelled(s State, _ CancelledEvent) State { s.Status = Cancelled; return s }

func completed(s State, _ CompletedEvent) State { s.Status = Completed; return s }

func place(s State, c Place) aggregate.Decision {
	if s.Status != "" {
		return aggregate.Reject("order-already-exists", "this order exists already")
	}
	if _, ok := Total(c.Lines); !ok {
		return aggregate.Reject("order-too-large", "the order's total is too large")
	}
	return aggregate.Emit(PlacedEvent{c.Customer, c.Currency, c.Lines})
}

// MaxTotal is the largest total of an order, in minor units. It keeps sums over
// orders far from the end of int64.
const MaxTotal = 1_000_000_000_000_000

// Total is the sum of the lines in minor units; false if it is over MaxTotal.
func Total(lines []Line) (int64, bool) {
	var total int64
	for _, l := range lines {
		if l.Quantity > 0 && l.Price > (MaxTotal-total)/l.Quantity {
			return 0, false
		}
		total += l.Quantity * l.Price
	}
	return total, true
}

// Amount is Total of lines that were accepted. Like all checked arithmetic it
// panics beyond int64, which parks the order in a view or a process.
func Amount(lines []Line) (total int64) {
	for _, l := range lines {
		total = events.Add(total, events.Multiply(l.Quantity, l.Price))
	}
	return total
}

func confirm(s State, _ Confirm) aggregate.Decision {
	return s.move(Confirmed, ConfirmedEvent{}, Placed)
}

func reject(s State, c Reject) aggregate.Decision {
	return s.move(Rejected, RejectedEvent{c.Reason}, Placed)
}

func cancel(s State, c Cancel) aggregate.Decision {
	return s.move(Cancelled, CancelledEvent{c.Reason}, Placed, Confirmed)
}

func complete(s State, _ Complete) aggregate.Decision {
	return s.move(Completed, CompletedEvent{}, Confirmed)
}

// move emits e if the order may change to status, which it may from any of the
// given ones; being there already is nothing to do.
func (s State) move(to Status, e events.Data, from ...Status) aggregate.Decision {
	if s.Status == "" {
		return aggregate.Reject("order-not-found", "there is no such order")
	}
	if s.Status == to {
		return aggregate.Nothing()
	}
	for _, f := range from {
		if s.Status == f {
			return aggregate.Emit(e)
		}
	}
	return aggregate.Reject("order-"+string(s.Status), "the order is "+string(s.Status)+" already")
}
