package processtest

import (
	"context"
	"encoding/json/jsontext"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"daybook/events"
	"daybook/follow"
	"daybook/internal/expect"
	"daybook/process"
)

// Scenario is one test of a manager or an outbox: Given, When, then one of the
// Then methods. No store and no clock is involved.
type Scenario struct {
	t       testing.TB
	reactor process.Reactor
	stream  events.Stream
	past    []events.Data
	change  func(*events.Commit)
	answers map[[2]string]events.Code // by command and id

	ran      bool
	commit   events.Commit
	before   process.Entry
	recorder *Recorder
	fault    *follow.Fault
}

// Given begins a scenario of a stream with what has happened: one commit for each
// event, at times a second apart. The reactor has handled it: it remembers, its
// timers are set, and its commands were accepted.
func Given(t testing.TB, reactor process.Reactor, stream events.Stream, past ...events.Data) *Scenario {
	return &Scenario{t: t, reactor: reactor, stream: stream, past: past, answers: map[[2]string]events.Code{}}
}

// Rejecting says that a command of the given type to the aggregate of that id will
// be rejected, whatever its payload; others are accepted.
func (s *Scenario) Rejecting(command events.Payload, id string, code events.Code) *Scenario {
	s.answers[[2]string{command.CommandName(), id}] = code
	return s
}

// With changes the commit of When: its time, its actor.
func (s *Scenario) With(change func(*events.Commit)) *Scenario {
	s.change = change
	return s
}

// When stores one commit of the given events and has the reactor handle it.
func (s *Scenario) When(es ...events.Data) *Scenario {
	s.t.Helper()
	s.ran = true
	commits := s.commits(es)
	ledger, past := &Memory{}, commits[:len(commits)-1]
	if fault, err := run(s.reactor, ledger, &Recorder{}, commits, past); err != nil || fault != nil {
		s.t.Fatalf("what has happened can't be handled: %v, %+v", err, fault)
	}
	s.commit, s.before = commits[len(commits)-1], ledger.Entry(s.reactor.Describe().Name, s.stream)
	s.recorder = &Recorder{Answer: func(r process.Request) error {
		if code, ok := s.answers[[2]string{r.Command, r.ID}]; ok {
			return &events.Error{Code: code, Message: "rejected by the scenario", Rejected: true}
		}
		return nil
	}}
	var err error
	if s.fault, err = run(s.reactor, ledger, s.recorder, commits, commits[len(past):]); err != nil {
		s.t.Fatalf("the reactor can't be run: %v", err)
	}
	return s
}

// run has a reactor handle some commits of a stream.
func run(reactor process.Reactor, ledger process.Ledger, recorder *Recorder, stream history, handle []events.Commit) (*follow.Fault, error) {
	if err := reactor.Err(); err != nil {
		return nil, err
	}
	codec, err := codecOf(reactor, stream)
	if err != nil {
		return nil, err
	}
	return Handle(stream, codec, ledger, []process.Reactor{reactor}, recorder, stream[len(stream)-1].Time, handle)
}

// Handle has reactors handle commits in order, at the time now, as one batch of a
// deployment. It returns the first fault, nil for none.
func Handle(h follow.History, codec *events.Codec, ledger process.Ledger, reactors []process.Reactor, r *Recorder, now time.Time, commits []events.Commit) (*follow.Fault, error) {
	runner, err := process.NewRunner(h, codec, ledger, reactors, r.Effects(), &process.Options{
		Parallel: 1, Concurrency: 1, Fresh: -1, // in order
		Now: func() time.Time { return now },
	})
	if err != nil {
		return nil, err
	}
	var batch []follow.Delivery
	for _, c := range commits {
		batch = append(batch, follow.Delivery{Stream: c.Stream, Number: c.Number, Commit: &c})
	}
	report := runner.Handle(context.Background(), batch)
	if len(report.Faults) > 0 {
		return &report.Faults[0], report.Err
	}
	return nil, report.Err
}

// codecOf knows the events of a reactor and of commits, at schema version 1: a
// scenario's data are those that handlers take.
func codecOf(reactor process.Reactor, commits []events.Commit) (*events.Codec, error) {
	names := reactor.Describe().Events
	for _, c := range commits {
		for _, e := range c.Events {
			names = append(names, e.Name)
		}
	}
	slices.Sort(names)
	var types []events.Type
	for _, name := range slices.Compact(names) {
		types = append(types, events.Type{Name: name})
	}
	return events.NewCodec(types...)
}

// history is a follow.History of one stream.
type history []events.Commit

func (h history) Read(_ context.Context, _ events.Stream, from int64, limit int) ([]events.Commit, error) {
	from = min(from, int64(len(h))+1)
	return h[from-1 : min(int(from)-1+limit, len(h))], nil
}

