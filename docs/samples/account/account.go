package account

import (
	"strings"
	"time"

	"daybook/aggregate"
	"daybook/view"
)

//sample:begin normal-form

// uniqueEmail is the form in which addresses are unique and found.
func uniqueEmail(email string) string { return strings.ToLower(email) }

func open(s State, c Open) aggregate.Decision {
	return aggregate.Emit(Opened(c)).Claim("account-email", uniqueEmail(c.Email), "/payload/email")
}

var Accounts = view.New[Row]("accounts", "account").
	On(func(_ Row, e Opened, _ view.Meta) Row { return Row(e) }).
	Index("by-email", view.By("email").Fold("lower", uniqueEmail))

//sample:end

// Account is the aggregate.
//
//sample:begin keep-commands
var Account = aggregate.New[State]("account").
	KeepCommands().
	//sample:end
	Event(opened, addressInMail).
	Event(func(s State, _ Charged) State { return s }).
	Event(func(_ State, _ Closed) State { return State{} }).
	Event(func(s State, _ Paid) State { return s }).
	Command(open, aggregate.Creates()).
	//sample:begin access
	Command(charge, aggregate.Internal()).
	Command(closeAccount, aggregate.Scope("accounts:close")).
	//sample:end
	//sample:begin idempotent-for
	Command(pay, aggregate.IdempotentFor(7*24*time.Hour))
	//sample:end

func opened(_ State, _ Opened) State { return State{Open: true} }

func charge(_ State, c Charge) aggregate.Decision { return aggregate.Emit(Charged(c)) }

func closeAccount(s State, _ Close) aggregate.Decision {
	if !s.Open {
		return aggregate.Nothing()
	}
	return aggregate.Emit(Closed{})
}

func pay(_ State, c Pay) aggregate.Decision { return aggregate.Emit(Paid(c)) }

// The domain of the samples.
type (
	State struct {
		Open bool `json:"open,omitzero"`
	}
	Row struct {
		Email string `json:"email"`
	}
	Opened struct {
		Email string `json:"email"`
	}
	Open struct {
		Email string `json:"email" rule:"max=254,format=email"`
	}
	Paid struct {
		Amount int64 `json:"amount"`
	}
	Pay struct {
		Amount int64 `json:"amount" rule:"min=1"`
	}
	Charged struct {
		Amount int64 `json:"amount"`
	}
	Charge struct {
		Amount int64 `json:"amount" rule:"min=1"`
	}
	Closed struct{}
	Close  struct{}
)

func (Opened) EventName() string   { return "account-opened" }
func (Open) CommandName() string   { return "open-account" }
func (Paid) EventName() string     { return "account-paid" }
func (Pay) CommandName() string    { return "pay-account" }
func (Charged) EventName() string  { return "account-charged" }
func (Charge) CommandName() string { return "charge-account" }
func (Closed) EventName() string   { return "account-closed" }
func (Close) CommandName() string  { return "close-account" }
