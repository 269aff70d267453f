package daybooktest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"daybook"
	"daybook/events"
	"daybook/internal/expect"
	"daybook/process"
	"daybook/process/processtest"
	"daybook/view/viewtest"
)

// Scenario is one test of an application: what has happened on its streams, a
// command or events, and their effects in aggregates, views and processes.
// It runs what a deployment runs, on stores in memory and a clock of its own.
type Scenario struct {
	t     testing.TB
	app   daybook.App
	world *world
	err   error

	ran    bool
	target events.Stream
	from   int // the first commit that is looked at
}

// Given begins a scenario of an application in which nothing has happened. A test
// of one aggregate, view or process needs less: see aggregatetest, viewtest and
// processtest.
func Given(t testing.TB, app daybook.App) *Scenario {
	t.Helper()
	w, err := newWorld(app)
	if err != nil {
		t.Fatalf("application %s: %v", app.Name, err)
	}
	return &Scenario{t: t, app: app, world: w}
}

// Stream says what has happened on a stream: one commit for each event, at times a
// second apart. Processes have handled them: they remember, their timers are set,
// and their commands were accepted, but changed nothing: say what they changed
// with Stream too. Values that a commit claims are claimed by commands only.
//
// In an application with tenants, a stream that a test names without a tenant is one of
// Tenant; those of other tenants are named in full, "acme:user/7".
func (s *Scenario) Stream(stream events.Stream, past ...events.Data) *Scenario {
	s.t.Helper()
	stream = s.world.in(stream)
	s.add(stream, past, false)
	if err := s.world.settle(false); err != nil {
		s.t.Fatalf("what has happened on %s: %v", stream, err)
	}
	return s
}

func (s *Scenario) add(stream events.Stream, es []events.Data, together bool) {
	s.t.Helper()
	if err := s.world.add(stream, es, together); err != nil {
		s.t.Fatalf("events of %s: %v", stream, err)
	}
}

// When handles a command of a client. A later When begins anew: expectations are
// about what has come since, and commands of processes that RunProcesses was not
// asked to handle are taken for accepted, as those of Stream are.
func (s *Scenario) When(stream events.Stream, command events.Payload) *Scenario {
	s.t.Helper()
	body := expect.JSON(s.t, "the payload of "+command.CommandName(), command)
	stream = s.world.in(stream)
	s.begin(stream)
	if of := s.world.owner[command.CommandName()]; of != "" && of != stream.Aggregate() {
		s.t.Fatalf("command %s is one of aggregate %s: send it to a stream of it, not to %s", command.CommandName(), of, stream)
	}
	s.err = expect.Shown(s.world.command(process.Request{Tenant: stream.Tenant(), Command: command.CommandName(), ID: stream.ID(), Payload: body, Actor: "actor"}))
	return s
}

// WhenEvents stores one commit of the given events, whatever the aggregate would
// decide.
func (s *Scenario) WhenEvents(stream events.Stream, es ...events.Data) *Scenario {
	s.t.Helper()
	stream = s.world.in(stream)
	s.begin(stream)
	s.add(stream, es, true)
	return s
}

func (s *Scenario) begin(stream events.Stream) {
	s.t.Helper()
	if s.ran { // what the command before set off was looked at or not: it is over
		if err := s.world.settle(false); err != nil {
			s.t.Fatalf("processes: %v", err)
		}
	}
	s.ran, s.target, s.err = true, stream, nil
	s.from = len(s.world.commits)
	s.world.begin()
}

// RunProcesses has the processes handle all events, and those of their commands,
// until only timers are left to wait for. Without it, their commands are looked
// at, not handled.
func (s *Scenario) RunProcesses() *Scenario {
	s.t.Helper()
	expect.When(s.t, s.ran)
	if err := s.world.settle(true); err != nil {
		s.t.Fatalf("processes: %v", err)
	}
	return s
}

// After is RunProcesses, and then lets time go by: timers that are due fire, in
// order, and what they set off is handled.
func (s *Scenario) After(d time.Duration) *Scenario {
	s.t.Helper()
	s.RunProcesses()
	if err := s.world.wait(d); err != nil {
		s.t.Fatalf("processes: %v", err)
	}
	return s
}

