package testdomain

import (
	"strings"

	"daybook/aggregate"
	"daybook/events"
	"daybook/view"
)

// Member is the aggregate of one member, who holds a unique e-mail address.
var Member = aggregate.New[MemberState]("member").
	Event(func(_ MemberState, e MemberCreated) MemberState {
		return MemberState{Exists: true, Active: true, Name: e.Name, Email: e.Email}
	}).
	Event(func(s MemberState, e MemberRenamed) MemberState { s.Name = e.Name; return s }).
	Event(func(s MemberState, e MemberEmailChanged) MemberState { s.Email = e.Email; return s }).
	Event(func(s MemberState, _ MemberDeactivated) MemberState { s.Active = false; return s }).
	Event(func(s MemberState, _ MemberReactivated) MemberState { s.Active = true; return s }).
	Command(createMember, aggregate.Creates(), aggregate.Summary("Create a member")).
	Command(func(s MemberState, c RenameMember) aggregate.Decision {
		return s.active(c.Name == s.Name, MemberRenamed(c))
	}).
	Command(changeMemberEmail).
	Command(func(s MemberState, _ DeactivateMember) aggregate.Decision {
		return change("member", s.Exists, !s.Active, MemberDeactivated{})
	}).
	Command(func(s MemberState, _ ReactivateMember) aggregate.Decision {
		return change("member", s.Exists, s.Active, MemberReactivated{})
	}).
	Command(func(s MemberState, _ CheckMember) aggregate.Decision { return s.active(true, nil) }, aggregate.Internal())

// EmailClaim is the name under which a member holds an address.
const EmailClaim = "member-email"

// MemberState is what deciding about a member needs.
type MemberState struct {
	Exists bool   `json:"exists,omitzero"`
	Active bool   `json:"active,omitzero"`
	Name   string `json:"name,omitzero"`
	Email  string `json:"email,omitzero"`
}

// Events of members. An event has the fields of its command.
type (
	MemberCreated      CreateMember
	MemberRenamed      RenameMember
	MemberEmailChanged ChangeMemberEmail
	MemberDeactivated  struct{}
	MemberReactivated  struct{}
)

func (MemberCreated) EventName() string      { return "member-created" }
func (MemberRenamed) EventName() string      { return "member-renamed" }
func (MemberEmailChanged) EventName() string { return "member-email-changed" }
func (MemberDeactivated) EventName() string  { return "member-deactivated" }
func (MemberReactivated) EventName() string  { return "member-reactivated" }

// Commands to members.
type (
	CreateMember struct {
		Name  string `json:"name" rule:"min=1,max=100,notblank"`
		Email string `json:"email" rule:"max=254,format=email"`
	}
	RenameMember struct {
		Name string `json:"name" rule:"min=1,max=100,notblank"`
	}
	ChangeMemberEmail struct {
		Email string `json:"email" rule:"max=254,format=email"`
	}
	DeactivateMember struct{}
	ReactivateMember struct{}
	CheckMember      struct{}
)

func (CreateMember) CommandName() string      { return "create-member" }
func (RenameMember) CommandName() string      { return "rename-member" }
func (ChangeMemberEmail) CommandName() string { return "change-member-email" }
func (DeactivateMember) CommandName() string  { return "deactivate-member" }
func (ReactivateMember) CommandName() string  { return "reactivate-member" }
func (CheckMember) CommandName() string       { return "check-member" }

func createMember(s MemberState, c CreateMember) aggregate.Decision {
	if s.Exists {
		return aggregate.Reject("member-already-exists", "this member exists already")
	}
	return aggregate.Emit(MemberCreated(c)).Claim(EmailClaim, strings.ToLower(c.Email), "/payload/email")
}

func changeMemberEmail(s MemberState, c ChangeMemberEmail) aggregate.Decision {
	if s.Active && c.Email != s.Email {
		return aggregate.Emit(MemberEmailChanged(c)).
			Release(EmailClaim, strings.ToLower(s.Email)).
			Claim(EmailClaim, strings.ToLower(c.Email), "/payload/email")
	}
	return s.active(true, nil)
}

func (s MemberState) active(already bool, e events.Data) aggregate.Decision {
	if s.Exists && !s.Active {
		return aggregate.Reject("member-inactive", "this member is deactivated")
	}
	return change("member", s.Exists, already, e)
}

// Members is the view "members": one row per member, found by address whatever its
// case since version 2.
var Members = members(view.By("email").Fold("lower", strings.ToLower)).
	Version(2).
	Previous(members(view.By("email")))

func members(byEmail view.IndexBy) *view.RowView[MemberRow] {
	return view.New[MemberRow]("members", "member").
		On(func(_ MemberRow, e MemberCreated, _ view.Meta) MemberRow { return MemberRow{e.Name, e.Email, true} }).
		On(func(r MemberRow, e MemberRenamed, _ view.Meta) MemberRow { r.Name = e.Name; return r }).
		On(func(r MemberRow, e MemberEmailChanged, _ view.Meta) MemberRow { r.Email = e.Email; return r }).
		On(func(r MemberRow, _ MemberDeactivated, _ view.Meta) MemberRow { r.Active = false; return r }).
		On(func(r MemberRow, _ MemberReactivated, _ view.Meta) MemberRow { r.Active = true; return r }).
		Index("by-email", byEmail).
		Index("by-active", view.By("active").Then("name")).
		Index("by-name", view.All().Then("name"))
}

// MemberRow is one member.
type MemberRow struct {
	Name   string `json:"name"`
	Email  string `json:"email"`
	Active bool   `json:"active"`
}
