package process

import (
	"slices"
	"time"

	"daybook/events"
)

// Reaction is what a manager does because of an event: steps, one after another.
// The zero Reaction is nothing. It is a value that says what is to be done, and
// does nothing by itself.
type Reaction struct {
	steps []Step
}

// Do returns a reaction of the given steps. Each begins when the one before it is
// done. On a transient failure all are done again; the ids of
// commands and timers are the same then.
func Do(steps ...Step) Reaction { return Reaction{slices.Clone(steps)} }

// Step is a part of a reaction: what Send, All, After and Cancel return.
type Step interface {
	step()
}

// Command is a command that a manager sends. It is a value; its methods return a
// changed copy.
type Command struct {
	name, id string
	payload  any
	unless   []events.Code
}

// Send returns the step of sending a command, a value of its declared type, to the
// aggregate of the given id. An empty id is for a command that creates: the id is
// then derived from the command's own.
//
// A rejection that Unless does not name is a fault: it parks the stream.
func Send(id string, command events.Payload) Command {
	return Command{name: command.CommandName(), id: id, payload: command}
}

// Unless names codes of rejections that are fine: what the command asks for is
// not needed any more. They count as accepted. Besides the domain's own codes it
// may be events.CodeAlreadyTaken.
func (c Command) Unless(codes ...events.Code) Command {
	c.unless = append(slices.Clip(c.unless), codes...)
	return c
}

func (Command) step() {}

// Group is several commands that are sent side by side. It is a value; its
// methods return a changed copy.
type Group struct {
	commands  []Command
	then      []Step
	otherwise func(Rejection) Reaction
}

// All returns the step of sending commands side by side, within a bound. It is
// done when all of them have an answer.
func All(commands ...Command) Group { return Group{commands: slices.Clone(commands)} }

// Then adds steps that follow when all commands are accepted.
func (g Group) Then(steps ...Step) Group {
	g.then = append(slices.Clip(g.then), steps...)
	return g
}

// Else says what follows instead when a command is rejected with a code that its
// Unless does not name: of several, the first in the order of the commands. All
// commands have their answers by then. The rejection is kept in the ledger
// before that, so that a repeat takes the same branch, whatever has changed.
//
// Let both branches end in a command to one stream that decides ("confirm-order",
// "reject-order"), and undo on the event of that decision: then two runners of
// one commit, which may get different answers, still reach the same outcome.
func (g Group) Else(react func(Rejection) Reaction) Group {
	g.otherwise = react
	return g
}

func (Group) step() {}

// setTimer and cancelTimer are the steps of After and Cancel.
type (
	setTimer struct {
		name    string
		after   time.Duration
		command Command
	}
	cancelTimer struct{ name string }
)

// After returns the step of setting a timer: the command is sent d after the
// event was accepted. A stream has one timer of a name for each manager: setting
// it again moves it. The command's outcome is not waited for, so its Unless
// says nothing. A timer may fire although it was just cancelled, or be set once
// more by a runner that is late: the aggregate has to reject what is no longer
// right.
func After(name string, d time.Duration, c Command) Step { return setTimer{name, d, c} }

// Cancel returns the step of cancelling the stream's timer of that name. One that
// is not there is fine.
func Cancel(name string) Step { return cancelTimer{name} }

func (setTimer) step()    {}
func (cancelTimer) step() {}

// handles reports whether the commit has an event that the reactor handles.
func (d *def) handles(c *events.Commit) bool {
	for _, e := range c.Events {
		if d.handled(e.Name) {
			return true
		}
	}
	return false
}

// reactsTo reports whether the commit may have to be reacted to.
func (d *def) reactsTo(c *events.Commit) bool { return !c.Time.Before(d.since) && d.handles(c) }
