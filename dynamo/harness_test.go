package dynamo

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"daybook/localstack/embedded"
)

// testPrefix is the prefix of the tables in tests; each test has a database of
// its own.
const testPrefix = "test"

// fixture is an embedded DynamoDB behind the AWS SDK and a network that can
// fail.
type fixture struct {
	client *Client
	net    *network
}

// newFixture opens a database with the tables of specs.
func newFixture(t *testing.T, specs ...TableSpec) *fixture {
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
	net := &network{next: db.RoundTripper()}
	f := &fixture{net: net, client: New(testOptions(net))}
	if err := Create(t.Context(), f.client, testPrefix, specs...); err != nil {
		t.Fatal(err)
	}
	net.reset(nil)
	return f
}

func testOptions(transport http.RoundTripper) Options {
	return Options{
		Region: "us-east-1", Endpoint: "http://dynamodb.invalid", Credentials: StaticCredentials("id", "secret"),
		Transport: transport, AttemptTimeout: time.Second,
	}
}

// openBenched opens a database with tables, for a benchmark, which closes it. Attempts
// have the time that they have in production.
func openBenched(b testing.TB, specs ...TableSpec) (*Client, *embedded.DB) {
	b.Helper()
	db, err := embedded.Open(b.Context(), embedded.Options{})
	if err != nil {
		b.Fatal(err)
	}
	o := testOptions(db.RoundTripper())
	o.AttemptTimeout = 0
	client := New(o)
	if err := Create(b.Context(), client, testPrefix, specs...); err != nil {
		b.Fatal(err)
	}
	return client, db
}

// newStore opens a database with an event store.
func newStore(t *testing.T) (*EventStore, *fixture) {
	t.Helper()
	f := newFixture(t, EventsTable(), ClaimsTable())
	return NewEventStore(f.client, TableName(testPrefix, EventsTable()), WithClaims(TableName(testPrefix, ClaimsTable()))), f
}

// fault is what happens to one request.
type fault int

const (
	none     fault = iota
	throttle       // refused by DynamoDB, not done
	refuse         // no connection, not done
	cut            // done, and the connection is gone before the answer
	hang           // never answered, not done
	hangDone       // done, never answered
	broken         // a 500 by DynamoDB, not done
	garble         // done, and the answer is damaged
)

// network delivers requests to a database, or does not.
type network struct {
	next http.RoundTripper

	mu   sync.Mutex
	plan func(call int, operation string) fault // call counts from 1
	sent []string                               // operations, in order
}

// reset begins counting anew, with another plan; nil means no faults.
func (n *network) reset(plan func(call int, operation string) fault) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.plan, n.sent = plan, nil
}

// first plans faults for the first requests.
func first(faults ...fault) func(int, string) fault {
	return func(call int, _ string) fault {
		if call <= len(faults) {
			return faults[call-1]
		}
		return none
	}
}

// always plans the same fault for every request.
func always(f fault) func(int, string) fault { return func(int, string) fault { return f } }

func (n *network) requests() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.sent
}

var errCut = errors.New("read tcp 127.0.0.1: connection reset by peer")

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	n.mu.Lock()
	n.sent = append(n.sent, operation)
	f := none
	if n.plan != nil {
		f = n.plan(len(n.sent), operation)
	}
	n.mu.Unlock()
	switch f {
	case throttle:
		return jsonAnswer(400, "ThrottlingException", "too fast"), nil
	case broken:
		return jsonAnswer(500, "InternalServerError", "sorry"), nil
	case refuse:
		return nil, errors.New("dial tcp 127.0.0.1: connection refused")
	case hang:
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	resp, err := n.next.RoundTrip(r)
	switch f {
	case cut:
		return nil, errCut
	case hangDone:
		<-r.Context().Done()
		return nil, r.Context().Err()
	case garble:
		resp.Body = io.NopCloser(strings.NewReader(`{"Item":`))
		resp.ContentLength = -1
		resp.Header.Del("Content-Length")
	}
	return resp, err
}

// jsonAnswer is an error as DynamoDB sends it.
func jsonAnswer(status int, code, message string) *http.Response {
	body := `{"__type":"com.amazonaws.dynamodb.v20120810#` + code + `","message":"` + message + `"}`
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body:   io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}

// slowTable makes a table look as if it took a while to create: first it is
// missing, then it is being created.
func slowTable(next http.RoundTripper) func(*http.Request) (*http.Response, error) {
	looks := 0
	return func(r *http.Request) (*http.Response, error) {
		resp, err := next.RoundTrip(r)
		if err != nil || !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".DescribeTable") {
			return resp, err
		}
		looks++
		switch looks {
		case 1:
			return jsonAnswer(400, "ResourceNotFoundException", "not yet"), nil
		case 2:
			return &http.Response{
				StatusCode: 200, Header: http.Header{}, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
				Body: io.NopCloser(strings.NewReader(`{"Table":{"TableStatus":"CREATING"}}`)), ContentLength: -1,
			}, nil
		}
		return resp, nil
	}
}
