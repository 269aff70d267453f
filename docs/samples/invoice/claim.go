package invoice

import (
	"strings"

	"daybook/aggregate"
)

// Account is a customer with a unique e-mail address.
var Account = aggregate.New[Open]("account").
	Event(func(_ Open, _ Opened) Open { return Open{true} }).
	Command(open)

// Open says whether an account is open.
type Open struct {
	Open bool `json:"open,omitzero"`
}

// Opened is the event, OpenAccount the command.
type (
	Opened struct {
		Name  string `json:"name"`
		Email string `json:"email"`
	}
	OpenAccount struct {
		Name  string `json:"name" rule:"min=1,max=100"`
		Email string `json:"email" rule:"max=254,format=email"`
	}
)

func (Opened) EventName() string        { return "account-opened" }
func (OpenAccount) CommandName() string { return "open-account" }

func open(s Open, c OpenAccount) aggregate.Decision {
	if s.Open {
		return aggregate.Reject("account-already-open", "this account is open already")
	}
	//sample:begin claim
	return aggregate.Emit(Opened{c.Name, c.Email}).
		Claim("account-email", strings.ToLower(c.Email), "/payload/email")
	//sample:end
}
