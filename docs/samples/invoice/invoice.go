package invoice

import (
	"strings"

	"daybook/aggregate"
)

//sample:begin declaration

var Invoice = aggregate.New[State]("invoice").
	Event(issued).
	Event(paid).
	Command(issue, aggregate.Creates(), aggregate.Summary("Issue an invoice")).
	Command(pay)

func (Issued) EventName() string  { return "invoice-issued" }
func (Paid) EventName() string    { return "invoice-paid" }
func (Issue) CommandName() string { return "issue-invoice" }
func (Pay) CommandName() string   { return "pay-invoice" }

//sample:end

//sample:begin rules

type Issue struct {
	Customer string `json:"customer" rule:"min=1,max=128"`
	Email    string `json:"email" rule:"max=254,format=email"`
	Lines    []Line `json:"lines" rule:"min=1,max=100"`
	Note     string `json:"note,omitzero" rule:"max=500"`
}

//sample:end

// State is what deciding about an invoice needs.
type State struct {
	Total int64 `json:"total,omitzero"` // minor units
	Paid  bool  `json:"paid,omitzero"`
}

// Line is one article of an invoice.
type Line struct {
	Article string `json:"article" rule:"min=1,max=128"`
	Price   int64  `json:"price" rule:"min=0,max=1000000000"` // minor units
}

// Pay is the command that an invoice be marked as paid.
type Pay struct {
	Amount int64 `json:"amount" rule:"min=1"` // minor units
}

// The events of an invoice.
type (
	Issued struct {
		Customer string `json:"customer"`
		Email    string `json:"email"`
		Total    int64  `json:"total"` // minor units
	}
	Paid struct {
		Amount int64 `json:"amount"` // minor units
	}
)

func issued(_ State, e Issued) State { return State{Total: e.Total} }

func paid(s State, _ Paid) State { s.Paid = true; return s }

func issue(s State, c Issue) aggregate.Decision {
	if s.Total > 0 {
		return aggregate.Reject("invoice-already-exists", "this invoice exists already")
	}
	total := int64(0) // 100 lines at most, so that it can't overflow
	for _, l := range c.Lines {
		total += l.Price
	}
	return aggregate.Emit(Issued{c.Customer, strings.ToLower(c.Email), total})
}

func pay(s State, c Pay) aggregate.Decision {
	switch {
	case s.Paid:
		return aggregate.Nothing()
	case c.Amount != s.Total:
		return aggregate.Reject("wrong-amount", "the amount is not the invoice's")
	}
	return aggregate.Emit(Paid(c))
}