// commits are those of the past and, as the last, one of the given events.
func (s *Scenario) commits(es []events.Data) (all []events.Commit) {
	s.t.Helper()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	if since := s.reactor.Describe().Since; since.After(at) {
		at = since
	}
	version := int64(0)
	add := func(es ...events.Data) {
		n := len(all) + 1
		version += int64(len(es))
		c := events.Commit{
			Stream: s.stream, Number: int64(n), Version: version, ID: fmt.Sprintf("commit-%d", n), Actor: "actor", Time: at,
			Commands: []events.Command{{ID: fmt.Sprintf("command-%d", n), Version: version}},
		}
		for _, e := range es {
			c.Events = append(c.Events, events.Event{Name: e.EventName(), Schema: 1, Data: expect.JSON(s.t, "event "+e.EventName(), e)})
		}
		all, at = append(all, c), at.Add(time.Second)
	}
	for _, e := range s.past {
		add(e)
	}
	add(es...)
	if s.change != nil {
		s.change(&all[len(all)-1])
	}
	return all
}

// Then expects exactly these steps to have been taken, in this order, each
// command of a group for itself: what Send, After and Cancel return. Commands
// that were rejected are among them. Without steps it expects nothing.
func (s *Scenario) Then(steps ...process.Step) *Scenario {
	s.t.Helper()
	s.needsHandled()
	want, err := s.expected(steps)
	if err != nil {
		s.t.Fatalf("the expected steps: %v", err)
	}
	expect.Same(s.t, "steps", s.lines(want), s.lines(s.recorder.Done()))
	return s
}

// cause stands for whatever event the expected steps are done because of.
type cause struct{}

func (cause) EventName() string { return "cause" }

// expected does the steps as a manager would because of the same commit.
func (s *Scenario) expected(steps []process.Step) ([]Effect, error) {
	d := s.reactor.Describe()
	c := s.commit
	c.Version, c.Events = c.First(), []events.Event{{Name: cause{}.EventName(), Schema: 1, Data: jsontext.Value("{}")}}
	m := process.New[struct{}](d.Name, d.Aggregates...).Sends(d.Sends...).React(func(cause, process.Meta) process.Reaction {
		return process.Do(steps...)
	})
	ledger, recorder := &Memory{}, &Recorder{}
	before := process.Entry{Key: process.Key{Reactor: d.Name, Stream: s.stream}, Commit: c.Number - 1, Revision: 1, Timers: s.before.Timers}
	if err := ledger.Save(context.Background(), before); err != nil {
		return nil, err
	}
	fault, err := run(m, ledger, recorder, history{c}, history{c})
	if fault != nil {
		err = fmt.Errorf("%s", fault.Text)
	}
	return recorder.Done(), err
}

// ThenPublishes expects exactly these data of integration events of a type with its
// version ("com.example.shop.order-confirmed.v1"), in order; none says that none
// was published.
func (s *Scenario) ThenPublishes(eventType string, expected ...any) *Scenario {
	s.t.Helper()
	s.needsHandled()
	ExpectPublished(s.t, s.recorder.Done(), eventType, expected...)
	return s
}

// ExpectPublished fails the test unless effects publish exactly these data of
// integration events of a type with its version, in order.
func ExpectPublished(t testing.TB, effects []Effect, eventType string, expected ...any) {
	t.Helper()
	var got, want []string
	for _, e := range effects {
		if e.Event != nil && e.Event.Type == eventType {
			got = append(got, expect.Line(eventType, e.Event.Data))
		}
	}
	for _, data := range expected {
		want = append(want, expect.Line(eventType, expect.JSON(t, "the expected event "+eventType, data)))
	}
	expect.Same(t, "integration events", want, got)
}

// ThenParks expects the reactor to be unable to handle the commit, with that code.
func (s *Scenario) ThenParks(code events.Code) *Scenario {
	s.t.Helper()
	expect.When(s.t, s.ran)
	switch {
	case s.fault == nil:
		s.t.Fatalf("expected the stream to be parked with %s, but the commit was handled: %q", code, s.lines(s.recorder.Done()))
	case s.fault.Code != code:
		s.t.Fatalf("expected the stream to be parked with %s, got %s", code, s.fault.Text)
	}
	return s
}

func (s *Scenario) needsHandled() {
	s.t.Helper()
	expect.When(s.t, s.ran)
	if s.fault != nil {
		s.t.Fatalf("the stream was parked: %s", s.fault.Text)
	}
}

// lines are those of effects, without what is derived.
func (s *Scenario) lines(effects []Effect) (lines []string) {
	timers := map[string]string{} // by name
	for label, name := range s.before.Timers {
		timers[name] = label
	}
	command := func(r process.Request) string {
		return fmt.Sprintf("command to %q: %s", r.ID, expect.Line(r.Command, r.Payload))
	}
	for _, e := range effects {
		var line string
		switch {
		case e.Command != nil:
			line = command(*e.Command)
		case e.Timer != nil:
			timers[e.Timer.Name] = e.Timer.Label[strings.LastIndexByte(e.Timer.Label, ' ')+1:]
			line = fmt.Sprintf("timer %s at %s: %s", timers[e.Timer.Name], e.Timer.At.Format(time.RFC3339Nano), command(e.Timer.Command))
		case e.Event != nil:
			line = "event " + expect.Line(e.Event.Type, e.Event.Data)
		default:
			line = "cancel timer " + timers[e.Cancel]
		}
		lines = append(lines, line)
	}
	return lines
}
