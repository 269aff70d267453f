package cli

import (
	"bytes"
	"context"
	"encoding/json/v2"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"daybook"
	"daybook/aggregate"
	"daybook/dynamo"
	"daybook/events"
	"daybook/follow"
	"daybook/internal/testdomain"
	"daybook/localstack/embedded"
	"daybook/localstack/queue"
	"daybook/localstack/wire"
	"daybook/view/projection"
)

const testStage = "test"

// site is an installation on an embedded DynamoDB and an embedded SQS.
type site struct {
	t         *testing.T
	endpoint  string
	transport http.RoundTripper // nil: the endpoint listens on a loopback port
	router    *wire.Router
	client    *dynamo.Client
	store     *dynamo.EventStore
	tables    *dynamo.Tables
	codec     *events.Codec
	handler   *aggregate.Handler
	p         *projection.Projector
	sent      int
	tenancy   daybook.Tenancy // of the application; none by default
}

// newSite is an installation that listens on a loopback port.
func newSite(t *testing.T) *site {
	t.Helper()
	s := newSiteInMemory(t)
	server := httptest.NewServer(s.router)
	t.Cleanup(server.Close)
	s.endpoint, s.transport = server.URL, nil
	return s
}

// bubble is synctest.Test for a test that uses the store.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	if err := dynamo.BuildCoders(); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, f)
}

// newSiteInMemory is an installation that is reached without a network, so that it
// can be in a bubble of synctest.
func newSiteInMemory(t *testing.T) *site {
	t.Helper()
	db, err := embedded.Open(t.Context(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	router := &wire.Router{Tables: db}
	s := &site{t: t, endpoint: "http://installation", transport: wire.Transport(router), router: router, client: dynamo.New(dynamo.Options{
		Region: "us-east-1", Endpoint: "http://dynamodb.embedded", Credentials: dynamo.StaticCredentials("local", "local"), Transport: db.RoundTripper(),
	})}
	prefix := "school-" + testStage
	specs := []dynamo.TableSpec{dynamo.EventsTable(), dynamo.ControlTable(), dynamo.ClaimsTable(), dynamo.RequestsTable(), dynamo.ProcessesTable(), queue.Table()}
	for _, v := range testdomain.Views() {
		specs = append(specs, dynamo.ViewTable(v.Describe()))
	}
	if err := dynamo.Create(t.Context(), s.client, prefix, specs...); err != nil {
		t.Fatal(err)
	}
	queues, err := queue.Open(t.Context(), queue.Options{Client: s.client, Table: dynamo.TableName(prefix, queue.Table())})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(queues.Close)
	router.Queue = queues
	s.store = dynamo.NewEventStore(s.client, dynamo.TableName(prefix, dynamo.EventsTable()), dynamo.WithClaims(dynamo.TableName(prefix, dynamo.ClaimsTable())))
	s.tables = dynamo.NewTables(s.client, prefix)
	if s.codec, err = aggregate.Codec(testdomain.Aggregates()); err != nil {
		t.Fatal(err)
	}
	if s.handler, err = aggregate.NewHandler(s.store, testdomain.Aggregates(), nil); err != nil {
		t.Fatal(err)
	}
	if s.p, err = projection.New(s.store, s.codec, s.tables, testdomain.Views(), &projection.Options{Routed: true}); err != nil {
		t.Fatal(err)
	}
	return s
}

// send handles a command; its commit is not projected.
func (s *site) send(command, id, payload string) {
	s.t.Helper()
	s.sent++
	c := aggregate.Command{Name: command, ID: id, Payload: []byte(payload), CommandID: fmt.Sprint("c-", s.sent), Actor: "tester"}
	if _, err := s.handler.Handle(s.t.Context(), c); err != nil {
		s.t.Fatalf("%s %s: %v", command, id, err)
	}
}

// school fills the installation with n members and n courses, one renamed and one
// repriced, and projects everything.
func (s *site) school(n int) {
	s.t.Helper()
	for i := range n {
		s.send("create-member", fmt.Sprint("u", i), fmt.Sprintf(`{"name":"Ann %d","email":"ann%d@example.com"}`, i, i))
		s.send("add-course", fmt.Sprint("p", i), fmt.Sprintf(`{"name":"Chess %d","area":"c%d","fee":%d,"currency":"EUR","seats":5}`, i, i%3, 1000+i))
	}
	s.send("rename-member", "u1", `{"name":"Anna"}`)
	s.send("change-course-fee", "p1", `{"fee":7}`)
	s.project()
}

// project posts all commits to all views.
func (s *site) project() {
	s.t.Helper()
	cursor := ""
	for {
		page, next, err := s.store.Scan(s.t.Context(), 0, 1, cursor)
		if err != nil {
			s.t.Fatal(err)
		}
		var batch []follow.Delivery
		for i := range page {
			batch = append(batch, follow.Delivery{Stream: page[i].Stream, Number: page[i].Number, Commit: &page[i], Sequence: fmt.Sprint(i)})
		}
		if r := s.p.Project(s.t.Context(), batch); r.Err != nil {
			s.t.Fatal(r.Err)
		}
		if cursor = next; cursor == "" {
			return
		}
	}
}

// raw appends events as they are, behind what the stream has.
func (s *site) raw(stream events.Stream, es ...events.Event) {
	s.t.Helper()
	at := events.Start(stream)
	commits, err := s.store.Load(s.t.Context(), stream, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	if len(commits) > 0 {
		at = events.After(&commits[len(commits)-1])
	}
	id := fmt.Sprint("raw-", at.Number())
	c := events.Commit{ID: id, Events: es, Commands: []events.Command{{ID: id, Version: at.Version() + int64(len(es))}}}
	if _, err := s.store.Append(s.t.Context(), at, c); err != nil {
		s.t.Fatal(err)
	}
}

// result is what a command line came to.
type result struct {
	code        int
	out, errors string
}

// do runs a command line on the installation.
func (s *site) do(args ...string) result {
	s.t.Helper()
	return s.doWith(s.t.Context(), "", args...)
}

func (s *site) doWith(ctx context.Context, stdin string, args ...string) result {
	s.t.Helper()
	var out, errors bytes.Buffer
	args = append(args, "-stage", testStage, "-endpoint", s.endpoint, "-region", "us-east-1")
	of := testdomain.App()
	of.Tenancy = s.tenancy
	a := &app{of: of, stdin: strings.NewReader(stdin), stdout: &out, stderr: &errors, transport: s.transport}
	code := a.run(ctx, args)
	return result{code, out.String(), errors.String()}
}

// want runs a command line that exits with code.
func (s *site) want(code int, args ...string) result {
	s.t.Helper()
	r := s.do(args...)
	if r.code != code {
		s.t.Fatalf("daybook %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), r.code, code, r.out, r.errors)
	}
	return r
}

// lines are the lines of the output, cells in slices.
func (r result) lines() [][]string {
	var all [][]string
	for _, line := range strings.Split(strings.TrimSuffix(r.out, "\n"), "\n") {
		if line != "" {
			all = append(all, strings.Split(line, "\t"))
		}
	}
	return all
}

// decode reads the output's lines as JSON.
func decode[T any](t *testing.T, r result) []T {
	t.Helper()
	var all []T
	for _, line := range strings.Split(strings.TrimSuffix(r.out, "\n"), "\n") {
		if line == "" {
			continue
		}
		var v T
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		all = append(all, v)
	}
	return all
}
