package view

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"daybook/events"
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
func on[S, E any](d *def, m *machine[S], event string, apply func(S, E, Meta) S) {
	if _, twice := m.handlers[event]; !d.handles(event, twice, apply == nil) {
		return
	}
	m.handlers[event] = func(s S, e events.Event, meta Meta) (S, error) {
		data, err := events.Decode[E](e)
		if err != nil {
			return s, err
		}
		err = guard("the handler of "+event, func() { s = apply(s, data, meta) })
		return s, err
	}
}

// handles reports whether a handler of an event can be declared, and notes why
// not. It is no part of on, of which there is one for each event.
func (d *def) handles(event string, twice, missing bool) bool {
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

func (m *machine[S]) events() []string { return sortedKeys(m.handlers) }

func (m *machine[S]) missing(d *def) error {
	if len(m.handlers) == 0 {
		return fmt.Errorf("view %q: it handles no event", d.name)
	}
	return nil
}

// foldError says that a commit could not be applied.
type foldError struct {
	number int64
	err    error
}

func (e *foldError) Error() string { return fmt.Sprintf("commit %d: %v", e.number, e.err) }
func (e *foldError) Unwrap() error { return e.err }

// fold applies the commits from..to to state. A commit is applied whole or not
// at all; on a *foldError, folded is the state before the commit that failed.
func (m *machine[S]) fold(codec *events.Codec, state jsontext.Value, from, to int64, at commitAt) (folded, error) {
	out, err := m.foldAll(codec, state, from, to, at)
	var fe *foldError
	if !errors.As(err, &fe) || events.Transient(err) || fe.number == from {
		if err != nil {
			return folded{state: state, handled: state != nil, commit: from - 1}, err
		}
		return out, nil
	}
	// A handler may have changed the state in place before it failed.
	out, again := m.foldAll(codec, state, from, fe.number-1, at)
	if again != nil {
		return folded{state: state, handled: state != nil, commit: from - 1}, again
	}
	return out, err
}

func (m *machine[S]) foldAll(codec *events.Codec, state jsontext.Value, from, to int64, at commitAt) (folded, error) {
	s, err := decodeState[S](state)
	if err != nil {
		return folded{}, &foldError{from, err}
	}
	out := folded{handled: state != nil}
	for n := from; n <= to; n++ {
		c, err := at(n)
		if err != nil {
			return folded{}, &foldError{n, err}
		}
		handled := false
		if s, handled, err = m.apply(codec, s, c); err != nil {
			return folded{}, &foldError{n, err}
		}
		out.handled = out.handled || handled
		out.commit, out.version = n, c.Version
	}
	if out.handled {
		if out.state, err = encodeState("row", s); err != nil {
			return folded{}, &foldError{to, err}
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
			Stream: c.Stream, Commit: c.Number, Version: c.First() + int64(i), Time: c.Time,
			Actor: c.Actor, Correlation: c.Correlation, Causation: c.Causation,
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
	err = guard("Hide", func() { hidden = hide(r) })
	return hidden, err
}

func setHide[Row any](d *def, to *func(Row) bool, hidden func(Row) bool) {
	if *to != nil {
		d.fail("Hide is declared twice")
	}
	*to = hidden
}

// panicError is a panic of a domain function. Its text names the place and, of
// the value, the type alone: the value may hold what an event holds.
type panicError struct {
	what, where string
	value       string
}

func (e *panicError) Error() string { return e.what + " panicked with " + e.value + " in " + e.where }

// guard calls a function of the domain and turns a panic into an error of code
// internal.
func guard(what string, f func()) (err error) {
	defer func() {
		if p := recover(); p != nil {
			value := fmt.Sprintf("a %T", p)
			if re, ok := p.(runtime.Error); ok {
				value = re.Error()
			}
			err = events.Wrap(events.CodeInternal, &panicError{what, panicSite(), value}, what+" failed")
		}
	}()
	f()
	return nil
}

// panicSite names the function that panicked: the first on the stack that is
// neither the runtime's nor this package's.
func panicSite() string {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	for {
		f, more := frames.Next()
		if !strings.HasPrefix(f.Function, "runtime.") {
			return fmt.Sprintf("%s, line %d", f.Function, f.Line)
		}
		if !more {
			return "an unknown place"
		}
	}
}

// faultText says for operators what went wrong, without a value of an event or
// a row in it.
func faultText(err error) string {
	text := string(events.CodeOf(err))
	if e, ok := errors.AsType[*events.Error](err); ok {
		text += ": " + e.Message
	}
	if e, ok := errors.AsType[*panicError](err); ok {
		return text + ": " + e.Error()
	}
	if e, ok := errors.AsType[*json.SemanticError](err); ok && e.GoType != nil {
		return text + fmt.Sprintf(": a JSON value of kind %q at %q doesn't fit %s", e.JSONKind.String(), e.JSONPointer, e.GoType)
	}
	return text
}
