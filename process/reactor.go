package process

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"daybook/events"
	"daybook/events/schema"
	"daybook/personal"
)

// Reactor is a declared manager or outbox: what New and NewOutbox return. Lists
// of them have this type.
type Reactor interface {
	// Describe says what the reactor follows and publishes.
	Describe() Description
	// Err returns all that is wrong with the declaration, joined, or nil. It is
	// a defect of the program; NewRunner checks it but for the types of memory and messages.
	Err() error

	definition() *def
}

// Kind tells managers from outboxes.
type Kind uint8

// The kinds of reactors.
const (
	KindManager Kind = iota + 1 // events in, commands and timers out
	KindOutbox                  // events in, integration events out
)

// String returns "manager" or "outbox".
func (k Kind) String() string {
	if k == KindOutbox {
		return "outbox"
	}
	return "manager"
}

// Description is a reactor as documentation and infrastructure need it.
type Description struct {
	Name       string
	Kind       Kind
	Aggregates []string         // whose streams it follows, sorted
	Events     []string         // that it handles, sorted
	Sends      []events.Payload // commands that a manager sends, as it declares them
	Since      time.Time        // commits accepted earlier are history; zero for none
	Remembers  bool             // a reaction may depend on the stream's earlier commits
	// Publishes are an outbox's integration events, in the order of declaration.
	Publishes []Integration
}

// Meta is what a handler may know of an event besides its data.
type Meta struct {
	Stream      events.Stream // without the tenant, which no handler sees
	Commit      int64         // number of the event's commit
	Version     int64         // of the stream after the event
	Time        time.Time     // when the command was accepted
	Actor       string        // who sent the command; may be empty
	Correlation string        // of all that one request set off
	Causation   string        // id of what caused the command; may be empty

	stored events.Stream // with the tenant
	trace  string        // the commit's, which no decision depends on
}

// ID returns the id of the aggregate: "7" of "order/7".
func (m Meta) ID() string { return m.Stream.ID() }

// def is a reactor without the type of its memory.
type def struct {
	name       string
	kind       Kind
	aggregates []string
	since      time.Time
	schema     int  // of the memory
	remembers  bool // some handler changes the memory
	publishes  []Integration
	sends      []events.Payload
	sendTypes  map[string]reflect.Type // of sends, by name
	errs       []error
	checks     []func() error // of the memory and of the schemas of what it publishes, which a cold start must not pay for

	events  func() []string // that it handles, sorted
	handled func(event string) bool
	// react applies the handled events of a commit to a memory, nil at the start,
	// and says what is to be done, one reaction per event. Its errors are permanent.
	react func(codec *events.Codec, memory jsontext.Value, c *events.Commit) (jsontext.Value, []eventReaction, error)
}

// eventReaction is what is to be done because of one event.
type eventReaction struct {
	meta  Meta
	steps []Step
}

func (d *def) fail(format string, args ...any) {
	d.errs = append(d.errs, fmt.Errorf("%v %q: "+format, append([]any{d.kind, d.name}, args...)...))
}

func (d *def) definition() *def { return d }

// Err implements Reactor.
func (d *def) Err() error {
	errs := []error{d.declared()}
	for _, check := range d.checks {
		if err := check(); err != nil {
			errs = append(errs, fmt.Errorf("%v %q: %w", d.kind, d.name, err))
		}
	}
	return errors.Join(errs...)
}

// declared is Err without the checks of types.
func (d *def) declared() error {
	errs := slices.Clone(d.errs)
	if len(d.events()) == 0 {
		errs = append(errs, fmt.Errorf("%v %q: it handles no event", d.kind, d.name))
	}
	return errors.Join(errs...)
}

// Describe implements Reactor.
func (d *def) Describe() Description {
	return Description{
		Name: d.name, Kind: d.kind, Aggregates: slices.Clone(d.aggregates), Events: d.events(),
		Sends: slices.Clone(d.sends), Since: d.since, Remembers: d.remembers, Publishes: slices.Clone(d.publishes),
	}
}

// follows reports whether the reactor looks at stream.
func (d *def) follows(stream events.Stream) bool {
	return slices.Contains(d.aggregates, stream.Aggregate())
}

// machine folds events into a memory of type S and collects what is to be done.
type machine[S any] map[string]func(S, events.Event, Meta) (S, []Step, error)

