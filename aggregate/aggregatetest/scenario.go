package aggregatetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"daybook/aggregate"
	"daybook/events"
	"daybook/internal/expect"
)

// Scenario is one test of an aggregate with state S: Given, When, then one or
// more of the Then methods.
type Scenario[S any] struct {
	t      testing.TB
	of     *aggregate.Definition[S]
	past   []events.Data
	meta   aggregate.Meta
	others []aggregate.Past

	ran bool
	got aggregate.Rehearsal
	err error
}

// Given begins a scenario with what has happened: events of the aggregate.
func Given[S any](t testing.TB, of *aggregate.Definition[S], past ...events.Data) *Scenario[S] {
	return &Scenario[S]{t: t, of: of, past: past, meta: aggregate.Meta{
		ID:        "1",
		Time:      time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		CommandID: "command-1",
	}}
}

// At sets what the decision may know besides its state and payload.
func (s *Scenario[S]) At(m aggregate.Meta) *Scenario[S] { s.meta = m; return s }

// Stream adds what has happened on another stream, of the aggregate of, for a
// command over several streams.
func (s *Scenario[S]) Stream(stream events.Stream, of aggregate.Aggregate, past ...events.Data) *Scenario[S] {
	s.others = append(s.others, aggregate.Past{Stream: stream, Of: of, Events: past})
	return s
}

// When decides a command, a value of its declared type.
func (s *Scenario[S]) When(command events.Payload) *Scenario[S] {
	s.t.Helper()
	body := expect.JSON(s.t, "the payload of "+command.CommandName(), command)
	s.ran = true
	s.got, s.err = s.of.Rehearse(s.past, aggregate.Command{Name: command.CommandName(), ID: s.meta.ID, Payload: body}, s.meta, s.others...)
	s.err = expect.Shown(s.err)
	return s
}

// Then expects exactly these events, in order; none says that there was nothing
// to do.
func (s *Scenario[S]) Then(expected ...events.Data) *Scenario[S] {
	s.t.Helper()
	s.needsAccepted()
	return s.events("events", s.of, s.got.Events, expected)
}

// ThenOn expects exactly these events on another stream, in order.
func (s *Scenario[S]) ThenOn(stream events.Stream, expected ...events.Data) *Scenario[S] {
	s.t.Helper()
	s.needsAccepted()
	var of aggregate.Aggregate = s.of
	for _, o := range s.others {
		if o.Stream == stream {
			of = o.Of
		}
	}
	return s.events("events on "+string(stream), of, s.got.Others[stream], expected)
}

func (s *Scenario[S]) events(what string, of aggregate.Aggregate, got []events.Event, expected []events.Data) *Scenario[S] {
	s.t.Helper()
	want, err := of.Encode(expected...)
	if err != nil {
		s.t.Fatalf("the expected %s: %v", what, err)
	}
	expect.Same(s.t, what, expect.Events(want), expect.Events(got))
	return s
}

// ThenClaims expects the commit to claim exactly these values, in order.
func (s *Scenario[S]) ThenClaims(expected ...events.Claim) *Scenario[S] {
	s.t.Helper()
	return s.values("claims", expected, s.got.Claims)
}

// ThenReleases expects the commit to release exactly these values, in order.
func (s *Scenario[S]) ThenReleases(expected ...events.Claim) *Scenario[S] {
	s.t.Helper()
	return s.values("releases", expected, s.got.Releases)
}

func (s *Scenario[S]) values(what string, expected, got []events.Claim) *Scenario[S] {
	s.t.Helper()
	s.needsAccepted()
	lines := func(cs []events.Claim) (lines []string) {
		for _, c := range cs {
			lines = append(lines, fmt.Sprintf("%s %q", c.Name, c.Value))
		}
		return lines
	}
	expect.Same(s.t, what, lines(expected), lines(got))
	return s
}

// ThenRejected expects a rejection with the domain's code.
func (s *Scenario[S]) ThenRejected(code string) *Scenario[S] {
	s.t.Helper()
	expect.When(s.t, s.ran)
	expect.Rejected(s.t, code, s.err, fmt.Sprintf("%d events", len(s.got.Events)))
	return s
}

// ThenMalformed expects the payload to break its rules at the given path, such
// as "/payload/name".
func (s *Scenario[S]) ThenMalformed(path string) *Scenario[S] {
	s.t.Helper()
	expect.When(s.t, s.ran)
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
	s.needsAccepted()
	expect.Same(s.t, "state", expect.Fields(expect.JSON(s.t, "the expected state", want)), expect.Fields(s.got.After))
	return s
}

func (s *Scenario[S]) needsAccepted() {
	s.t.Helper()
	expect.When(s.t, s.ran)
	if s.err != nil {
		s.t.Fatalf("the command was not accepted: %v", s.err)
	}
}
