package dynamo

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/events"
	"daybook/internal/signedhttp"
	"daybook/localstack/embedded"
)

func TestClientTakesTheEnvironment(t *testing.T) {
	db, err := embedded.Open(t.Context(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var token atomic.Value
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token.Store(r.Header.Get("X-Amz-Security-Token"))
		db.ServeHTTP(w, r)
	}))
	defer server.Close()
	for _, name := range []string{"AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL"} {
		t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
		t.Setenv("AWS_ENDPOINT_URL_DYNAMODB", "")
		t.Setenv(name, server.URL)
		t.Setenv("AWS_REGION", "")
		t.Setenv("AWS_DEFAULT_REGION", "eu-north-1")
		t.Setenv("AWS_ACCESS_KEY_ID", "AKID")
		t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
		t.Setenv("AWS_SESSION_TOKEN", "a-token")
		client := New(Options{})
		if _, err := client.ListTables(t.Context(), &dynamodb.ListTablesInput{}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if token.Load() != "a-token" || client.Options().Region != "eu-north-1" {
			t.Errorf("token %q, region %q", token.Load(), client.Options().Region)
		}
	}
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	if _, err := New(Options{}).ListTables(t.Context(), &dynamodb.ListTablesInput{}); !errors.Is(err, errNoCredentials) {
		t.Errorf("without credentials: %v", err)
	}
}

// TestAttemptTimeout: an attempt ends after its time, body included, and the
// call goes on with the next.
func TestAttemptTimeout(t *testing.T) {
	t.Parallel()
	inBubble(t, []TableSpec{EventsTable()}, func(t *testing.T, fx *fixture) {
		begin := time.Now()
		fx.net.reset(first(hang))
		if _, err := eventStore(fx).Load(t.Context(), "user/1", 1); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took < time.Second || took > time.Second+faultPause {
			t.Errorf("took %v", took)
		}
	})
}

func TestAttempts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		net := &network{plan: always(throttle)}
		o := testOptions(net)
		o.Attempts = 5
		var seen []Usage
		o.Observe = func(_ context.Context, operation string, u Usage, err error) {
			if operation != "Query" || err == nil {
				t.Errorf("operation %q, error %v", operation, err)
			}
			seen = append(seen, u)
		}
		_, err := NewEventStore(New(o), "t").Load(t.Context(), "user/1", 1)
		if events.CodeOf(err) != events.CodeBusy || len(net.requests()) != 5 || len(seen) != 1 || seen[0] != (Usage{Requests: 5}) {
			t.Errorf("%d requests, observed %v, error %v", len(net.requests()), seen, err)
		}
	})
}

// TestPausesAreShort: the SDK's own would be up to two seconds.
func TestPausesAreShort(t *testing.T) {
	t.Parallel()
	retryer := newRetryer(0)
	for attempt := range 70 {
		if d, err := retryer.RetryDelay(attempt, errors.New("x")); err != nil || d < 0 || d > 16*faultPause {
			t.Errorf("attempt %d: %v, error %v", attempt, d, err)
		}
	}
	if d, err := retryer.RetryDelay(1, &throttled{}); err != nil || d > throttlePause {
		t.Errorf("throttled: %v, error %v", d, err)
	}
}

type throttled struct{}

func (*throttled) Error() string     { return "slow down" }
func (*throttled) ErrorCode() string { return "ThrottlingException" }

func TestMetersNest(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	outer, all := WithMeter(t.Context())
	inner, one := WithMeter(outer)
	for _, ctx := range []context.Context{outer, inner} {
		if _, err := s.Append(ctx, events.Start(userStream()), userCommit(1)); err != nil {
			t.Fatal(err)
		}
	}
	if all.Usage() != (Usage{Requests: 2, WriteUnits: 2}) || one.Usage() != (Usage{Requests: 1, WriteUnits: 1}) {
		t.Errorf("outer %+v, inner %+v", all.Usage(), one.Usage())
	}
}

// BenchmarkChecksum measures what checking the checksum of an answer costs: a
// load of twenty commits with and without.
func BenchmarkChecksum(b *testing.B) {
	client, db := openBenched(b, EventsTable())
	defer func() { _ = db.Close() }()
	s := NewEventStore(client, "test-events")
	at := events.Start("user/7")
	for range 20 {
		c, err := s.Append(b.Context(), at, userCommit(1))
		if err != nil {
			b.Fatal(err)
		}
		at = events.After(&c)
	}
	for name, off := range map[string]bool{"on": false, "off": true} {
		o := client.Options()
		o.DisableValidateResponseChecksum = off
		s := NewEventStore(dynamodb.New(o), "test-events")
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Load(b.Context(), "user/7", 1); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestRetriesArePinned: how often a client asks again, how long it pauses, and how
// many retries all its calls share, is this package's decision and no release's of
// the SDK.
func TestRetriesArePinned(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer canned
		pauses time.Duration // the longest that the pauses of one call can be together
		cost   int           // of a retry, in tokens of the quota
	}{
		"a fault":             {canned{status: 500, body: `{"__type":"InternalServerError"}`}, faultPause * 7, signedhttp.RetryCost},
		"no answer":           {canned{err: io.ErrUnexpectedEOF}, faultPause * 7, signedhttp.RetryCost},
		"a broken answer":     {canned{status: 200, body: `{"Item":{`}, faultPause * 7, signedhttp.RetryCost},
		"throttled":           {apiFault("ThrottlingException", "x"), throttlePause * 7, signedhttp.ThrottledRetryCost},
		"a conflict":          {apiFault("TransactionConflictException", "x"), throttlePause * 7, signedhttp.ThrottledRetryCost},
		"conflicting reasons": {reasons(`{"Code":"TransactionConflict"}`, `{"Code":"None"}`), throttlePause * 7, signedhttp.ThrottledRetryCost},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var requests int
				client := New(testOptions(roundTripper(func(r *http.Request) (*http.Response, error) {
					requests++
					return c.answer.RoundTrip(r)
				})))
				call := func() int {
					before, begun := requests, time.Now()
					if _, err := client.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{}}}); err == nil {
						t.Fatal("no error")
					}
					if took := time.Since(begun); took > c.pauses {
						t.Errorf("pauses of %v, want at most %v", took, c.pauses)
					}
					return requests - before
				}
				full := signedhttp.RetryTokens / c.cost / (defaultAttempts - 1) // calls that have all their attempts
				for i := range full {
					if n := call(); n != defaultAttempts {
						t.Fatalf("call %d of an outage: %d requests, want %d", i+1, n, defaultAttempts)
					}
				}
				call() // may have a retry left
				if n := call(); n != 1 {
					t.Errorf("with the quota used up: %d requests, want 1", n)
				}
			})
		})
	}
}