// Then expects exactly these events on the stream of When, in order; none says
// that there was nothing to do.
func (s *Scenario) Then(expected ...events.Data) *Scenario {
	s.t.Helper()
	return s.ThenOn(s.target, expected...)
}

// ThenOn expects exactly these events on a stream, in order.
func (s *Scenario) ThenOn(stream events.Stream, expected ...events.Data) *Scenario {
	s.t.Helper()
	s.needsAccepted()
	stream = s.world.in(stream)
	var got, want []events.Event
	for _, c := range s.world.commits[s.from:] {
		if c.Stream == stream {
			got = append(got, c.Events...)
		}
	}
	for _, e := range expected {
		encoded, err := s.world.codec.Encode(e.EventName(), e)
		if err != nil {
			s.t.Fatalf("the expected events on %s: %v", stream, err)
		}
		want = append(want, encoded)
	}
	expect.Same(s.t, "events on "+string(stream), expect.Events(want), expect.Events(got))
	return s
}

// ThenRejected expects When to have been rejected with the domain's code.
func (s *Scenario) ThenRejected(code string) *Scenario {
	s.t.Helper()
	expect.When(s.t, s.ran)
	expect.Rejected(s.t, code, s.err, fmt.Sprintf("%d commits", len(s.world.commits)-s.from))
	return s
}

// ThenRow expects the row of a key of a view, a value of the view's row type, made
// of all that has happened: to the tenant of When, in an application with tenants.
func (s *Scenario) ThenRow(name, key string, row any) *Scenario {
	s.t.Helper()
	s.rows(name).ThenRow(key, row)
	return s
}

// ThenNoRow expects that a view has no row of that key.
func (s *Scenario) ThenNoRow(name, key string) *Scenario {
	s.t.Helper()
	s.rows(name).ThenNoRow(key)
	return s
}

// rows are the rows of a view, of the tenant of When, whose streams are named as in an
// application without tenants.
func (s *Scenario) rows(name string) *viewtest.Rows {
	s.t.Helper()
	expect.When(s.t, s.ran)
	for _, v := range s.app.Views {
		d := v.Describe()
		if d.Name != name {
			continue
		}
		commits := slices.DeleteFunc(slices.Clone(s.world.commits), func(c events.Commit) bool {
			return !slices.Contains(d.Aggregates, c.Stream.Aggregate()) || c.Stream.Tenant() != s.target.Tenant()
		})
		for i := range commits {
			commits[i].Stream = commits[i].Stream.In("")
		}
		return viewtest.Given(s.t, s.world.codec, v, commits...)
	}
	s.t.Fatalf("application %s has no view %q", s.app.Name, name)
	return nil
}

// ThenSends expects that processes sent exactly these commands to a stream, in
// order, those that were rejected and those of timers that fired included.
func (s *Scenario) ThenSends(stream events.Stream, expected ...events.Payload) *Scenario {
	s.t.Helper()
	s.needsAccepted()
	stream = s.world.in(stream)
	var got, want []string
	for _, e := range s.done() {
		if c := e.Command; c != nil && c.Tenant == stream.Tenant() && c.ID == stream.ID() && s.world.owner[c.Command] == stream.Aggregate() {
			got = append(got, expect.Line(c.Command, c.Payload))
		}
	}
	for _, c := range expected {
		want = append(want, expect.Line(c.CommandName(), expect.JSON(s.t, "the payload of "+c.CommandName(), c)))
	}
	expect.Same(s.t, "commands to "+string(stream), want, got)
	return s
}

// ThenPublishes expects exactly these data of integration events of a type with its
// version ("com.example.shop.order-confirmed.v1"), in order; none says that none
// was published.
func (s *Scenario) ThenPublishes(eventType string, expected ...any) *Scenario {
	s.t.Helper()
	s.needsAccepted()
	processtest.ExpectPublished(s.t, s.done(), eventType, expected...)
	return s
}

func (s *Scenario) needsAccepted() {
	s.t.Helper()
	expect.When(s.t, s.ran)
	if s.err != nil {
		s.t.Fatalf("the command to %s: %v", s.target, s.err)
	}
}