// handle declares what an event does, and returns the event's name, "" when it
// can't be declared.
func handle[S any, E events.Data](d *def, m machine[S], missing bool, react func(S, E, Meta) (S, []Step)) string {
	event, err := events.NameOf[E]()
	if err != nil {
		d.fail("%w", err)
		return ""
	}
	if _, twice := m[event]; !d.accepts(event, twice, missing) {
		return ""
	}
	m[event] = func(s S, e events.Event, meta Meta) (_ S, steps []Step, err error) {
		data, err := events.Decode[E](e)
		if err != nil {
			return s, nil, err
		}
		sums := events.WatchSums(s)
		if err = events.Guard("the handler of "+event, func() { s, steps = react(s, data, meta) }); err != nil {
			return s, nil, err
		}
		return s, steps, sums.Added(s, func() (alone S) {
			alone, _ = react(alone, data, meta)
			return alone
		})
	}
	return event
}

// accepts reports whether a handler of an event can be declared, and notes why not.
func (d *def) accepts(event string, twice, missing bool) bool {
	err := events.ValidateName("event", event)
	switch {
	case err != nil:
		d.fail("event %q: %w", event, err)
	case twice:
		d.fail("event %q is handled twice", event)
	case missing:
		d.fail("event %q has no handler", event)
	default:
		return true
	}
	return false
}

func (m machine[S]) events() []string { return slices.Sorted(maps.Keys(m)) }

func (m machine[S]) handles(event string) bool {
	_, ok := m[event]
	return ok
}

// newDef begins a declaration whose memory is of type S.
func newDef[S any](kind Kind, name string, aggregates []string, m machine[S]) *def {
	d := &def{
		name: name, kind: kind, schema: 1, aggregates: slices.Sorted(slices.Values(aggregates)),
		sendTypes: map[string]reflect.Type{}, events: m.events, handled: m.handles, react: m.react,
	}
	if err := events.ValidateName(kind.String(), name); err != nil {
		d.fail("%w", err)
	}
	if len(aggregates) == 0 {
		d.fail("it follows no aggregate")
	}
	for i, a := range d.aggregates {
		if err := events.ValidateName("aggregate", a); err != nil {
			d.fail("aggregate %q: %w", a, err)
		}
		if i > 0 && d.aggregates[i-1] == a {
			d.fail("aggregate %q is named twice", a)
		}
	}
	d.checks = append(d.checks, func() error {
		if path := schema.LostField(reflect.TypeFor[S]()); path != "" {
			return fmt.Errorf("field %s of memory %v is not kept by its JSON", path, reflect.TypeFor[S]())
		}
		return nil
	})
	return d
}

// react implements def.react. The memory is decoded anew for each commit, so that
// a handler which changes it in place and then fails has changed nothing.
func (m machine[S]) react(codec *events.Codec, memory jsontext.Value, c *events.Commit) (jsontext.Value, []eventReaction, error) {
	var s S
	if memory != nil {
		if err := json.Unmarshal(memory, &s); err != nil {
			return nil, nil, events.Wrap(events.CodeInternal, err, "the memory can't be read")
		}
	}
	var out []eventReaction
	for i, e := range c.Events {
		handler, ok := m[e.Name]
		if !ok {
			continue
		}
		e, err := codec.Upgrade(e)
		if err != nil {
			return nil, nil, err
		}
		one := eventReaction{meta: metaOf(c, i)}
		if s, one.steps, err = handler(s, e, one.meta); err != nil {
			return nil, nil, err
		}
		out = append(out, one)
	}
	next, err := personal.Marshal(s)
	if err != nil {
		return nil, nil, events.Wrap(events.CodeInternal, err, "the memory can't be written as JSON")
	}
	if len(next) > MaxMemory {
		return nil, nil, events.Errorf(events.CodeTooLarge, "the memory of a stream has at most %d bytes", MaxMemory)
	}
	return next, out, nil
}

// metaOf describes the event of a commit at index i.
func metaOf(c *events.Commit, i int) Meta {
	m := Meta{
		Stream: c.Stream.In(""), stored: c.Stream, Commit: c.Number, Version: c.First() + int64(i), Time: c.Time,
		Actor: c.Actor, Correlation: c.Correlation, Causation: c.PlainCausation(), trace: c.Trace,
	}
	if m.Correlation == "" && len(c.Commands) > 0 {
		m.Correlation = c.Commands[0].ID
	}
	return m
}

// token names the event, without the tenant: "order/7@3".
func (m Meta) token() string { return events.Token{Stream: m.Stream, Version: m.Version}.String() }
