package api_test

import (
	"errors"
	"net/http"
	"slices"
	"testing"

	"daybook/aggregate"
	"daybook/api"
	"daybook/events"
	"daybook/events/eventstest"
	"daybook/view"
	"daybook/view/query"
)

// TestAnswerHeadersAreAll finds each header that an answer may have in the list
// that web pages are allowed to read, but for those that every page may read and
// those that are for the browser itself.
func TestAnswerHeadersAreAll(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	note := func(h http.Handler, method, target, body string, headers ...string) {
		for name := range do(h, method, target, body, headers...).Header() {
			seen[name] = true
		}
	}
	c := &commander{handle: func(aggregate.Command) (aggregate.Result, error) {
		return aggregate.Result{Stream: "member/7", Version: 1, CommandID: "c", Started: true, Replayed: true}, nil
	}}
	note(commands(c), "POST", "/commands/create-member", `{}`)
	note(commands(c), "GET", "/commands/create-member", ``)
	for _, err := range []error{events.Errorf(events.CodeThrottled, "m"), events.Errorf(events.CodeUnauthenticated, "m"), errors.New("m")} {
		note(commands(&commander{handle: func(aggregate.Command) (aggregate.Result, error) { return aggregate.Result{}, err }}), "POST", "/commands/create-member", `{}`)
	}
	for name := range newOffice(t).as("ann", "POST", "/commands/create-member", newMember, later).Header() {
		seen[name] = true
	}
	q := &querier{row: view.Row{Version: 3, Parked: true}, page: query.Page{Stale: true, Parked: true}}
	for _, target := range []string{"/members/7", "/members", "/openapi.json", "/health", "/streams/member/7"} {
		note(queries(q, new(eventstest.Memory)), "GET", target, "")
	}

	exposed := api.AnswerHeaders()
	if !slices.IsSorted(exposed) {
		t.Errorf("not sorted: %v", exposed)
	}
	own := []string{"Cache-Control", "Content-Length", "Content-Type", // CORS-safelisted
		"Content-Security-Policy", "Referrer-Policy", "Strict-Transport-Security", "X-Content-Type-Options", "Www-Authenticate"}
	for name := range seen {
		if !slices.ContainsFunc(exposed, func(e string) bool { return http.CanonicalHeaderKey(e) == name }) && !slices.Contains(own, name) {
			t.Errorf("%s is not exposed", name)
		}
	}
	for _, name := range exposed {
		if !seen[http.CanonicalHeaderKey(name)] {
			t.Errorf("%s is exposed, and no answer has it", name)
		}
	}
}

func TestRequestHeaders(t *testing.T) {
	t.Parallel()
	want := []string{"Content-Type", "Idempotency-Key", "If-Match", "If-None-Match", "Prefer", "Traceparent", "X-Correlation-Id"}
	if got := api.RequestHeaders(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
