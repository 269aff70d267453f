package aggregate

import (
	"daybook/events"
)

// MaxStreams is the largest number of streams that one command is decided over.
const MaxStreams = 100

// Across declares a command that is decided over several streams: the one that
// the command's id names, and those that others names for its payload, of any
// aggregates of the handler, MaxStreams in all. They are loaded together; what
// the decision comes to on each (see Decision.On) is appended to all or none;
// and a stream that it only looked at must not have moved meanwhile. Streams are named
// without a tenant: all are of the tenant of the command.
//
// A commit of several streams costs twice the write units of each, and 2 for
// each stream that is only looked at.
func (d *Definition[S]) Across[C events.Payload](others func(C) []events.Stream, decide func(S, C, *Others) Decision, opts ...CommandOption) *Definition[S] {
	return declare(d, others, func(s S, c C, _ Meta, o *Others) Decision { return decide(s, c, o) }, opts)
}

// Others holds the states of all streams that a command is decided over. It is
// valid while the decision runs.
type Others struct {
	meta   Meta
	states map[events.Stream]heldState
	err    error
}

type heldState struct {
	value   any // of the aggregate's state type
	version int64
}

// Meta returns what the decision may know besides states and payload.
func (o *Others) Meta() Meta { return o.meta }

// Version returns the number of events in a stream of the command.
func (o *Others) Version(stream events.Stream) int64 { return o.states[stream].version }

// State returns the state of a stream of the command, the zero value for one
// that does not exist. S is the state type of the stream's aggregate; another
// type, or a stream that the command does not name, fails the command with
// internal, since it is a defect.
func (o *Others) State[S any](stream events.Stream) S {
	held, ok := o.states[stream]
	if !ok {
		o.fault(events.Errorf(events.CodeInternal, "the command is not decided over stream %q", stream))
	}
	s, typed := held.value.(S)
	if ok && !typed {
		o.fault(events.Errorf(events.CodeInternal, "the state of %q is %T, not %T", stream, held.value, s))
	}
	return s
}

func (o *Others) fault(err error) {
	if o.err == nil {
		o.err = err
	}
}
