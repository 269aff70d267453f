//go:build browser

package console_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"daybook/aggregate"
	"daybook/console"
	"daybook/console/reach"
	"daybook/dynamo"
	"daybook/events"
	"daybook/internal/testdomain"
	"daybook/localstack/embedded"
	"daybook/process"
	"daybook/sealed"
	"daybook/view"
)

// What a console has to be usable with, and how.
const (
	manyStreams = 100_000
	longStream  = 10_000 // events
	pageTime    = 200 * time.Millisecond
	liveBytes   = 64 << 20
)

// TestScale: with 100,000 streams, and one of 10,000 events, every page answers within
// 200 ms, and what the console remembers is bounded.
func TestScale(t *testing.T) {
	c := large(t)
	before := heap()
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	url := server.URL + "/console/api/"
	eventually(t, "all streams are known", func() bool {
		response, body := ask(t, http.MethodGet, url+"streams", nil, nil)
		page := decode[streamsAnswer](t, response, body)
		return page.Complete && page.Known == manyStreams+1
	})
	grown := 0
	eventually(t, "it holds little", func() bool { // once the change stream was read
		grown = heap() - before
		return grown < liveBytes
	})
	t.Logf("the console holds %d MB", grown>>20)
	for _, path := range []string{
		"app", "pulse", "health", "streams", "streams?aggregate=member&prefix=m0999", "streams?prefix=nothing",
		"stream?stream=member/long", "stream?stream=member/long&at=5000", "stream?stream=member/long&at=1", "stream?stream=member/long&before=7000",
		"stream?stream=member/long&time=2026-01-01T01:23:20Z", "stream?stream=member/m07777", "views", "rows/members?sort=name", "row?view=members&key=m1",
		"parked?name=members", "instances?process=enrolment", "explain?of=member/m07777", "explain?of=member/long",
		"moment?stream=member/long", "moment?stream=member/long&version=5000", "followed?token=member/long@10000",
	} {
		best := time.Hour // of some: others use the machine too
		for tries := 0; tries < 5 || tries < 30 && best > pageTime; tries++ {
			began := time.Now()
			response, body := ask(t, http.MethodGet, url+path, nil, nil)
			best = min(best, time.Since(began))
			if response.StatusCode != http.StatusOK && path != "row?view=members&key=m1" {
				t.Fatalf("%s: %d %.200s", path, response.StatusCode, body)
			}
		}
		t.Logf("%7.1f ms  %s", float64(best.Microseconds())/1000, path)
		if best > pageTime {
			t.Errorf("%s takes %v", path, best)
		}
	}
}

func heap() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// large is a console of an installation that nothing follows.
func large(t *testing.T) *console.Console {
	t.Helper()
	db, err := embedded.Open(t.Context(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	endpoint, keys := "http://dynamodb.embedded", dynamo.StaticCredentials("any", "any")
	client := dynamo.New(dynamo.Options{Region: "us-east-1", Endpoint: endpoint, Credentials: keys, Transport: db.RoundTripper()})
	o := console.Options{App: testdomain.App(), Stage: "test", Prefix: "school-test"}
	specs := []dynamo.TableSpec{dynamo.EventsTable(), dynamo.ControlTable(), dynamo.ClaimsTable(), dynamo.RequestsTable(), dynamo.ProcessesTable()}
	for _, v := range view.Versions(o.App.Views) {
		specs = append(specs, dynamo.ViewTable(v.Describe()))
	}
	if err := dynamo.Create(t.Context(), client, o.Prefix, specs...); err != nil {
		t.Fatal(err)
	}
	reach.Installation(&o, client, dynamodbstreams.New(dynamodbstreams.Options{
		Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: keys, HTTPClient: &http.Client{Transport: db.RoundTripper()},
	}), sqs.Options{Region: "us-east-1"}, sealed.With{})
	o.Queue = nil
	o.Effects = func(context.Context, *aggregate.Handler) (process.Effects, error) { return process.Effects{}, nil }
	fillLarge(t, o.Sources.Events)
	c, err := console.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// fillLarge stores the streams: the many by hand, a hundred at a time, and the long one
// by commands, so that it has snapshots.
func fillLarge(t *testing.T, store events.Store) {
	t.Helper()
	created := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for first := 0; first < manyStreams; first += events.MaxWrites {
		var batch []events.Append
		for i := first; i < first+events.MaxWrites; i++ {
			stream := events.Stream(fmt.Sprintf("member/m%05d", i))
			batch = append(batch, events.Append{At: events.Start(stream), Commit: events.Commit{
				ID: string(stream), Time: created.Add(time.Duration(i) * time.Second), Actor: "import",
				Commands: []events.Command{{ID: string(stream), Version: 1}},
				Events:   []events.Event{{Name: "member-created", Schema: 1, Data: fmt.Appendf(nil, `{"name":"Ann %d","email":"ann%d@example.com"}`, i, i)}},
			}})
		}
		if _, err := store.AppendAll(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	now := created
	handler, err := aggregate.NewHandler(store, testdomain.Aggregates(), &aggregate.Options{Now: func() time.Time { now = now.Add(time.Second); return now }})
	if err != nil {
		t.Fatal(err)
	}
	for i := range longStream {
		c := aggregate.Command{Name: "rename-member", ID: "long", Payload: fmt.Appendf(nil, `{"name":"Ann the %dth"}`, i)}
		if i == 0 {
			c.Name, c.Payload = "create-member", []byte(`{"name":"Ann","email":"long@example.com"}`)
		}
		if _, err := handler.Handle(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
}
