package functions

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"daybook"
	"daybook/aggregate"
	"daybook/dynamo"
	"daybook/events"
	"daybook/localstack/embedded"
	"daybook/process"
	"daybook/process/processtest"
)

// Of two small aggregates: a door that opens when its guard agrees.
type (
	state  struct{ Open, Busy bool }
	knock  struct{}
	opened struct{}
	asked  struct{}
	none   struct{}

	knockDoor struct{}
	openDoor  struct{}
	askGuard  struct{}
)

func (knock) EventName() string       { return "door-knocked" }
func (opened) EventName() string      { return "door-opened" }
func (asked) EventName() string       { return "guard-asked" }
func (knockDoor) CommandName() string { return "knock" }
func (openDoor) CommandName() string  { return "open-door" }
func (askGuard) CommandName() string  { return "ask-guard" }

func doors() []aggregate.Aggregate {
	return []aggregate.Aggregate{
		aggregate.New[state]("door").
			Event(func(s state, _ knock) state { return s }).
			Event(func(s state, _ opened) state { s.Open = true; return s }).
			Command(func(state, knockDoor) aggregate.Decision { return aggregate.Emit(knock{}) }).
			Command(func(s state, _ openDoor) aggregate.Decision {
				if s.Open {
					return aggregate.Reject("door-is-open", "the door is open already")
				}
				return aggregate.Emit(opened{})
			}),
		aggregate.New[state]("guard").
			Event(func(s state, _ asked) state { s.Busy = true; return s }).
			Command(func(s state, _ askGuard) aggregate.Decision {
				if s.Busy {
					return aggregate.Reject("guard-is-busy", "the guard is busy")
				}
				return aggregate.Emit(asked{})
			}),
	}
}

func doorman() []process.Reactor {
	return []process.Reactor{
		process.New[struct{}]("doorman", "door").Sends(openDoor{}, askGuard{}).React(func(_ knock, m process.Meta) process.Reaction {
			return process.Do(
				process.After("patience", time.Minute, process.Send(m.ID(), openDoor{})),
				process.All(process.Send("of-"+m.ID(), askGuard{})).Then(process.Send(m.ID(), openDoor{})))
		}),
		process.NewOutbox[struct{}]("news", "door").
			Publish("com.example.door-opened", 1, func(struct{}, opened, process.Meta) none { return none{} }),
	}
}

func record(stream string, commit, sequence int) string {
	return fmt.Sprintf(`{"eventName":"INSERT","dynamodb":{"Keys":{"stream":{"S":%q},"commit":{"N":"%d"}},"SequenceNumber":"%d"}}`, stream, commit, sequence)
}

// house is the process function on an embedded DynamoDB, and what is around it.
type house struct {
	t            *testing.T
	function     Handler
	store        *dynamo.EventStore
	commands     *aggregate.Handler
	outside      *processtest.Recorder
	log, metrics bytes.Buffer
}

