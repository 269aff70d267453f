package aggregatetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"daybook/aggregate"
	"daybook/events"
)

// TB is the part of testing.TB that a scenario needs.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
}

// Scenario is one test of an aggregate with state S: Given, When, then one or
// more of the Then methods.
type Scenario[S any] struct {
	t    TB
	of   *aggregate.Definition[S]
	past []events.Data
	meta aggregate.Meta

	others []aggregate.Past

	ran bool
	got aggregate.Rehearsal
	err error
}

// Given begins a scenario with what has happened: events of the aggregate.
func Given[S any](t TB, of *aggregate.Definition[S], past ...events.Data) *Scenario[S] {
	return &Scenario[S]{t: t, of: of, past: past, meta: aggregate.Meta{
		ID:        "1",
		Time:      time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		CommandID: "command-1",
	}}
}

// At sets what the decision may know besides its state and payload.
func (s *Scenario[S]) At(m aggregate.Meta) *Scenario[S] { s.meta = m; return s }

// With adds what has happened on another stream, of the aggregate of, for a
// command over several streams.
func (s *Scenario[S]) With(stream events.Stream, of aggregate.Aggregate, past ...events.Data) *Scenario[S] {
	s.others = append(s.others, aggregate.Past{Stream: stream, Of: of, Events: past})
	return s
}

// When decides a command, a value of its declared type.
func (s *Scenario[S]) When(command events.Payload) *Scenario[S] {
	s.t.Helper()
	body, err := aggregate.Payload(command)
	if err != nil {
		s.t.Fatalf("the payload of %s: %v", command.CommandName(), err)
	}
	s.ran = true
	s.got, s.err = s.of.Rehearse(s.past, aggregate.Command{Name: command.CommandName(), ID: s.meta.ID, Payload: body}, s.meta, s.others...)
	if p, ok := errors.AsType[*events.Panic](s.err); ok { // a test may show what a log may not
		s.err = fmt.Errorf("%w: %v", s.err, p.Value)
	}
	return s
}

// Then expects exactly these events, in order; none says that there was nothing
// to do.
func (s *Scenario[S]) Then(expected ...events.Data) *Scenario[S] {
	s.t.Helper()
	s.needsWhen()
	if s.err != nil {
		s.t.Fatalf("expected %d events, got the error %v", len(expected), s.err)
		return s
	}
	s.expect(s.of, "", s.got.Events, expected)
	return s
}

// ThenOn expects exactly these events on another stream, in order.
func (s *Scenario[S]) ThenOn(stream events.Stream, expected ...events.Data) *Scenario[S] {
	s.t.Helper()
	s.needsWhen()
	if s.err != nil {
		s.t.Fatalf("expected %d events on %s, got the error %v", len(expected), stream, s.err)
		return s
	}
	var of aggregate.Aggregate = s.of
	for _, o := range s.others {
		if o.Stream == stream {
			of = o.Of
		}
	}
	s.expect(of, " on "+string(stream), s.got.Others[stream], expected)
	return s
}

func (s *Scenario[S]) expect(of aggregate.Aggregate, where string, got []events.Event, expected []events.Data) {
	s.t.Helper()
	want, err := of.Encode(expected...)
	if err != nil {
		s.t.Fatalf("the expected events%s: %v", where, err)
		return
	}
	if got, want := text(got), text(want); got != want {
		s.t.Fatalf("expected the events%s\n%s\ngot\n%s", where, want, got)
	}
}

// ThenClaims expects the commit to claim exactly these values, in order.
func (s *Scenario[S]) ThenClaims(expected ...events.Claim) *Scenario[S] {
	s.t.Helper()
	return s.thenValues("claims", s.got.Claims, expected)
}

// ThenReleases expects the commit to release exactly these values, in order.
func (s *Scenario[S]) ThenReleases(expected ...events.Claim) *Scenario[S] {
	s.t.Helper()
	return s.thenValues("releases", s.got.Releases, expected)
}

func (s *Scenario[S]) thenValues(what string, got, expected []events.Claim) *Scenario[S] {
	s.t.Helper()
	s.needsWhen()
	if s.err != nil || !slices.Equal(got, expected) {
		s.t.Fatalf("expected the %s %q, got %q and the error %v", what, expected, got, s.err)
	}
	return s
}

// ThenRejected expects a rejection with the domain's code.
func (s *Scenario[S]) ThenRejected(code string) *Scenario[S] {
	s.t.Helper()
	s.needsWhen()
	if e, ok := errors.AsType[*events.Error](s.err); !ok || !e.Rejected || e.Code != events.Code(code) {
		s.t.Fatalf("expected a rejection %q, got %d events and the error %v", code, len(s.got.Events), s.err)
	}
	return s
}

// ThenMalformed expects the payload to break its rules at the given path, such
// as "/payload/name".
func (s *Scenario[S]) ThenMalformed(path string) *Scenario[S] {
	s.t.Helper()
	s.needsWhen()
	if e, ok := errors.AsType[*events.Error](s.err); ok && e.Code == events.CodeMalformed {
		for _, f := range e.Fields {
			if f.Path == path {
				return s
			}
		}
	}
	s.t.Fatalf("expected the payload to be malformed at %s, got %d events and the error %v", path, len(s.got.Events), s.err)
	return s
}

// ThenState expects the state after the events, as the JSON of want.
func (s *Scenario[S]) ThenState(want S) *Scenario[S] {
	s.t.Helper()
	s.needsWhen()
	body, err := aggregate.Payload(want)
	if err != nil || string(body) != string(s.got.After) {
		s.t.Fatalf("expected the state %s, got %s (%v)", body, s.got.After, err)
	}
	return s
}

func (s *Scenario[S]) needsWhen() {
	s.t.Helper()
	if !s.ran {
		s.t.Fatalf("a scenario needs When before Then")
	}
}

func text(es []events.Event) string {
	if len(es) == 0 {
		return "  (none)"
	}
	var b strings.Builder
	for _, e := range es {
		b.WriteString("  " + e.Name + " " + string(e.Data) + "\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}
