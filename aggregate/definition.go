package aggregate

import (
	"encoding/json/jsontext"
	"reflect"
	"sync"
	"time"

	"daybook/events"
	"daybook/events/schema"
	"daybook/personal"
)

// Definition declares an aggregate whose state is S: how events change the
// state and how commands are decided on it. It is built once, by New and a chain
// of Event and Command calls, and is then safe for concurrent use.
//
// S must be a value that JSON keeps whole (a snapshot is its JSON). Evolving
// returns a new state and leaves the old one, its maps and slices included, as
// it was. The zero S is the state of a stream that does not exist.
type Definition[S any] struct {
	*declaration
	evolvers map[string]evolver[S]
	commands map[string]command[S]
}

type evolver[S any] func(S, events.Event) (S, error)

type command[S any] struct {
	description Description
	// read returns the payload with its personal values carried, nil for one without.
	read func(stream events.Stream, payload jsontext.Value) (_ typedReady[S], carried jsontext.Value, _ error)
}

// decider decides a command whose payload was read. Others is nil but for a
// command over several streams.
type decider[S any] func(S, Meta, *Others) Decision

// Meta is what a decision may know besides state and payload. Time and ids
// arrive here as data, so that deciding stays pure.
type Meta struct {
	ID        string    // the aggregate's id
	Version   int64     // number of events the state is made of
	Time      time.Time // when the command is being accepted, UTC, milliseconds
	Actor     string    // verified subject that sent the command
	CommandID string
}

// Aggregate is a Definition with its state type hidden, for lists of them.
// Only *Definition implements it.
type Aggregate interface {
	// Name returns the declared name, the first part of its streams' names.
	Name() string
	// Describe returns the declared commands in the order of declaration.
	Describe() []Description
	// Events returns the declared events in the order of declaration.
	Events() []events.Type
	// Encode returns events of the aggregate as they are stored. Its error has
	// code internal: a value of a type that no declared event has.
	Encode(emitted ...events.Data) ([]events.Event, error)
	// Err returns what is wrong with the declaration, nil if nothing is. Call
	// it in a test: it looks at the state's type and derives the rules of all
	// payloads, which a handler does when it first meets a command.
	Err() error

	declared() error // Err without the payloads' rules
	stateSchema() int
	idempotentFor() time.Duration
	keepsCommand(name string) bool
	zero() state
	restore(snapshot *events.Snapshot) (state, error)
	// read reads a command's payload. It also returns the payload with its personal
	// values carried, nil for one without.
	read(name string, stream events.Stream, payload jsontext.Value) (_ ready, carried jsontext.Value, _ error)
}

// New begins the definition of an aggregate whose state is S. Faults of a
// declaration are collected and returned by Err and, but for those of the types of
// payloads and state, by NewHandler.
func New[S any](name string) *Definition[S] {
	return &Definition[S]{
		declaration: newDeclaration(name, reflect.TypeFor[S]()),
		evolvers:    map[string]evolver[S]{},
		commands:    map[string]command[S]{},
	}
}

// StateSchema sets the schema version of the state, 1 unless set. Raise it when
// S or an evolving function changes meaning: snapshots of other versions are
// then ignored and replaced.
func (d *Definition[S]) StateSchema(version int) *Definition[S] {
	d.setSchema(version)
	return d
}

// DefaultIdempotentFor is how long the repeat of a command is recognised on its
// stream unless the declaration says otherwise.
const DefaultIdempotentFor = 24 * time.Hour

// IdempotentFor sets how long the repeat of a command is recognised on its
// stream, for all commands of the aggregate that do not say otherwise: from 24
// hours, the default, to 30 days.
func (d *Definition[S]) IdempotentFor(t time.Duration) *Definition[S] {
	d.setIdempotentFor(t)
	return d
}

// KeepCommands keeps each accepted command of the aggregate, its name and payload, beside
// its events, so that a rehearsal can decide it again by newer code. It costs no write
// unit while the commit stays below 1 KB. A command that was rejected or decided no
// event is not kept, nor is one declared with NotKept; and one that would make its commit too
// large to be stored is left out.
func (d *Definition[S]) KeepCommands() *Definition[S] {
	d.keeps = true
	return d
}

// Event declares an event by the function that evolves the state with it; its
// stored name is that of E. Upcasters, one a step, bring data of older schema
// versions to E (see events.Upcast); with n of them the event's schema version is
// n+1.
func (d *Definition[S]) Event[E events.Data](evolve func(S, E) S, upcasters ...events.Upcaster) *Definition[S] {
	name, err := events.NameOf[E]()
	d.check(err)
	d.event(name, reflect.TypeFor[E](), upcasters)
	d.evolvers[name] = func(s S, e events.Event) (S, error) {
		data, err := events.Decode[E](e)
		if err != nil {
			return s, err
		}
		return evolve(s, data), nil
	}
	return d
}

