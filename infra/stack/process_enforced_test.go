package stack_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"daybook/aggregate"
	"daybook/aggregate/async"
	"daybook/dynamo"
	"daybook/events"
	"daybook/follow"
	"daybook/functions"
	"daybook/internal/testdomain"
	"daybook/localstack/embedded"
	"daybook/messaging"
	"daybook/process"
)

// memberEvent is what the test reads of a member's events.
type memberEvent struct {
	Name string `json:"name"`
}

func (memberEvent) EventName() string { return "member-created" }

type memberRenamed struct{}

func (memberRenamed) EventName() string { return "member-renamed" }

// renameMember is what the test sends a member.
type renameMember struct {
	Name string `json:"name"`
}

func (renameMember) CommandName() string { return "rename-member" }

// greeter uses all that a process manager can: it sends a command, sets a timer
// and cancels it.
var greeter = process.New[struct{}]("greeter", "member").
	Sends(renameMember{}).
	React(func(_ memberEvent, m process.Meta) process.Reaction {
		rename := process.Send(m.ID(), renameMember{"Greeted"})
		return process.Do(process.After("again", time.Hour, rename), rename)
	}).
	React(func(memberRenamed, process.Meta) process.Reaction {
		return process.Do(process.Cancel("again"))
	})

// announcer publishes.
var announcer = process.NewOutbox[struct{}]("announcer", "member").
	Publish("com.example.school.member-created", 1, func(_ struct{}, e memberEvent, _ process.Meta) memberEvent { return e })

// Process managers and outboxes do their work with what the template grants the
// process function, and it is granted nothing else.
func TestProcessPermissionsAreEnoughAndUsed(t *testing.T) {
	t.Parallel()
	tpl := variant(t, "http-iam")
	db, err := embedded.Open(t.Context(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	g := newGuard(tpl, "process", db.RoundTripper(), &services{tpl: tpl, messages: make(map[string][]string)})
	client := func(transport http.RoundTripper) dynamo.Options {
		return dynamo.Options{Region: "us-east-1", Endpoint: "http://embedded", Credentials: dynamo.StaticCredentials("a", "b"), Transport: transport}
	}
	if err := dynamo.Create(t.Context(), dynamo.New(client(db.RoundTripper())), "daybook-dev", dynamo.EventsTable(), dynamo.ClaimsTable(), dynamo.ProcessesTable()); err != nil {
		t.Fatal(err)
	}
	guarded := dynamo.New(client(g))
	store := dynamo.NewEventStore(guarded, "daybook-dev-events", dynamo.WithClaims("daybook-dev-claims"))
	handler, err := aggregate.NewHandler(store, testdomain.Aggregates(), nil)
	if err != nil {
		t.Fatal(err)
	}
	codec, err := aggregate.Codec(testdomain.Aggregates())
	if err != nil {
		t.Fatal(err)
	}
	to := messaging.Options{Region: "us-east-1", Endpoint: "http://embedded", Credentials: dynamo.StaticCredentials("a", "b"), Transport: g}
	encode := func(_ context.Context, c aggregate.Command) (async.Message, error) { return async.Encode(handler, c) }
	runner, err := process.NewRunner(store, codec, dynamo.NewProcesses(guarded, "daybook-dev-processes"), []process.Reactor{greeter, announcer}, process.Effects{
		Commands:  functions.Commands(handler),
		Timers:    messaging.NewTimers(messaging.TimersConfig{Group: "daybook-dev", Role: timersRole + ".Arn", Target: "queue", Encode: encode}, to),
		Publisher: messaging.NewPublisher("AWS::Events::EventBus", to),
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := handler.Handle(t.Context(), aggregate.Command{Name: "create-member", ID: "7", Payload: []byte(`{"name":"Ada","email":"a@b.example"}`), CommandID: "c"}); err != nil {
		t.Fatal(err)
	}
	for number := range int64(2) {
		delivery := follow.Delivery{Stream: events.Stream("member/7"), Number: number + 1, Sequence: "1"}
		if report := runner.Handle(t.Context(), []follow.Delivery{delivery}); report.Err != nil || len(report.Faults) > 0 {
			t.Fatalf("commit %d: %+v", number+1, report)
		}
	}
	g.check(t)
}
