package howto

import (
	"strings"
	"time"

	"daybook/aggregate"
)

//sample:begin takeover

// TakeOver begins a customer with a row of the old table.
type TakeOver struct {
	Name  string    `json:"name" rule:"max=200"`
	Email string    `json:"email" rule:"max=254"`
	Since time.Time `json:"since"` // when the old system made the row
}

func takeOver(s CustomerState, c TakeOver) aggregate.Decision {
	switch {
	case s.Exists && sameRow(s.Taken, c):
		return aggregate.Nothing() // the script ran before
	case s.Exists:
		return aggregate.Reject("customer-already-exists", "this customer was taken over with other data")
	}
	return aggregate.Emit(TakenOver(c)).Claim("customer-email", strings.ToLower(c.Email), "/payload/email")
}

//sample:end

// sameRow ignores the time zone in which the row's time is written.
func sameRow(a, b TakeOver) bool {
	same := a.Since.Equal(b.Since)
	a.Since, b.Since = time.Time{}, time.Time{}
	return same && a == b
}

// Customer is an aggregate whose first streams come from an older system.
var Customer = aggregate.New[CustomerState]("customer").
	Event(func(_ CustomerState, e TakenOver) CustomerState { return CustomerState{true, TakeOver(e)} }).
	Command(takeOver, aggregate.Scope("customers:take-over"))

// CustomerState is what deciding about a customer needs.
type CustomerState struct {
	Exists bool     `json:"exists,omitzero"`
	Taken  TakeOver `json:"taken,omitzero"`
}

// TakenOver is the opening event.
type TakenOver struct {
	Name  string    `json:"name"`
	Email string    `json:"email"`
	Since time.Time `json:"since"`
}

func (TakenOver) EventName() string  { return "customer-taken-over" }
func (TakeOver) CommandName() string { return "take-over-customer" }
