package invoice

import (
	"time"

	"daybook/events"
	"daybook/view"
)

//sample:begin view

var Invoices = view.New[Row]("invoices", "invoice").
	On(func(_ Row, e Issued, m view.Meta) Row { return Row{Customer: e.Customer, IssuedAt: m.Time} }).
	On(func(r Row, _ Paid, _ view.Meta) Row { r.Paid = true; return r }).
	Index("by-customer", view.By("customer").Then("issuedAt"))

//sample:end

//sample:begin keyed

var Debtors = view.NewKeyed[Debtor, Memo]("debtors", "invoice").
	On(func(_ Memo, e Issued, _ view.Meta) Memo { return Memo{e.Customer, e.Total} }).
	On(func(m Memo, _ Paid, _ view.Meta) Memo { m.Open = 0; return m }).
	Keys(func(m Memo) []string { return []string{m.Customer} }).
	Put(func(d Debtor, _ string, m Memo) Debtor { return Debtor{d.Invoices + 1, events.Add(d.Open, m.Open)} }).
	Take(func(d Debtor, _ string, m Memo) Debtor {
		return Debtor{d.Invoices - 1, events.Subtract(d.Open, m.Open)}
	})

//sample:end

// Row is one invoice.
type Row struct {
	Customer string    `json:"customer"`
	IssuedAt time.Time `json:"issuedAt"`
	Paid     bool      `json:"paid"`
}

// Debtor is one customer with invoices, and Memo what one invoice contributes.
type (
	Debtor struct {
		Invoices int64 `json:"invoices"`
		Open     int64 `json:"open"` // minor units
	}
	Memo struct {
		Customer string `json:"customer,omitzero"`
		Open     int64  `json:"open,omitzero"`
	}
)
