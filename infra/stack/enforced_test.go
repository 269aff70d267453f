package stack_test

import (
	"bytes"
	"encoding/json/v2"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	awsevents "github.com/aws/aws-lambda-go/events"

	"daybook"
	"daybook/aggregate"
	"daybook/dynamo"
	"daybook/functions"
	"daybook/internal/testdomain"
	"daybook/localstack/embedded"
	"daybook/view"
	"daybook/view/admin"
)

// The functions do their work with what the template grants them, and are
// granted nothing that their work does not use.
func TestPermissionsAreEnoughAndUsed(t *testing.T) {
	t.Parallel()
	tpl := variant(t, "http-iam")
	db, err := embedded.Open(t.Context(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	config := functions.Config{
		EventsTable: "daybook-dev-events", ClaimsTable: "daybook-dev-claims", ViewPrefix: "daybook-dev", Region: "us-east-1", Endpoint: "http://embedded",
		RequestsTable: "daybook-dev-requests", CommandQueue: "http://embedded/1/daybook-dev-commands.fifo", DeadQueue: "http://embedded/1/daybook-dev-dead-commands.fifo",
		Credentials: dynamo.StaticCredentials("a", "b"), LogTo: io.Discard,
	}
	client := dynamo.New(dynamo.Options{Region: config.Region, Endpoint: config.Endpoint, Credentials: config.Credentials, Transport: db.RoundTripper()})
	specs := []dynamo.TableSpec{dynamo.EventsTable(), dynamo.ClaimsTable(), dynamo.ControlTable(), dynamo.RequestsTable()}
	for _, v := range testdomain.Views() {
		specs = append(specs, dynamo.ViewTable(v.Describe()))
	}
	if err := dynamo.Create(t.Context(), client, "daybook-dev", specs...); err != nil {
		t.Fatal(err)
	}
	services := &services{tpl: tpl, messages: make(map[string][]string)}
	w := &work{t: t, services: services, handlers: make(map[string]functions.Handler), next: 1}
	guards := make(map[string]*guard)
	for name, construct := range map[string]func(daybook.App, functions.Config) (functions.Handler, error){
		"command": functions.NewCommand, "query": functions.NewQuery, "projector": functions.NewProjector,
	} {
		c := config
		guards[name] = newGuard(tpl, name, db.RoundTripper(), services)
		c.Transport, c.Messaging = guards[name], guards[name]
		if w.handlers[name], err = construct(testdomain.App(), c); err != nil {
			t.Fatal(err)
		}
	}
	w.school()
	rebuild(t, client)
	// Instances that start after the switch, and remember no stream.
	c := config
	c.Transport = guards["query"]
	if w.handlers["query"], err = functions.NewQuery(testdomain.App(), c); err != nil {
		t.Fatal(err)
	}
	c.Transport, c.Messaging = guards["command"], guards["command"]
	if w.handlers["command"], err = functions.NewCommand(testdomain.App(), c); err != nil {
		t.Fatal(err)
	}
	w.read()
	w.send("rename-member", `{"id":"7","payload":{"name":"Ada"}}`, "member/7", 3)
	w.send("move-course-area", `{"id":"1","payload":{"area":"food"}}`, "course/1", 3)
	w.send("cancel-booking", `{"id":"5","payload":{"reason":"mind changed"}}`, "booking/5", 2)
	w.later()
	for _, g := range guards {
		g.check(t)
	}
}

// spare are grants that the work here does not come to.
func spare(grant string) bool {
	action, on, _ := strings.Cut(grant, " ")
	for _, v := range testdomain.Views() {
		for _, old := range view.Versions([]view.View{v}) {
			if d := old.Describe(); d.Version < v.Describe().Version && strings.HasPrefix(on, "<daybook-dev-"+dynamo.ViewTable(d).Name+">") {
				return true // an installation that began with the newest version has no use for the table
			}
		}
	}
	return slices.Contains([]string{
		"dynamodb:BatchGetItem", // several keys at once: a large batch, a query of several keys
		"dynamodb:GetItem",      // one key: a row not seen yet, or once more after a conflict
		"dynamodb:DeleteItem",   // a row that its view drops, which no view of the test domain does; a claim given back
		// a stream that a decision over several looks at and leaves as it is
		"dynamodb:ConditionCheckItem",
	}, action)
}

// work drives the functions with the events of API Gateway and of the stream.
type work struct {
	t        *testing.T
	services *services
	handlers map[string]functions.Handler
	next     int
}

// school is the test domain at work: every view written, every index read.
func (w *work) school() {
	w.send("create-member", `{"id":"7","payload":{"name":"Ada","email":"ada@example.com"}}`, "member/7", 1)
	w.send("rename-member", `{"id":"7","payload":{"name":"Ada L"}}`, "member/7", 2)
	w.send("add-course", `{"id":"1","payload":{"name":"Tea","area":"food","fee":450,"currency":"EUR","seats":9}}`, "course/1", 1)
	w.send("move-course-area", `{"id":"1","payload":{"area":"drinks"}}`, "course/1", 2)
	w.send("place-booking", `{"id":"5","payload":{"member":"7","currency":"EUR","lines":[{"course":"1","quantity":1,"fee":450}]}}`, "booking/5", 1)
	w.read()
}

// rebuild rebuilds every view and switches to it, as an operator.
func rebuild(t *testing.T, client *dynamo.Client) {
	t.Helper()
	codec, err := aggregate.Codec(testdomain.Aggregates())
	if err != nil {
		t.Fatal(err)
	}
	store := dynamo.NewEventStore(client, "daybook-dev-events").StrongScan()
	r, err := admin.NewRebuilder(store, codec, dynamo.NewTables(client, "daybook-dev"), testdomain.Views(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range testdomain.Views() {
		p, err := r.Run(t.Context(), v.Describe().Name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Switch(t.Context(), p.Target, &admin.SwitchOptions{Delay: time.Nanosecond}); err != nil {
			t.Fatal(err)
		}
	}
}

func (w *work) read() {
	for _, path := range []string{
		"/members/7?after=member/7@2", "/members?email=ada@example.com", "/members?active=true&sort=name", "/members?sort=name",
		"/courses/1", "/courses?area=drinks&sort=fee", "/courses?area=drinks&sort=name",
		"/areas/drinks", "/areas?sort=-courses",
		"/bookings/5", "/bookings?member=7&sort=-placedAt", "/bookings?status=placed&sort=-placedAt",
		"/tallies/placed", "/tallies?id=placed", "/earnings?day=2026-01-01&sort=revenue", "/earnings?area=drinks&sort=day",
		"/streams/member/7", "/health", "/openapi.json",
	} {
		path, query, _ := strings.Cut(path, "?")
		w.http("query", "GET", path, query, "")
	}
}

// send sends a command and projects its commit.
func (w *work) send(command, body, stream string, commit int) {
	w.t.Helper()
	w.http("command", "POST", "/commands/"+command, "", body)
	record := fmt.Sprintf(`{"Records":[{"eventID":"%[3]d","eventName":"INSERT","eventSource":"aws:dynamodb","dynamodb":{"Keys":{"stream":{"S":%[1]q},"commit":{"N":"%[2]d"}},"SequenceNumber":"%[3]d00"}}]}`, stream, commit, w.next)
	w.next++
	out, err := w.handlers["projector"].Invoke(w.t.Context(), []byte(record))
	if err != nil || !bytes.Contains(out, []byte(`"batchItemFailures":[]`)) {
		w.t.Errorf("project %s: %s, %v", record, out, err)
	}
}

// later sends commands to be handled later, one of them poison, and has what the
// queue got handled.
func (w *work) later() {
	w.t.Helper()
	w.http("command", "POST", "/commands/rename-member", "", `{"id":"7","payload":{"name":"Grace"}}`, "prefer", "respond-async", "idempotency-key", "later")
	const queue = "daybook-dev-commands.fifo"
	messages := append(w.services.take(queue), `{"v":99}`)
	if len(messages) != 2 {
		w.t.Fatalf("the queue got %q, want one command", messages[:len(messages)-1])
	}
	var event awsevents.SQSEvent
	for i, body := range messages {
		event.Records = append(event.Records, awsevents.SQSMessage{
			MessageId: fmt.Sprint("m", i), Body: body, EventSource: "aws:sqs",
			Attributes: map[string]string{"ApproximateReceiveCount": "1", "SentTimestamp": "1700000000000", "MessageGroupId": fmt.Sprint("g", i)},
		})
	}
	payload, err := json.Marshal(event)
	if err != nil {
		w.t.Fatal(err)
	}
	out, err := w.handlers["command"].Invoke(w.t.Context(), payload)
	if err != nil || !bytes.Contains(out, []byte(`"batchItemFailures":[]`)) {
		w.t.Errorf("handle %s: %s, %v", payload, out, err)
	}
	if dead := w.services.take("daybook-dev-dead-commands.fifo"); len(dead) != 1 || dead[0] != messages[1] {
		w.t.Errorf("dead commands = %q, want the one that can't be read", dead)
	}
	w.http("query", "GET", "/commands/later", "", "")
}

// http sends a request; more are names and values of headers.
func (w *work) http(function, method, path, query, body string, more ...string) {
	w.t.Helper()
	headers := map[string]string{"content-type": "application/json"}
	for i := 0; i+1 < len(more); i += 2 {
		headers[more[i]] = more[i+1]
	}
	event, err := json.Marshal(awsevents.APIGatewayV2HTTPRequest{
		Version: "2.0", RawPath: path, RawQueryString: query, Body: body, Headers: headers,
		RequestContext: awsevents.APIGatewayV2HTTPRequestContext{
			Stage: "$default", HTTP: awsevents.APIGatewayV2HTTPRequestContextHTTPDescription{Method: method},
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	out, err := w.handlers[function].Invoke(w.t.Context(), event)
	if err != nil || !bytes.Contains(out, []byte(`"statusCode":20`)) {
		w.t.Errorf("%s %s?%s: %s, %v", method, path, query, out, err)
	}
}
