package howto

import (
	"time"

	"daybook/process"
)

//sample:begin saga

// Collection asks for the payment of each order and gives up after three days.
var Collection = process.New[struct{}]("collection", "order").
	Sends(RequestPayment{}, WithdrawPayment{}, Expire{}).
	React(func(e Placed, m process.Meta) process.Reaction {
		return process.Do(
			process.After("payment", 3*24*time.Hour, process.Send(m.ID(), Expire{})),
			process.Send(m.ID(), RequestPayment{Cents: e.Cents}))
	}).
	React(func(_ Paid, _ process.Meta) process.Reaction { return process.Do(process.Cancel("payment")) }).
	React(func(_ Cancelled, m process.Meta) process.Reaction { // undo what was asked for
		return process.Do(process.Cancel("payment"), process.Send(m.ID(), WithdrawPayment{}))
	})

// Receipts tells the order that its payment has arrived.
var Receipts = process.New[struct{}]("receipts", "payment").
	Sends(MarkPaid{}).
	React(func(_ Received, m process.Meta) process.Reaction {
		return process.Do(process.Send(m.ID(), MarkPaid{}).Unless("order-not-open"))
	})

	//sample:end
