package howto

import (
	"daybook/aggregate"
	"daybook/view"
)

//sample:begin order

// Order is paid or cancelled, whichever comes first.
var Order = aggregate.New[OrderState]("order").
	Event(func(_ OrderState, _ Placed) OrderState { return OrderState{Status: "placed"} }).
	Event(func(_ OrderState, _ Paid) OrderState { return OrderState{Status: "paid"} }).
	Event(func(_ OrderState, _ Cancelled) OrderState { return OrderState{Status: "cancelled"} }).
	Command(place, aggregate.Creates()).
	Command(markPaid, aggregate.Internal()).           // sent by a process manager
	Command(cancel, aggregate.Scope("orders:cancel")). // sent by support staff
	Command(expire, aggregate.Internal())              // sent by a timer

func expire(s OrderState, _ Expire) aggregate.Decision {
	if s.Status != "placed" {
		return aggregate.Nothing() // paid or cancelled in time
	}
	return aggregate.Emit(Cancelled{Reason: "not paid in time"})
}

//sample:end

func place(s OrderState, c Place) aggregate.Decision {
	if s.Status != "" {
		return aggregate.Reject("order-already-exists", "this order exists already")
	}
	return aggregate.Emit(Placed(c))
}

func markPaid(s OrderState, _ MarkPaid) aggregate.Decision {
	switch s.Status {
	case "paid":
		return aggregate.Nothing()
	case "placed":
		return aggregate.Emit(Paid{})
	}
	return aggregate.Reject("order-not-open", "this order was cancelled or never placed")
}

func cancel(s OrderState, c Cancel) aggregate.Decision {
	if s.Status != "placed" {
		return aggregate.Reject("order-not-open", "this order is not waiting for its payment")
	}
	return aggregate.Emit(Cancelled(c))
}

// Payment is a payment that an order asked for; it has the order's id.
var Payment = aggregate.New[PaymentState]("payment").
	Event(func(s PaymentState, _ Requested) PaymentState { s.Requested = true; return s }).
	Event(func(s PaymentState, _ Received) PaymentState { s.Received = true; return s }).
	Event(func(s PaymentState, _ Withdrawn) PaymentState { s.Withdrawn = true; return s }).
	Command(requestPayment, aggregate.Internal()).
	Command(receivePayment, aggregate.Scope("payments:receive")).
	Command(withdrawPayment, aggregate.Internal())

func requestPayment(s PaymentState, c RequestPayment) aggregate.Decision {
	if s != (PaymentState{}) {
		return aggregate.Nothing()
	}
	return aggregate.Emit(Requested(c))
}

func receivePayment(s PaymentState, _ ReceivePayment) aggregate.Decision {
	if !s.Requested || s.Withdrawn {
		return aggregate.Reject("payment-not-requested", "nobody waits for this payment")
	}
	if s.Received {
		return aggregate.Nothing()
	}
	return aggregate.Emit(Received{})
}

func withdrawPayment(s PaymentState, _ WithdrawPayment) aggregate.Decision {
	if s.Withdrawn {
		return aggregate.Nothing()
	}
	return aggregate.Emit(Withdrawn{}) // also where none was requested: a late request finds it
}

// Orders is the view of orders.
var Orders = view.New[OrderRow]("orders", "order").
	On(func(_ OrderRow, e Placed, _ view.Meta) OrderRow { return OrderRow{e.Cents, "placed"} }).
	On(func(r OrderRow, _ Paid, _ view.Meta) OrderRow { r.Status = "paid"; return r }).
	On(func(r OrderRow, _ Cancelled, _ view.Meta) OrderRow { r.Status = "cancelled"; return r })

// States, rows, events and commands.
type (
	OrderState struct {
		Status string `json:"status,omitzero"`
	}
	PaymentState struct {
		Requested bool `json:"requested,omitzero"`
		Received  bool `json:"received,omitzero"`
		Withdrawn bool `json:"withdrawn,omitzero"`
	}
	OrderRow struct {
		Cents  int64  `json:"cents"`
		Status string `json:"status"`
	}
	Placed struct {
		Cents int64 `json:"cents"`
	}
	Paid      struct{}
	Cancelled struct {
		Reason string `json:"reason"`
	}
	Place struct {
		Cents int64 `json:"cents" rule:"min=1,max=100000000"`
	}
	MarkPaid struct{}
	Cancel   struct {
		Reason string `json:"reason" rule:"min=1,max=100"`
	}
	Expire    struct{}
	Requested struct {
		Cents int64 `json:"cents"`
	}
	Received       struct{}
	Withdrawn      struct{}
	RequestPayment struct {
		Cents int64 `json:"cents" rule:"min=1"`
	}
	ReceivePayment  struct{}
	WithdrawPayment struct{}
)

func (Placed) EventName() string            { return "order-placed" }
func (Paid) EventName() string              { return "order-paid" }
func (Cancelled) EventName() string         { return "order-cancelled" }
func (Requested) EventName() string         { return "payment-requested" }
func (Received) EventName() string          { return "payment-received" }
func (Withdrawn) EventName() string         { return "payment-withdrawn" }
func (Place) CommandName() string           { return "place-order" }
func (MarkPaid) CommandName() string        { return "mark-order-paid" }
func (Cancel) CommandName() string          { return "cancel-order" }
func (Expire) CommandName() string          { return "expire-order" }
func (RequestPayment) CommandName() string  { return "request-payment" }
func (ReceivePayment) CommandName() string  { return "receive-payment" }
func (WithdrawPayment) CommandName() string { return "withdraw-payment" }