// CommandOption changes how a command is declared.
type CommandOption func(*Description)

// Creates says that the command starts an aggregate: its id may be left out and
// is then derived from the command id.
func Creates() CommandOption { return func(c *Description) { c.Creates = true } }

// IdempotentFor sets how long a repeat of the command is recognised on its stream,
// from 24 hours to 30 days, instead of what holds for the aggregate. It costs
// nothing on a stream that has no more than about 110 commands in that time.
func IdempotentFor(t time.Duration) CommandOption {
	return func(c *Description) { c.IdempotentFor = t }
}

// Summary describes the command in one line, for the API's description.
func Summary(text string) CommandOption { return func(c *Description) { c.Summary = text } }

// OnceOnly says that a repeat of the command is recognised for 30 days
// (events.OnceOnlyFor), whatever its stream has seen since, and also when it
// comes for another stream: then it is idempotency-key-reused. Its id is claimed
// in the transaction of its commit, which makes a small commit cost 4 write
// units instead of 1. A command that was rejected or changed nothing is not
// remembered. Commands that come without an id can't be repeated and pay
// nothing.
func OnceOnly() CommandOption { return func(c *Description) { c.OnceOnly = true } }

// Internal says that the command is sent by process managers and operators only:
// it has no address, stands in no description of the API, and is refused over HTTP
// as an unknown command.
func Internal() CommandOption { return func(c *Description) { c.Internal = true } }

// Erases says that the operator's erase sends the command, without a payload, to a
// person's stream before the person's key is deleted: the place to release personal
// claims and to say in an event that the person is gone. An aggregate has at most one.
func Erases() CommandOption { return func(c *Description) { c.Erases = true } }

// NotKept says that the command is not kept where its aggregate keeps commands: its
// payload holds a secret that no event holds, or is large.
func NotKept() CommandOption { return func(c *Description) { c.notKept = true } }

// Scope says that a caller of the API needs the OAuth scope, such as
// "orders:write", to send the command. Process managers and operators need none.
// A scope has 1 to 128 letters, digits and characters of ".:/_-".
func Scope(scope string) CommandOption {
	return func(c *Description) { c.Scope, c.scoped = scope, true }
}

// Command declares a command by the function that decides it; its name is that of
// C. The rules of the payload come from C too (see package schema).
func (d *Definition[S]) Command[C events.Payload](decide func(S, C) Decision, opts ...CommandOption) *Definition[S] {
	return d.CommandWith(func(s S, c C, _ Meta) Decision { return decide(s, c) }, opts...)
}

// CommandWith is Command for a decision that needs to know its Meta.
func (d *Definition[S]) CommandWith[C events.Payload](decide func(S, C, Meta) Decision, opts ...CommandOption) *Definition[S] {
	return declare(d, nil, func(s S, c C, m Meta, _ *Others) Decision { return decide(s, c, m) }, opts)
}

// declare adds a command. others is nil for one that is decided on one stream.
func declare[S any, C events.Payload](
	d *Definition[S], others func(C) []events.Stream, decide func(S, C, Meta, *Others) Decision, opts []CommandOption,
) *Definition[S] {
	name, err := events.CommandNameOf[C]()
	d.check(err)
	description, rules := d.command(name, reflect.TypeFor[C](), others != nil, schema.Of[C], opts)
	personalPayload := sync.OnceValue(func() bool { return personal.Marks(reflect.TypeFor[C]()) })
	d.commands[name] = command[S]{description, func(stream events.Stream, payload jsontext.Value) (r typedReady[S], carried jsontext.Value, err error) {
		rules, err := rules()
		if err != nil {
			return r, nil, err
		}
		c, err := schema.Decode[C](rules, payload, "/payload")
		if err != nil {
			return r, nil, err
		}
		if personalPayload() {
			carried = rules.Carry(payload, subjectOf(c, stream))
			if c, err = schema.Decode[C](rules, carried, "/payload"); err != nil {
				return r, nil, err
			}
		}
		r = typedReady[S]{name: name, decider: func(s S, m Meta, o *Others) Decision { return decide(s, c, m, o) }}
		if others != nil {
			if err := events.Guard("naming streams", func() { r.streams = others(c) }); err != nil {
				return r, nil, err
			}
		}
		return r, carried, nil
	}}
	return d
}

// subjectOf is whom a command's personal values are about: whom the payload says, or
// else its stream.
func subjectOf(payload any, stream events.Stream) string {
	if s, ok := payload.(personal.Subject); ok {
		return s.PersonalSubject()
	}
	return string(stream)
}
