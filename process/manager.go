package process

import (
	"time"

	"daybook/events"
)

// Manager declares a process manager: how it reacts to events of the streams that
// it follows, and what it remembers of each stream, a value of type S. It is
// built once, by New and a chain of calls, and is then safe for concurrent use.
//
// Handlers are pure: time and ids arrive as data. They are called again when a
// commit is retried, and may be called for commits that came long ago. What a
// process needs to know of several streams belongs in an aggregate of its own,
// which the manager sends commands to and whose events it follows.
type Manager[S any] struct {
	*def
	machine machine[S]
}

// New begins the declaration of a process manager that follows the streams of the
// given aggregates. Its name is stored: entries of the ledger and ids of commands
// are made of it. Faults of a declaration are collected and returned by Err.
//
// S is what the manager remembers of a stream, as JSON, struct{} for nothing. The
// zero S is the memory before the first event.
func New[S any](name string, aggregates ...string) *Manager[S] {
	m := machine[S]{}
	return &Manager[S]{def: newDef(KindManager, name, aggregates, m), machine: m}
}

// On declares what happens because of an event: the memory after it, and the
// reaction, which may be the zero Reaction.
func (m *Manager[S]) On[E events.Data](react func(memory S, e E, m Meta) (S, Reaction)) *Manager[S] {
	m.remembers = true
	handle(m.def, m.machine, react == nil, func(s S, e E, meta Meta) (S, []Step) {
		s, r := react(s, e, meta)
		return s, r.steps
	})
	return m
}

// React is On for a reaction that needs no memory and leaves it as it is.
func (m *Manager[S]) React[E events.Data](react func(e E, m Meta) Reaction) *Manager[S] {
	handle(m.def, m.machine, react == nil, func(s S, e E, meta Meta) (S, []Step) { return s, react(e, meta).steps })
	return m
}

// Since says that commits accepted before t are history: they are remembered, but
// not reacted to. Without it a manager that is added to a running system reacts
// to everything that ever happened on each stream that something happens on.
func (m *Manager[S]) Since(t time.Time) *Manager[S] {
	m.since = t
	return m
}

// MemorySchema sets the version of the memory, 1 unless set. Raise it when S or
// how it is folded changes meaning: the memory of a stream is then folded again
// from its first commit, without reactions, when the stream's next commit comes.
func (m *Manager[S]) MemorySchema(version int) *Manager[S] {
	m.setSchema(version)
	return m
}

func (d *def) setSchema(version int) {
	if version < 1 {
		d.fail("memory schema version %d is below 1", version)
		return
	}
	d.schema = version
}
