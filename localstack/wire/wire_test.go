package wire_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"daybook/localstack/wire"
)

func get(ctx context.Context, t *testing.T, transport http.RoundTripper, target, path string) (*http.Response, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://service.embedded"+path, strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Target", target)
	return transport.RoundTrip(r)
}

// A service that answers before it has read the body, as each does for an
// operation that it doesn't know, must not cost the client its connection: what
// the client still writes would fail, and the answer with it.
func TestAnAnswerBeforeTheBodyKeepsTheConnection(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(wire.Router{Tables: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, "unknown operation") // the client has gone
	})})
	var connections atomic.Int32
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	for range 5 {
		answer, err := server.Client().Post(server.URL, "application/x-amz-json-1.0", strings.NewReader(strings.Repeat("x", 4<<20)))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		if err := errors.Join(err, answer.Body.Close()); err != nil || string(body) != "unknown operation" {
			t.Fatalf("%q, %v", body, err)
		}
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("five requests took %d connections", n)
	}
}

// In memory and over TCP a handler answers alike.
func TestTransport(t *testing.T) {
	t.Parallel()
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Host", r.Host)
		w.WriteHeader(http.StatusTeapot)
		w.WriteHeader(http.StatusOK) // too late
		fmt.Fprintf(w, "%s %s %s", r.Method, r.URL.Path, body)
	})
	answer, err := get(t.Context(), t, wire.Transport(handler), "", "/a")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusTeapot || string(body) != "POST /a body" || answer.Header.Get("X-Host") != "service.embedded" || answer.ContentLength != 12 {
		t.Errorf("%d %v %q %v", answer.StatusCode, answer.Header, body, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := get(ctx, t, wire.Transport(handler), "", "/"); !errors.Is(err, context.Canceled) {
		t.Errorf("a request that was given up: %v", err)
	}
	aborting := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	if _, err := get(t.Context(), t, wire.Transport(aborting), "", "/"); !errors.Is(err, wire.ErrAnswerLost) {
		t.Errorf("a handler that aborts: %v", err)
	}
}

func TestRouter(t *testing.T) {
	t.Parallel()
	says := func(name string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, name) })
	}
	all := wire.Router{Tables: says("tables"), Queue: says("queue"), Bus: says("bus"), Schedules: says("schedules")}
	few := wire.Router{Tables: says("tables")}
	for _, test := range []struct{ target, path, want string }{
		{"DynamoDB_20120810.PutItem", "/", "tables"}, {"DynamoDBStreams_20120810.GetRecords", "/", "tables"}, {"", "/", "tables"},
		{"AmazonSQS.SendMessage", "/", "queue"}, {"AWSEvents.PutEvents", "/", "bus"}, {"", "/schedules", "schedules"}, {"", "/schedules/a", "schedules"},
		{"DynamoDB_20120810.PutItem", "/schedules/a", "tables"}, {"", "/schedulesof", "tables"},
	} {
		for router, want := range map[*wire.Router]string{&all: test.want, &few: "tables"} {
			answer, err := get(t.Context(), t, wire.Transport(router), test.target, test.path)
			if err != nil {
				t.Fatal(err)
			}
			if body, _ := io.ReadAll(answer.Body); string(body) != want {
				t.Errorf("%+v goes to %s, want %s", test, body, want)
			}
		}
	}
}

// A seed fixes what is lost; a request that is lost was not carried out, one whose
// answer is lost was.
func TestHostile(t *testing.T) {
	t.Parallel()
	run := func(h *wire.Hostile) (carriedOut, answered int) {
		transport := h.Over(wire.Transport(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { carriedOut++ })))
		for range 1000 {
			if _, err := get(t.Context(), t, transport, "", "/"); err == nil {
				answered++
			} else if !errors.Is(err, wire.ErrAnswerLost) {
				t.Fatal(err)
			}
		}
		return carriedOut, answered
	}
	if c, a := run(nil); c != 1000 || a != 1000 {
		t.Errorf("kind: %d, %d", c, a)
	}
	if c, a := run(&wire.Hostile{LoseRequests: 1}); c != 0 || a != 0 {
		t.Errorf("all requests lost: %d, %d", c, a)
	}
	if c, a := run(&wire.Hostile{LoseAnswers: 1}); c != 1000 || a != 0 {
		t.Errorf("all answers lost: %d, %d", c, a)
	}
	c1, a1 := run(&wire.Hostile{Seed: 5, LoseRequests: 0.2, LoseAnswers: 0.3})
	c2, a2 := run(&wire.Hostile{Seed: 5, LoseRequests: 0.2, LoseAnswers: 0.3})
	if c1 != c2 || a1 != a2 || c1 < 700 || c1 > 900 || a1 < 450 || a1 > 670 {
		t.Errorf("%d carried out, %d answered, then %d, %d", c1, a1, c2, a2)
	}
}

func ExampleTransport() {
	hello := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") })
	client := &http.Client{Transport: wire.Transport(hello)}
	answer, err := client.Get("http://anywhere/")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	fmt.Println(string(body), err)
	// Output: hello <nil>
}