func newHouse(t *testing.T, tenancy daybook.Tenancy) *house {
	t.Helper()
	db, err := embedded.Open(t.Context(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // nothing is kept
	h := &house{t: t, outside: &processtest.Recorder{}}
	c := Config{
		EventsTable: "test-events", ClaimsTable: "test-claims", ProcessesTable: "test-processes", ViewPrefix: "test", Region: "eu-west-1",
		Endpoint: "http://embedded", Credentials: dynamo.StaticCredentials("a", "b"), Transport: db.RoundTripper(), LogTo: &h.log, Metrics: &h.metrics,
		Timers: h.outside, Publisher: h.outside,
	}
	if err := dynamo.Create(t.Context(), c.client(noSpans{}), "test", dynamo.EventsTable(), dynamo.ClaimsTable(), dynamo.ProcessesTable()); err != nil {
		t.Fatal(err)
	}
	h.store = dynamo.NewEventStore(c.client(noSpans{}), c.EventsTable, dynamo.WithClaims(c.ClaimsTable))
	if h.commands, err = aggregate.NewHandler(h.store, doors(), &aggregate.Options{Tenants: tenancy.On()}); err != nil {
		t.Fatal(err)
	}
	if h.function, err = NewProcess(daybook.App{Name: "house", Aggregates: doors(), Processes: doorman(), Tenancy: tenancy}, c); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) invoke(records ...string) {
	h.t.Helper()
	out, err := h.function.Invoke(h.t.Context(), []byte(`{"Records":[`+strings.Join(records, ",")+`]}`))
	if err != nil || string(out) != `{"batchItemFailures":[]}` {
		h.t.Fatalf("%s, %v\n%s", out, err, &h.log)
	}
}

// The commands of a process go to the tenant of the event, also those of timers.
func TestProcessOfTenants(t *testing.T) {
	t.Parallel()
	h := newHouse(t, daybook.Tenancy{Claim: "org"})
	for _, tenant := range []string{"acme", "globex"} {
		if _, err := h.commands.Handle(t.Context(), aggregate.Command{Tenant: tenant, Name: "knock", ID: "7", CommandID: "request"}); err != nil {
			t.Fatal(err)
		}
	}
	h.invoke(record("acme:door/7", 1, 1), record("globex:door/7", 1, 2))
	h.invoke(record("acme:door/7", 2, 3), record("globex:door/7", 2, 4))
	ids := map[string]bool{}
	for _, tenant := range []string{"acme", "globex"} {
		for stream, n := range map[events.Stream]int{"door/7": 2, "guard/of-7": 1} {
			commits, err := h.store.Load(t.Context(), stream.In(tenant), 0)
			if err != nil || len(commits) != n {
				t.Fatalf("%s of %s: %+v, %v", stream, tenant, commits, err)
			}
			if c := commits[n-1]; c.Actor != "process/doorman" || c.Causation != tenant+":door/7@1" || ids[c.Commands[0].ID] {
				t.Errorf("got %+v", c)
			} else {
				ids[c.Commands[0].ID] = true
			}
		}
		if !strings.Contains(h.metrics.String(), `"tenant":"`+tenant+`","accepted":1`) || !strings.Contains(h.log.String(), `"tenant":"`+tenant+`"`) {
			t.Errorf("%s: metrics %s\nlog %s", tenant, &h.metrics, &h.log)
		}
	}
	tenants := map[string]int{}
	for _, timer := range h.outside.Timers() {
		tenants[timer.Command.Tenant]++
	}
	for _, e := range h.outside.Published() {
		tenants[e.Tenant]++
	}
	if len(tenants) != 2 || tenants["acme"] != 2 || tenants["globex"] != 2 {
		t.Errorf("timers and integration events by tenant: %v", tenants)
	}
}

func TestProcess(t *testing.T) {
	t.Parallel()
	house := newHouse(t, daybook.Tenancy{})
	h, store, commands, outside, invoke, log, metrics := house.function, house.store, house.commands, house.outside, house.invoke, &house.log, &house.metrics
	if _, err := commands.Handle(t.Context(), aggregate.Command{Name: "knock", ID: "7", CommandID: "request"}); err != nil {
		t.Fatal(err)
	}
	invoke(record("door/7", 1, 1))
	invoke(record("door/7", 1, 2), record("door/7", 2, 3))
	commits, err := store.Load(t.Context(), "door/7", 0)
	if err != nil || len(commits) != 2 {
		t.Fatalf("%+v, %v", commits, err)
	}
	if c := commits[1]; c.Actor != "process/doorman" || c.Causation != "door/7@1" || c.Correlation != "request" {
		t.Errorf("got %+v", c)
	}
	if e := outside.Published(); len(e) != 1 || e[0].Source != "test/news" || len(outside.Timers()) != 1 {
		t.Errorf("got %+v, %+v", e, outside.Timers())
	}
	// The guard is busy: nobody expects that, so the stream is parked.
	if _, err := commands.Handle(t.Context(), aggregate.Command{Name: "knock", ID: "7", CommandID: "again"}); err != nil {
		t.Fatal(err)
	}
	invoke(record("door/7", 3, 4))
	for _, want := range []string{
		`"msg":"stream parked","function":"process","reactor":"doorman","stream":"door/7","commit":3,"code":"guard-is-busy"`,
		`"command":"open-door"`, `"commands":2`, `"published":1`,
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %s in the log:\n%s", want, log)
		}
	}
	for _, want := range []string{`"process-commands":2`, `"process-timers":1`, `"process-published":1`, `"processes-parked":1`, `"process-duplicates-skipped":1`, `"accepted":1`} {
		if !strings.Contains(metrics.String(), want) {
			t.Errorf("no %s among the metrics:\n%s", want, metrics)
		}
	}
	if _, err := h.Invoke(t.Context(), []byte(`{"Records":7}`)); err == nil {
		t.Error("no batch, and no error")
	}
}

func TestProcessNeedsWhatItsReactorsUse(t *testing.T) {
	t.Parallel()
	recorder := &processtest.Recorder{}
	for _, test := range []struct {
		want string
		c    Config
	}{
		{"", Config{Timers: recorder, Publisher: recorder}},
		{"", Config{ScheduleGroup: "g", ScheduleRole: "r", ScheduleTarget: "t", EventBus: "b"}},
		{"no timers", Config{Publisher: recorder}},
		{"no timers", Config{ScheduleGroup: "g", EventBus: "b"}},
		{"no event b", Config{Timers: recorder}},
	} {
		want, c := test.want, test.c
		c.Credentials = dynamo.StaticCredentials("a", "b")
		_, err := NewProcess(daybook.App{Name: "house", Aggregates: doors(), Processes: doorman()}, c)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
