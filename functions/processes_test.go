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

func TestProcess(t *testing.T) {
	t.Parallel()
	db, err := embedded.Open(t.Context(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // nothing is kept
	var log, metrics bytes.Buffer
	outside := &processtest.Recorder{}
	c := Config{
		EventsTable: "test-events", ClaimsTable: "test-claims", ProcessesTable: "test-processes", ViewPrefix: "test", Region: "eu-west-1",
		Endpoint: "http://embedded", Credentials: dynamo.StaticCredentials("a", "b"), Transport: db.RoundTripper(), LogTo: &log, Metrics: &metrics,
		Timers: outside, Publisher: outside,
	}
	if err := dynamo.Create(t.Context(), c.client(noSpans{}), "test", dynamo.EventsTable(), dynamo.ClaimsTable(), dynamo.ProcessesTable()); err != nil {
		t.Fatal(err)
	}
	store := dynamo.NewEventStore(c.client(noSpans{}), c.EventsTable, dynamo.WithClaims(c.ClaimsTable))
	commands, err := aggregate.NewHandler(store, doors(), nil)
	if err != nil {
		t.Fatal(err)
	}
	h, err := NewProcess(daybook.App{Name: "house", Aggregates: doors(), Processes: doorman()}, c)
	if err != nil {
		t.Fatal(err)
	}
	invoke := func(records ...string) {
		t.Helper()
		out, err := h.Invoke(t.Context(), []byte(`{"Records":[`+strings.Join(records, ",")+`]}`))
		if err != nil || string(out) != `{"batchItemFailures":[]}` {
			t.Fatalf("%s, %v\n%s", out, err, &log)
		}
	}
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
			t.Errorf("no %s in the log:\n%s", want, &log)
		}
	}
	for _, want := range []string{`"process-commands":2`, `"process-timers":1`, `"process-published":1`, `"processes-parked":1`, `"process-duplicates-skipped":1`, `"accepted":1`} {
		if !strings.Contains(metrics.String(), want) {
			t.Errorf("no %s among the metrics:\n%s", want, &metrics)
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
