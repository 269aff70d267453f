package user

import (
	"daybook/aggregate"
	"daybook/view"
)

//sample:begin aggregate

var User = aggregate.New[State]("user").
	Event(created).
	Event(renamed).
	Command(create, aggregate.Creates()).
	Command(rename)

func (Created) EventName() string  { return "user-created" } // stored, whatever the type is called
func (Create) CommandName() string { return "create-user" }

func created(_ State, e Created) State { return State{Exists: true, Name: e.Name, Email: e.Email} }

func create(s State, c Create) aggregate.Decision {
	if s.Exists {
		return aggregate.Reject("user-already-exists", "this user exists already")
	}
	return aggregate.Emit(Created{Name: c.Name, Email: c.Email})
}

//sample:end

//sample:begin view

var Users = view.New[Row]("users", "user").
	On(func(_ Row, e Created, _ view.Meta) Row { return Row{e.Name, e.Email, true} }).
	On(func(r Row, e Renamed, _ view.Meta) Row { r.Name = e.Name; return r }).
	Index("by-name", view.All().Then("name"))

//sample:end

// State is what deciding about a user needs.
type State struct {
	Exists bool   `json:"exists,omitzero"`
	Name   string `json:"name,omitzero"`
	Email  string `json:"email,omitzero"`
}

// Row is one user.
type Row struct {
	Name   string `json:"name"`
	Email  string `json:"email"`
	Active bool   `json:"active"`
}

// The events and commands of a user.
type (
	Created struct {
		Name  string `json:"name"`
		Email string `json:"email"`
	}
	Renamed struct {
		Name string `json:"name"`
	}
	Create struct {
		Name  string `json:"name" rule:"min=1,max=100,notblank"`
		Email string `json:"email" rule:"max=254,format=email"`
	}
	Rename struct {
		Name string `json:"name" rule:"min=1,max=100,notblank"`
	}
)

func (Renamed) EventName() string  { return "user-renamed" }
func (Rename) CommandName() string { return "rename-user" }

func renamed(s State, e Renamed) State { s.Name = e.Name; return s }

func rename(s State, c Rename) aggregate.Decision {
	if !s.Exists {
		return aggregate.Reject("user-not-found", "there is no such user")
	}
	return aggregate.Emit(Renamed(c))
}
