package process

import (
	"reflect"
	"time"

	"daybook/events"
)

// Manager declares a process manager: how it reacts to events of the streams that
// it follows, and what it remembers of each stream, a value of type S. It is
// built once, by New and a chain of calls, and is then safe for concurrent use.
//
// Handlers are pure: time and ids arrive as data. They are called again when a
// commit is retried, and may be called for commits that came long ago. Knowledge
// that a process needs of several streams belongs in an aggregate of its own,
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

// Sends declares the commands that the manager sends, each by a value of its type:
// Sends(product.ReserveStock{}, order.Confirm{}). Sending another is a fault, which a
// test finds; App.Check verifies that an aggregate declares each of them and can take
// its payload.
func (m *Manager[S]) Sends(commands ...events.Payload) *Manager[S] {
	for i, c := range commands {
		t := payloadType(c)
		if t == nil {
			m.fail("entry %d of Sends is nil; remove it", i)
			continue
		}
		name := c.CommandName()
		if err := events.ValidateName("command", name); err != nil {
			m.fail("entry %d of Sends, a %v: %w", i, t, err)
		}
		if m.sendTypes[name] != nil {
			m.fail("command %q is listed twice in Sends; remove one", name)
		}
		m.sendTypes[name] = t
		m.sends = append(m.sends, c)
	}
	return m
}

// payloadType is the type of a command's value, without a pointer; nil for none.
func payloadType(command any) reflect.Type {
	v := reflect.ValueOf(command)
	switch {
	case !v.IsValid(), v.Kind() == reflect.Pointer && v.IsNil():
		return nil
	case v.Kind() == reflect.Pointer:
		return v.Type().Elem()
	}
	return v.Type()
}

// checkSend reports a command that the manager does not declare.
func (d *def) checkSend(c Command) error {
	switch t := d.sendTypes[c.name]; {
	case t == nil:
		return events.Errorf(events.CodeUnknownCommand, "%v %s sends the command %s without declaring it: add it to Sends", d.kind, d.name, c.name)
	case t != payloadType(c.payload):
		return events.Errorf(events.CodeInternal, "%v %s sends the command %s as %v and declares it as %v: use one type", d.kind, d.name, c.name, payloadType(c.payload), t)
	}
	return nil
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
