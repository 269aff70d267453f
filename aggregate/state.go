package aggregate

import (
	"cmp"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"reflect"

	"daybook/events"
	"daybook/personal"
)

// state is the state of one stream with its type hidden. It is a value: evolve
// returns a new one.
type state interface {
	// evolve folds events into the state. Its error has code internal.
	evolve(es []events.Event) (state, error)
	// decide runs a command; o is nil for one on a single stream. A rejection
	// is an error with Rejected set; a defect of the domain has code internal.
	decide(r ready, m Meta, o *Others) (Decision, error)
	// value is the state itself.
	value() any
	// snapshot writes the state as JSON. Its error has code internal.
	snapshot() (*events.Snapshot, error)
}

// ready is a command whose payload was read, for a state of its aggregate.
type ready interface {
	command() string
	others() []events.Stream // that it names besides its own
}

type typedReady[S any] struct {
	name    string
	decider decider[S]
	streams []events.Stream
}

func (r typedReady[S]) command() string         { return r.name }
func (r typedReady[S]) others() []events.Stream { return r.streams }

type typedState[S any] struct {
	of *Definition[S]
	s  S
}

func (d *Definition[S]) stateSchema() int { return d.schema }

func (d *Definition[S]) zero() state { return typedState[S]{of: d} }

func (d *Definition[S]) restore(snapshot *events.Snapshot) (state, error) {
	var s S
	if err := json.Unmarshal(snapshot.State, &s); err != nil {
		return nil, events.Wrap(events.CodeInternal, err, "a snapshot can't be read")
	}
	return typedState[S]{d, s}, nil
}

func (d *Definition[S]) read(name string, stream events.Stream, payload jsontext.Value) (ready, jsontext.Value, error) {
	c, ok := d.commands[name]
	if !ok {
		return nil, nil, events.Errorf(events.CodeUnknownCommand, "there is no command %q", name)
	}
	if len(payload) == 0 {
		payload = jsontext.Value("{}")
	}
	r, carried, err := c.read(stream, payload)
	if err != nil {
		return nil, nil, err
	}
	return r, carried, nil
}

func (t typedState[S]) evolve(es []events.Event) (next state, err error) {
	panicked := events.Guard("evolving", func() { next, err = t.fold(es) })
	return next, cmp.Or(panicked, err)
}

func (t typedState[S]) fold(es []events.Event) (next state, err error) {
	codec, err := t.of.codec()
	if err != nil {
		return nil, events.Wrap(events.CodeInternal, err, "the aggregate's declaration is invalid")
	}
	s := t.s
	for _, e := range es {
		if e, err = codec.Upgrade(e); err != nil {
			return nil, err
		}
		if s, err = t.of.evolvers[e.Name](s, e); err != nil {
			return nil, err
		}
	}
	return typedState[S]{t.of, s}, nil
}

func (t typedState[S]) decide(r ready, m Meta, o *Others) (d Decision, err error) {
	typed, ok := r.(typedReady[S])
	if !ok {
		return d, events.Errorf(events.CodeInternal, "command %q belongs to another aggregate", r.command())
	}
	if err := events.Guard("deciding", func() { d = typed.decider(t.s, m, o) }); err != nil {
		return Decision{}, err
	}
	if o != nil && o.err != nil {
		return d, o.err
	}
	if d.rejection != nil {
		return d, d.rejection
	}
	return d, nil
}

func (t typedState[S]) value() any { return t.s }

// streamDecision is a decision's encoded effect on one stream.
type streamDecision struct {
	events []events.Event
	steps  []claimStep
}

// encodeDecision encodes a decision's effect on the aggregate's own stream,
// without its parts on other streams.
func encodeDecision(of Aggregate, d Decision) (streamDecision, error) {
	es, err := of.Encode(d.emitted...)
	if err != nil {
		return streamDecision{}, err
	}
	for _, s := range d.steps {
		if err := events.ValidateName("claim", s.claim.Name); err != nil {
			return streamDecision{}, events.Wrap(events.CodeInternal, err, "a claim has no valid name")
		}
	}
	if len(d.steps) > 0 && len(es) == 0 {
		return streamDecision{}, events.Errorf(events.CodeInternal, "a decision claims or releases values without an event that says why")
	}
	return streamDecision{es, d.steps}, nil
}

// Encode implements Aggregate.
func (d *Definition[S]) Encode(emitted ...events.Data) ([]events.Event, error) {
	codec, err := d.codec()
	if err != nil {
		return nil, events.Wrap(events.CodeInternal, err, "the aggregate's declaration is invalid")
	}
	es := make([]events.Event, len(emitted))
	for i, v := range emitted {
		name, ok := d.names[reflect.TypeOf(v)]
		if !ok {
			return nil, events.Errorf(events.CodeInternal, "aggregate %q declares no event of type %T", d.name, v)
		}
		if es[i], err = codec.Encode(name, v); err != nil {
			return nil, err
		}
	}
	return es, nil
}

func (t typedState[S]) snapshot() (*events.Snapshot, error) {
	b, err := personal.Marshal(t.s)
	if err != nil {
		return nil, events.Wrap(events.CodeInternal, err, "the state can't be written as JSON")
	}
	return &events.Snapshot{Schema: t.of.schema, State: b}, nil
}
