package user

import (
	"strings"

	"daybook/aggregate"
	"daybook/events"
)

// User is the aggregate of one customer.
var User = aggregate.New[State]("user").
	Event(created).
	Event(renamed).
	Event(emailChanged).
	Event(deactivated).
	Event(reactivated).
	Command(create, aggregate.Creates(), aggregate.Summary("Create a user")).
	Command(rename, aggregate.Summary("Give a user another name")).
	Command(changeEmail, aggregate.Summary("Give a user another e-mail address")).
	Command(deactivate, aggregate.Summary("Deactivate a user")).
	Command(reactivate, aggregate.Summary("Reactivate a deactivated user")).
	Command(check, aggregate.Internal(), aggregate.Summary("Accept, and change nothing, if the user may order"))

// EmailClaim is the name under which a user holds its e-mail address, also while
// it is deactivated.
const EmailClaim = "user-email"

// State is what deciding about a user needs.
type State struct {
	Exists bool   `json:"exists,omitzero"`
	Active bool   `json:"active,omitzero"`
	Name   string `json:"name,omitzero"`
	Email  string `json:"email,omitzero"`
}

// Events.
type (
	// Created: a user was created, active.
	Created struct {
		Name  string `json:"name"`
		Email string `json:"email"`
	}
	// Renamed: the user has another name.
	Renamed struct {
		Name string `json:"name"`
	}
	// EmailChanged: the user has another e-mail address.
	EmailChanged struct {
		Email string `json:"email"`
	}
	// Deactivated: the user may not order any more.
	Deactivated struct{}
	// Reactivated: the user may order again.
	Reactivated struct{}
)

func (Created) EventName() string      { return "user-created" }
func (Renamed) EventName() string      { return "user-renamed" }
func (EmailChanged) EventName() string { return "user-email-changed" }
func (Deactivated) EventName() string  { return "user-deactivated" }
func (Reactivated) EventName() string  { return "user-reactivated" }

// Commands.
type (
	// Create asks for a new user.
	Create struct {
		Name  string `json:"name" rule:"min=1,max=100,notblank" example:"Ada"`
		Email string `json:"email" rule:"max=254,format=email" example:"ada@example.com"`
	}
	// Rename asks for another name.
	Rename struct {
		Name string `json:"name" rule:"min=1,max=100,notblank" example:"Ada"`
	}
	// ChangeEmail asks for another e-mail address.
	ChangeEmail struct {
		Email string `json:"email" rule:"max=254,format=email" example:"ada@example.com"`
	}
	// Deactivate asks for a user to be deactivated.
	Deactivate struct{}
	// Reactivate asks for a deactivated user to be active again.
	Reactivate struct{}
	// Check asks whether the user may order. It is never entered: the answer holds
	// for the moment.
	Check struct{}
)

func (Create) CommandName() string      { return "create-user" }
func (Rename) CommandName() string      { return "rename-user" }
func (ChangeEmail) CommandName() string { return "change-user-email" }
func (Deactivate) CommandName() string  { return "deactivate-user" }
func (Reactivate) CommandName() string  { return "reactivate-user" }
func (Check) CommandName() string       { return "check-user" }

func created(_ State, e Created) State {
	return State{Exists: true, Active: true, Name: e.Name, Email: e.Email}
}

func renamed(s State, e Renamed) State { s.Name = e.Name; return s }

func emailChanged(s State, e EmailChanged) State { s.Email = e.Email; return s }

func deactivated(s State, _ Deactivated) State { s.Active = false; return s }

func reactivated(s State, _ Reactivated) State { s.Active = true; return s }

func create(s State, c Create) aggregate.Decision {
	if s.Exists {
		return aggregate.Reject("user-already-exists", "this user exists already")
	}
	return aggregate.Emit(Created{Name: c.Name, Email: c.Email}).
		Claim(EmailClaim, uniqueEmail(c.Email), "/payload/email")
}

func rename(s State, c Rename) aggregate.Decision {
	return onActive(s, c.Name == s.Name, Renamed{Name: c.Name})
}

func changeEmail(s State, c ChangeEmail) aggregate.Decision {
	if s.Active && c.Email != s.Email {
		return aggregate.Emit(EmailChanged{Email: c.Email}).
			Release(EmailClaim, uniqueEmail(s.Email)).
			Claim(EmailClaim, uniqueEmail(c.Email), "/payload/email")
	}
	return onActive(s, true, nil)
}

// uniqueEmail is the form in which addresses are unique: letters that differ in
// case only make no other address, and users are found by it.
func uniqueEmail(email string) string { return strings.ToLower(email) }

func deactivate(s State, _ Deactivate) aggregate.Decision {
	return onExisting(s, !s.Active, Deactivated{})
}

func reactivate(s State, _ Reactivate) aggregate.Decision {
	return onExisting(s, s.Active, Reactivated{})
}

func check(s State, _ Check) aggregate.Decision { return onActive(s, true, nil) }

// onExisting emits e for a user that exists, unless what it says is so already.
func onExisting(s State, already bool, e events.Data) aggregate.Decision {
	switch {
	case !s.Exists:
		return aggregate.Reject("user-not-found", "there is no such user")
	case already:
		return aggregate.Nothing()
	}
	return aggregate.Emit(e)
}

// onActive is onExisting for what a deactivated user can't do.
func onActive(s State, already bool, e events.Data) aggregate.Decision {
	if s.Exists && !s.Active {
		return aggregate.Reject("user-inactive", "this user is deactivated")
	}
	return onExisting(s, already, e)
}
