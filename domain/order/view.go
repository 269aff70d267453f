package order

import (
	"time"

	"daybook/view"
)

// Orders is the view "orders": one row an order.
var Orders = view.New[Row]("orders", "order").
	On(func(_ Row, e PlacedEvent, m view.Meta) Row {
		return Row{Customer: e.Customer, Status: Placed, Total: Amount(e.Lines), Currency: e.Currency, Lines: e.Lines, PlacedAt: m.Time}
	}).
	On(func(r Row, _ ConfirmedEvent, _ view.Meta) Row { r.Status = Confirmed; return r }).
	On(func(r Row, _ RejectedEvent, _ view.Meta) Row { r.Status = Rejected; return r }).
	On(func(r Row, _ CancelledEvent, _ view.Meta) Row { r.Status = Cancelled; return r }).
	On(func(r Row, _ CompletedEvent, _ view.Meta) Row { r.Status = Completed; return r }).
	Index("by-customer", view.By("customer").Then("placedAt")).
	Index("by-status", view.By("status").Then("placedAt"))

// Row is one order. Its id and version come with it.
type Row struct {
	Customer string    `json:"customer" example:"7"`
	Status   Status    `json:"status" example:"placed"`
	Total    int64     `json:"total" example:"7980"` // minor units
	Currency string    `json:"currency" example:"EUR"`
	Lines    []Line    `json:"lines"`
	PlacedAt time.Time `json:"placedAt"`
}
