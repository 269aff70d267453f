package processtest

import (
	"context"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"slices"
	"strings"
	"time"

	"daybook/events"
	"daybook/follow"
	"daybook/process"
)

// TB is the part of testing.TB that a scenario needs.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
}

// Event is an integration event by its type with version
// ("com.example.shop.order-confirmed.v1"), with its data as a Go value.
type Event struct {
	Type string
	Data any
}

// Scenario is one test of a manager or an outbox: Given, When, then one of the
// Then methods. No store and no clock is involved.
type Scenario struct {
	t       TB
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
func Given(t TB, reactor process.Reactor, stream events.Stream, past ...events.Data) *Scenario {
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
	commits, err := s.commits(es)
	if err != nil {
		s.t.Fatalf("the events: %v", err)
		return s
	}
	ledger, past := &Memory{}, commits[:len(commits)-1]
	if fault, err := run(s.reactor, ledger, &Recorder{}, commits, past...); err != nil || fault != nil {
		s.t.Fatalf("what has happened can't be handled: %v, %+v", err, fault)
		return s
	}
	s.commit, s.before = commits[len(commits)-1], ledger.Entry(s.reactor.Describe().Name, s.stream)
	s.recorder = &Recorder{Answer: func(r process.Request) error {
		if code, ok := s.answers[[2]string{r.Command, r.ID}]; ok {
			return &events.Error{Code: code, Message: "rejected by the scenario", Rejected: true}
		}
		return nil
	}}
	if s.fault, err = run(s.reactor, ledger, s.recorder, commits, s.commit); err != nil {
		s.t.Fatalf("the reactor can't be run: %v", err)
	}
	return s
}

// run has a reactor handle some commits of a stream.
func run(reactor process.Reactor, ledger process.Ledger, recorder *Recorder, stream history, handle ...events.Commit) (*follow.Fault, error) {
	if err := reactor.Err(); err != nil {
		return nil, err
	}
	codec, err := codecOf(reactor, stream)
	if err != nil {
		return nil, err
	}
	runner, err := process.NewRunner(stream, codec, ledger, []process.Reactor{reactor}, recorder.Effects(), &process.Options{
		Parallel: 1, Concurrency: 1, Fresh: -1, // in order
		Now: func() time.Time { return stream[len(stream)-1].Time },
	})
	if err != nil {
		return nil, err
	}
	var deliveries []follow.Delivery
	for _, c := range handle {
		deliveries = append(deliveries, follow.Delivery{Stream: c.Stream, Number: c.Number, Commit: &c})
	}
	report := runner.Handle(context.Background(), deliveries)
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
func (s *Scenario) commits(es []events.Data) ([]events.Commit, error) {
	begin := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	if since := s.reactor.Describe().Since; since.After(begin) {
		begin = since
	}
	groups := [][]events.Data{}
	for _, e := range s.past {
		groups = append(groups, []events.Data{e})
	}
	groups = append(groups, es)
	var all []events.Commit
	version := int64(0)
	for i, group := range groups {
		c := events.Commit{
			Stream: s.stream, Number: int64(i) + 1, ID: fmt.Sprintf("commit-%d", i+1), Actor: "actor",
			Time:     begin.Add(time.Duration(i) * time.Second),
			Commands: []events.Command{{ID: fmt.Sprintf("command-%d", i+1)}},
		}
		for _, e := range group {
			data, err := json.Marshal(e, json.Deterministic(true))
			if err != nil {
				return nil, fmt.Errorf("event %s: %w", e.EventName(), err)
			}
			c.Events = append(c.Events, events.Event{Name: e.EventName(), Schema: 1, Data: data})
		}
		version += int64(len(group))
		c.Version = version
		c.Commands[0].Version = version
		all = append(all, c)
	}
	if last := &all[len(all)-1]; s.change != nil {
		s.change(last)
	}
	return all, nil
}

// Then expects exactly these steps to have been taken, in this order, each
// command of a group for itself: what Send, After and Cancel return. Commands
// that were rejected are among them. Without steps it expects nothing.
func (s *Scenario) Then(steps ...process.Step) *Scenario {
	s.t.Helper()
	if !s.handled() {
		return s
	}
	want, err := s.expected(steps)
	if err != nil {
		s.t.Fatalf("the expected steps: %v", err)
		return s
	}
	if got, want := s.text(s.recorder.Done()), s.text(want); got != want {
		s.t.Fatalf("expected\n%sgot\n%s", want, got)
	}
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
	m := process.New[struct{}](d.Name, d.Aggregates...).React(func(cause, process.Meta) process.Reaction {
		return process.Do(steps...)
	})
	ledger, recorder := &Memory{}, &Recorder{}
	before := process.Entry{Key: process.Key{Reactor: d.Name, Stream: s.stream}, Commit: c.Number - 1, Revision: 1, Timers: s.before.Timers}
	if err := ledger.Save(context.Background(), before); err != nil {
		return nil, err
	}
	fault, err := run(m, ledger, recorder, history{c}, c)
	if fault != nil {
		err = fmt.Errorf("%s", fault.Text)
	}
	return recorder.Done(), err
}

// ThenPublishes expects exactly these integration events, in order.
func (s *Scenario) ThenPublishes(expected ...Event) *Scenario {
	s.t.Helper()
	if !s.handled() {
		return s
	}
	var want []Effect
	for _, e := range expected {
		data, err := json.Marshal(e.Data, json.Deterministic(true))
		if err != nil {
			s.t.Fatalf("the expected event %s: %v", e.Type, err)
			return s
		}
		want = append(want, Effect{Event: &process.CloudEvent{Type: e.Type, Data: data}})
	}
	if got, want := s.text(s.recorder.Done()), s.text(want); got != want {
		s.t.Fatalf("expected\n%sgot\n%s", want, got)
	}
	return s
}

// ThenParks expects the reactor to be unable to handle the commit, with that code.
func (s *Scenario) ThenParks(code events.Code) *Scenario {
	s.t.Helper()
	switch {
	case !s.ran:
		s.t.Fatalf("Then without When")
	case s.fault == nil:
		s.t.Fatalf("expected the stream to be parked with %s, but the commit was handled:\n%s", code, s.text(s.recorder.Done()))
	case s.fault.Code != code:
		s.t.Fatalf("expected the stream to be parked with %s, got %s", code, s.fault.Text)
	}
	return s
}

func (s *Scenario) handled() bool {
	s.t.Helper()
	switch {
	case !s.ran:
		s.t.Fatalf("Then without When")
	case s.fault != nil:
		s.t.Fatalf("the stream was parked: %s", s.fault.Text)
	case s.recorder == nil:
		return false
	}
	return s.ran && s.fault == nil
}

// text writes effects a line each, without what is derived.
func (s *Scenario) text(effects []Effect) string {
	var b strings.Builder
	timers := map[string]string{} // by name
	for label, name := range s.before.Timers {
		timers[name] = label
	}
	for _, e := range effects {
		switch {
		case e.Command != nil:
			fmt.Fprintf(&b, "  command %s to %q: %s\n", e.Command.Command, e.Command.ID, canonical(e.Command.Payload))
		case e.Timer != nil:
			c := e.Timer.Command
			timers[e.Timer.Name] = e.Timer.Label[strings.LastIndexByte(e.Timer.Label, ' ')+1:]
			fmt.Fprintf(&b, "  timer %s at %s: command %s to %q: %s\n", timers[e.Timer.Name], e.Timer.At.Format(time.RFC3339Nano), c.Command, c.ID, canonical(c.Payload))
		case e.Event != nil:
			fmt.Fprintf(&b, "  event %s: %s\n", e.Event.Type, canonical(e.Event.Data))
		default:
			fmt.Fprintf(&b, "  cancel timer %s\n", timers[e.Cancel])
		}
	}
	if b.Len() == 0 {
		return "  nothing\n"
	}
	return b.String()
}

func canonical(v jsontext.Value) string {
	v = v.Clone()
	_ = v.Canonicalize(jsontext.CanonicalizeRawInts(false), jsontext.CanonicalizeRawFloats(false)) // valid
	return string(v)
}
