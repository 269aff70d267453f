package view

import (
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"maps"
	"slices"

	"daybook/events"
	"daybook/follow"
	"daybook/view/internal/definition"
)

// machine folds events into a state of type S: the row of a stream, or what a
// keyed view remembers of it.
type machine[S any] struct {
	handlers map[string]func(S, events.Event, Meta) (S, error)
}

func newMachine[S any]() *machine[S] {
	return &machine[S]{handlers: map[string]func(S, events.Event, Meta) (S, error){}}
}

// on declares the handler of an event.
func on[S any, E events.Data](d *definition.Definition, m *machine[S], apply func(S, E, Meta) S) {
	event, err := events.NameOf[E]()
	if err != nil {
		d.Fail("%w", err)
		return
	}
	if _, twice := m.handlers[event]; !handles(d, event, twice, apply == nil) {
		return
	}
	m.handlers[event] = func(s S, e events.Event, meta Meta) (S, error) {
		data, err := events.Decode[E](e)
		if err != nil {
			return s, err
		}
		sums := events.WatchFields(s)
		if err = events.Guard("the handler of "+event, func() { s = apply(s, data, meta) }); err != nil {
			return s, err
		}
		return s, sums.Added(s, func() (none S) { return apply(none, data, meta) })
	}
}

// handles reports whether a handler of an event can be declared, and notes why
// not. Kept out of on, which is instantiated per event type.
func handles(d *definition.Definition, event string, twice, missing bool) bool {
	err := events.ValidateName("event", event)
	switch {
	case err != nil:
		d.Fail("event %q: %w", event, err)
	case twice:
		d.Fail("event %q is handled twice", event)
	case missing:
		d.Fail("event %q has no handler", event)
	default:
		return true
	}
	return false
}

func (m *machine[S]) events() []string { return slices.Sorted(maps.Keys(m.handlers)) }

func (m *machine[S]) missing(d *definition.Definition) error {
	if len(m.handlers) == 0 {
		return fmt.Errorf("view %q: it handles no event", d.Name)
	}
	return nil
}

// fold applies the commits from..to to state. A commit is applied whole or not
// at all; on a *follow.CommitError, folded is the state before the commit that failed.
func (m *machine[S]) fold(codec *events.Codec, state jsontext.Value, from, to int64, at definition.CommitAt) (definition.FoldState, error) {
	out, err := m.foldAll(codec, state, from, to, at)
	var fe *follow.CommitError
	if !errors.As(err, &fe) || events.Transient(err) || fe.Number == from {
		if err != nil {
			return definition.FoldState{State: state, Handled: state != nil, Commit: from - 1}, err
		}
		return out, nil
	}
	// A handler may have changed the state in place before it failed.
	out, again := m.foldAll(codec, state, from, fe.Number-1, at)
	if again != nil {
		return definition.FoldState{State: state, Handled: state != nil, Commit: from - 1}, again
	}
	return out, err
}

func (m *machine[S]) foldAll(codec *events.Codec, state jsontext.Value, from, to int64, at definition.CommitAt) (definition.FoldState, error) {
	s, err := decodeState[S](state)
	if err != nil {
		return definition.FoldState{}, &follow.CommitError{Number: from, Err: err}
	}
	out := definition.FoldState{Handled: state != nil}
	for n := from; n <= to; n++ {
		c, err := at(n)
		if err != nil {
			return definition.FoldState{}, &follow.CommitError{Number: n, Err: err}
		}
		handled := false
		if s, handled, err = m.apply(codec, s, c); err != nil {
			return definition.FoldState{}, &follow.CommitError{Number: n, Err: err}
		}
		out.Handled = out.Handled || handled
		out.Commit, out.Version = n, c.Version
	}
	if out.Handled {
		if out.State, err = encodeState("row", s); err != nil {
			return definition.FoldState{}, &follow.CommitError{Number: to, Err: err}
		}
	}
	return out, nil
}

func (m *machine[S]) apply(codec *events.Codec, s S, c *events.Commit) (_ S, handled bool, err error) {
	for i, e := range c.Events {
		handler, ok := m.handlers[e.Name]
		if !ok {
			continue
		}
		if e, err = codec.Upgrade(e); err != nil {
			return s, false, err
		}
		meta := Meta{
			Stream: c.Stream.In(""), Commit: c.Number, Version: c.First() + int64(i), Time: c.Time,
			Actor: c.Actor, Correlation: c.Correlation, Causation: c.PlainCausation(),
		}
		if s, err = handler(s, e, meta); err != nil {
			return s, false, err
		}
		handled = true
	}
	return s, handled, nil
}

func hides[Row any](hide func(Row) bool, row jsontext.Value) (hidden bool, err error) {
	if hide == nil {
		return false, nil
	}
	r, err := decodeState[Row](row)
	if err != nil {
		return false, err
	}
	err = events.Guard("Hide", func() { hidden = hide(r) })
	return hidden, err
}

func setHide[Row any](d *definition.Definition, to *func(Row) bool, hidden func(Row) bool) {
	if *to != nil {
		d.Fail("Hide is declared twice")
	}
	*to = hidden
	d.Hiding = hidden != nil
}
