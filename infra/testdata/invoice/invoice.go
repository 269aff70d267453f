// Package invoice is what a team would add: an aggregate and a view with an
// index. The test of the CDK app puts it into a copy of the repository.
package invoice

import (
	"daybook/aggregate"
	"daybook/view"
)

// Invoice is the aggregate of one invoice.
var Invoice = aggregate.New[State]("invoice").
	Event(func(s State, _ Issued) State { s.Issued = true; return s }).
	Command(issue, aggregate.Creates(), aggregate.Summary("Issue an invoice"))

// State is what deciding about an invoice needs.
type State struct {
	Issued bool `json:"issued,omitzero"`
}

// Issued: a customer was sent an invoice.
type Issued struct {
	Customer string `json:"customer"`
	Total    int64  `json:"total"` // minor units
}

// EventName is the name under which the event is stored.
func (Issued) EventName() string { return "invoice-issued" }

// Issue asks for a new invoice.
type Issue struct {
	Customer string `json:"customer" rule:"min=1,max=128"`
	Total    int64  `json:"total" rule:"min=1"`
}

// CommandName is the name under which the command is sent.
func (Issue) CommandName() string { return "issue-invoice" }

func issue(s State, c Issue) aggregate.Decision {
	if s.Issued {
		return aggregate.Reject("invoice-already-issued", "this invoice was issued already")
	}
	return aggregate.Emit(Issued{Customer: c.Customer, Total: c.Total})
}

// Invoices is the view "invoices", the greatest of a customer first.
var Invoices = view.New[Row]("invoices", "invoice").
	On(func(_ Row, e Issued, _ view.Meta) Row { return Row{Customer: e.Customer, Total: e.Total} }).
	Index("by-customer", view.By("customer").Then("total"))

// Row is one invoice.
type Row struct {
	Customer string `json:"customer"`
	Total    int64  `json:"total"`
}
