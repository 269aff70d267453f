package functions_test

import (
	"context"
	"encoding/json/v2"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"daybook/aggregate"
	"daybook/dynamo"
	"daybook/functions"
	"daybook/internal/testdomain"
	"daybook/localstack/embedded"
	"daybook/localstack/mapping"
	"daybook/view/admin"
)

// counted counts requests by what they ask for: "PutItem events", "POST timer".
type counted struct {
	next http.RoundTripper // nil: everything is answered with an empty success

	mu    sync.Mutex
	count map[string]int
}

func (c *counted) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	var in struct {
		TableName    string
		RequestItems map[string]any
	}
	_ = json.Unmarshal(body, &in) // a request without a table is counted without one
	for table := range in.RequestItems {
		in.TableName = table
	}
	_, what, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if _, table, ok := strings.Cut(in.TableName, "-"); ok {
		what += " " + table
	}
	if strings.HasPrefix(r.URL.Path, "/schedules/") {
		what = r.Method + " timer"
	}
	c.mu.Lock()
	c.count[what]++
	c.mu.Unlock()
	if c.next == nil {
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"Entries":[{"EventId":"1"}]}`))}, nil
	}
	return c.next.RoundTrip(r)
}

// take returns what was counted, and begins anew.
func (c *counted) take() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := c.count
	c.count = map[string]int{}
	return taken
}

// enrolling is a school whose process function is measured.
type enrolling struct {
	t         *testing.T
	client    *aggregate.Handler // of a member; costs nothing here
	source    mapping.Source
	iterators []string // of the stream's shards
	process   functions.Handler
	database  *counted
	outside   *counted
}

func newEnrolling(t *testing.T, db *embedded.DB) *enrolling {
	t.Helper()
	f := &enrolling{t: t, database: &counted{next: db.RoundTripper(), count: map[string]int{}}, outside: &counted{count: map[string]int{}}}
	credentials := dynamo.StaticCredentials("a", "b")
	client := clientOver(db.RoundTripper())
	if err := dynamo.Create(t.Context(), client, "test", dynamo.EventsTable(), dynamo.ClaimsTable(), dynamo.ProcessesTable()); err != nil {
		t.Fatal(err)
	}
	var err error
	if f.client, err = aggregate.NewHandler(dynamo.NewEventStore(client, "test-events", dynamo.WithClaims("test-claims")), testdomain.Aggregates(), nil); err != nil {
		t.Fatal(err)
	}
	if f.process, err = functions.NewProcess(testdomain.App(), functions.Config{
		EventsTable: "test-events", ClaimsTable: "test-claims", ProcessesTable: "test-processes", ViewPrefix: "test",
		ScheduleGroup: "test", ScheduleRole: "role", ScheduleTarget: "queue", EventBus: "test", Region: "eu-west-1",
		Endpoint: "http://embedded", Credentials: credentials, Transport: f.database, Messaging: f.outside, LogTo: io.Discard,
	}); err != nil {
		t.Fatal(err)
	}
	streams := dynamodbstreams.New(dynamodbstreams.Options{
		Region: "eu-west-1", Credentials: credentials, HTTPClient: &http.Client{Transport: db.RoundTripper()}, BaseEndpoint: new("http://embedded"),
	})
	list, err := streams.ListStreams(t.Context(), &dynamodbstreams.ListStreamsInput{})
	if err != nil || len(list.Streams) != 1 {
		t.Fatalf("%+v, %v", list, err)
	}
	f.source = mapping.NewSource(streams, *list.Streams[0].StreamArn, "eu-west-1")
	shards, err := f.source.Shards(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range shards {
		iterator, err := f.source.Iterator(t.Context(), s.ID, "")
		if err != nil {
			t.Fatal(err)
		}
		f.iterators = append(f.iterators, iterator)
	}
	return f
}

func clientOver(transport http.RoundTripper) *dynamo.Client {
	return dynamo.New(dynamo.Options{
		Region: "eu-west-1", Endpoint: "http://embedded", Credentials: dynamo.StaticCredentials("a", "b"), Transport: transport,
	})
}

func (f *enrolling) command(name, id, payload string) {
	f.t.Helper()
	if _, err := f.client.Handle(f.t.Context(), aggregate.Command{Name: name, ID: id, Payload: []byte(payload)}); err != nil {
		f.t.Fatal(err)
	}
}

// place places a booking of one unit of each of the first k courses.
func (f *enrolling) place(id string, k int) {
	f.t.Helper()
	var lines []string
	for i := range k {
		lines = append(lines, fmt.Sprintf(`{"course":"p%d","quantity":1,"fee":1}`, i))
	}
	f.command("place-booking", id, `{"member":"ann","currency":"EUR","lines":[`+strings.Join(lines, ",")+`]}`)
}

// next returns the batch of what the change stream has had since.
func (f *enrolling) next() []byte {
	f.t.Helper()
	var records []string
	for i, iterator := range f.iterators {
		page, err := f.source.Records(f.t.Context(), iterator, 1000)
		if err != nil {
			f.t.Fatal(err)
		}
		f.iterators[i] = page.Next
		for _, r := range page.Records {
			records = append(records, string(r.JSON))
		}
	}
	return []byte(`{"Records":[` + strings.Join(records, ",") + `]}`)
}

// costs hands a batch to the process function, and compares what it asked for.
func (f *enrolling) costs(what string, batch []byte, writes float64, want map[string]int) {
	f.t.Helper()
	f.database.take()
	f.outside.take()
	ctx, meter := dynamo.WithMeter(context.Background())
	if out, err := f.process.Invoke(ctx, batch); err != nil || string(out) != none {
		f.t.Fatalf("%s: %s, %v", what, out, err)
	}
	got := f.database.take()
	maps.Copy(got, f.outside.take())
	if !maps.Equal(got, want) {
		f.t.Errorf("%s asks for %v, want %v", what, got, want)
	}
	if got := meter.Usage().WriteUnits; got != writes {
		f.t.Errorf("%s costs %v write units, want %v", what, got, writes)
	}
}

// TestWhatABookingCosts: enrolling for a booking of k courses is one command for each
// of them and one to confirm it, one timer set and one cancelled, and one write of
// the ledger for each commit and reactor. Nothing else costs anything:
// there is no polling.
func TestWhatABookingCosts(t *testing.T) {
	t.Parallel()
	// Commits and entries of these are below 1 KB. (Larger ones are compressed,
	// by what all tests share and no bubble may touch.)
	for _, k := range []int{1, 2, 7} {
		t.Run(fmt.Sprint(k), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				db, err := embedded.Open(t.Context(), embedded.Options{})
				if err != nil {
					t.Fatal(err)
				}
				defer db.Close() //nolint:errcheck // nothing is kept
				newEnrolling(t, db).booking(k)
			})
		})
	}
}

// TestARebuildSetsNothingOff: while a view is built anew, from the events of an
// booking that was confirmed, nothing is asked of the ledger, the timers or the event
// bus, no command is sent, and there is no record for anyone to react to.
func TestARebuildSetsNothingOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db, err := embedded.Open(t.Context(), embedded.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close() //nolint:errcheck // nothing is kept
		f := newEnrolling(t, db)
		f.command("add-course", "p0", `{"name":"Chess","area":"c","fee":1,"currency":"EUR","seats":5}`)
		f.place("7", 1)
		for range 3 {
			if out, err := f.process.Invoke(t.Context(), f.next()); err != nil || string(out) != none {
				t.Fatalf("%s, %v", out, err)
			}
		}
		if f.outside.take()["PutEvents"] != 1 {
			t.Error("the confirmation was not published")
		}
		f.database.take()

		client := clientOver(f.database)
		if err := dynamo.Create(t.Context(), client, "test", dynamo.ControlTable()); err != nil {
			t.Fatal(err)
		}
		codec, err := aggregate.Codec(testdomain.Aggregates())
		if err != nil {
			t.Fatal(err)
		}
		rebuilder, err := admin.NewRebuilder(dynamo.NewEventStore(client, "test-events"), codec, dynamo.NewTables(client, "test"), testdomain.Views(), nil)
		if err != nil {
			t.Fatal(err)
		}
		progress, err := rebuilder.Run(t.Context(), "bookings")
		if err != nil || progress.Written != 1 {
			t.Fatalf("%+v, %v", progress, err)
		}
		for what := range f.database.take() {
			operation, table, _ := strings.Cut(what, " ")
			if table == "processes" || table == "events" && operation != "Scan" && operation != "Query" {
				t.Errorf("the rebuild asked for %s", what)
			}
		}
		if asked := f.outside.take(); len(asked) > 0 {
			t.Errorf("the rebuild asked for %v", asked)
		}
		if batch := f.next(); string(batch) != `{"Records":[]}` {
			t.Errorf("the rebuild left records: %s", batch)
		}
	})
}

// booking enrols for bookings of k courses, and asserts each step.
func (f *enrolling) booking(k int) {
	const ledger = 2 // writes: the manager's and the outbox's
	commands := float64(k)
	f.command("create-member", "ann", `{"name":"Ann","email":"ann@example.com"}`)
	for i := range k {
		f.command("add-course", fmt.Sprintf("p%d", i), `{"name":"Chess","area":"c","fee":1,"currency":"EUR","seats":5}`)
	}
	f.costs("stocking up", f.next(), 0, map[string]int{})

	f.place("cold", k)
	f.costs("a booking", f.next(), commands+1+ledger, map[string]int{
		"Query events": k + 2, "PutItem events": k + 1, "POST timer": 1, "PutItem processes": 2,
	})
	confirmed := f.next()
	f.costs("its confirmation", confirmed, ledger, map[string]int{
		"BatchGetItem processes": 1, "DELETE timer": 1, "PutEvents": 1, "PutItem processes": 2,
	})
	f.costs("the confirmation once more", confirmed, 0, map[string]int{"BatchGetItem processes": 1})

	f.place("warm", k)
	f.costs("a booking of courses that are warm", f.next(), commands+1+ledger, map[string]int{
		"Query events": 2, "PutItem events": k + 1, "POST timer": 1, "PutItem processes": 2,
	})
	f.next()
	f.command("cancel-booking", "cold", `{"reason":"mind changed"}`)
	f.costs("cancelling a confirmed booking", f.next(), commands+ledger, map[string]int{
		"BatchGetItem processes": 1, "PutItem events": k, "PutEvents": 1, "PutItem processes": 2,
	})

	f.next()
	time.Sleep(24 * time.Hour) // of the bubble
	synctest.Wait()
	if idle, asked := f.database.take(), f.outside.take(); len(idle)+len(asked) > 0 {
		f.t.Errorf("a day without events asks for %v and %v", idle, asked)
	}
}
