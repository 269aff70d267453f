package person

import (
	"strings"

	"daybook/aggregate"
	"daybook/personal"
)

//sample:begin mark
type Registered struct {
	Name  personal.Value[string] `json:"name"`
	Email personal.Value[string] `json:"email"`
}

//sample:end

func (Registered) EventName() string { return "person-registered" }

// Register asks for a person to be registered.
type Register struct {
	Name  personal.Value[string] `json:"name" rule:"min=1,max=100"`
	Email personal.Value[string] `json:"email" rule:"format=email"`
}

func (Register) CommandName() string { return "register-person" }

// Forgotten: the person is gone.
type Forgotten struct{}

func (Forgotten) EventName() string { return "person-forgotten" }

// Forget is what daybook erase sends.
type Forget struct{}

func (Forget) CommandName() string { return "forget-person" }

// State is what deciding about a person needs.
type State struct {
	Exists bool                   `json:"exists,omitzero"`
	Email  personal.Value[string] `json:"email,omitzero"`
}

//sample:begin aggregate
var Person = aggregate.New[State]("person").
	Event(func(_ State, e Registered) State { return State{Exists: true, Email: e.Email} }).
	Event(func(State, Forgotten) State { return State{} }).
	Command(register, aggregate.Creates()).
	Command(forget, aggregate.Internal(), aggregate.Erases())

func register(s State, c Register) aggregate.Decision {
	if s.Exists {
		return aggregate.Reject("person-exists", "this person exists already")
	}
	return aggregate.Emit(Registered(c)).ClaimPersonal("email", strings.ToLower(c.Email.Reveal()), "/payload/email")
}

// forget is sent by daybook erase.
func forget(s State, _ Forget) aggregate.Decision {
	if !s.Exists {
		return aggregate.Nothing()
	}
	return aggregate.Emit(Forgotten{}).ReleasePersonal("email", strings.ToLower(s.Email.Reveal()))
}

//sample:end
