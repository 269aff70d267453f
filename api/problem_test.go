package api_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"daybook/aggregate"
	"daybook/api"
	"daybook/events"
)

func TestEveryCodeHasItsStatus(t *testing.T) {
	t.Parallel()
	tests := []struct {
		err        error
		status     int
		code       events.Code
		retryAfter string
	}{
		{events.Errorf(events.CodeMalformed, "m"), 400, "malformed", ""},
		{events.Errorf(events.CodeNoIndex, "m"), 400, "no-index", ""},
		{events.Errorf(events.CodeUnauthenticated, "m"), 401, "unauthenticated", ""},
		{events.Errorf(events.CodeForbidden, "m"), 403, "forbidden", ""},
		{events.Errorf(events.CodeUnknownCommand, "m"), 404, "unknown-command", ""},
		{events.Errorf(events.CodeUnknownView, "m"), 404, "unknown-view", ""},
		{events.Errorf(events.CodeNotFound, "m"), 404, "not-found", ""},
		{events.Errorf(events.CodeMethodNotAllowed, "m"), 405, "method-not-allowed", ""},
		{events.Errorf(events.CodeVersionConflict, "m"), 409, "version-conflict", ""},
		{events.Errorf(events.CodeAlreadyTaken, "m"), 409, "already-taken", ""},
		{events.Errorf(events.CodeTooLarge, "m"), 413, "too-large", ""},
		{events.Errorf(api.CodeUnsupportedMediaType, "m"), 415, "unsupported-media-type", ""},
		{events.Errorf(events.CodeKeyReused, "m"), 422, "idempotency-key-reused", ""},
		{&events.Error{Code: "member-inactive", Message: "m", Rejected: true}, 422, "member-inactive", ""},
		{&events.Error{Code: events.CodeBusy, Message: "m", Rejected: true}, 422, "busy", ""},
		{events.Errorf(events.CodeThrottled, "m"), 429, "throttled", "1"},
		{events.Errorf(events.CodeBusy, "m"), 503, "busy", "1"},
		{&events.Error{Code: events.CodeBusy, Message: "m", RetryAfter: 1500 * time.Millisecond}, 503, "busy", "2"},
		{events.Errorf(events.CodeUnavailable, "m"), 503, "unavailable", "1"},
		{events.Errorf(events.CodeCanceled, "m"), 503, "canceled", "1"},
		{fmt.Errorf("dynamo: %w", context.DeadlineExceeded), 503, "canceled", "1"},
		{fmt.Errorf("wrapped: %w", events.Errorf(events.CodeNotFound, "m")), 404, "not-found", ""},
		{events.Errorf(events.CodeInternal, "secret"), 500, "internal", ""},
		{events.Errorf(events.CodeConflict, "secret"), 500, "internal", ""},
		{events.Errorf("no-such-code", "secret"), 500, "internal", ""},
		{errors.New("secret"), 500, "internal", ""},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.err), func(t *testing.T) {
			t.Parallel()
			c := &commander{handle: func(aggregate.Command) (aggregate.Result, error) { return aggregate.Result{}, tt.err }}
			w := do(commands(c), "POST", "/commands/create-member", `{}`)
			p := wantProblem(t, w, tt.status, tt.code)
			if got := w.Header().Get("Retry-After"); got != tt.retryAfter {
				t.Errorf("Retry-After %q, want %q", got, tt.retryAfter)
			}
			if strings.Contains(w.Body.String(), "secret") || strings.Contains(w.Body.String(), "dynamo") || p.Detail == "" {
				t.Errorf("got %s", w.Body)
			}
			if (w.Header().Get("WWW-Authenticate") != "") != (tt.status == 401) {
				t.Errorf("headers %v", w.Header())
			}
		})
	}
}

func TestInternalsGoToTheLogAlone(t *testing.T) {
	t.Parallel()
	fault := events.Wrap(events.CodeInternal, errors.New("secret of the disk"), "secret of the domain")
	fault.Fields = []events.Field{{Path: "/secret", Message: "secret"}}
	for name, c := range map[string]struct {
		handle func(aggregate.Command) (aggregate.Result, error)
		logged string
	}{
		"error": {func(aggregate.Command) (aggregate.Result, error) { return aggregate.Result{}, fault }, "secret of the disk"},
		// The value of a panic may hold a payload: the log says where it was.
		"panic": {func(aggregate.Command) (aggregate.Result, error) { panic("Ada Lovelace") }, "panicked with a string at daybook/api_test/problem_test.go:"},
	} {
		var log bytes.Buffer
		h := api.NewCommands(&commander{handle: c.handle}, options(&log))
		w := do(h, "POST", "/commands/create-member", `{"payload":{"name":"Ada Lovelace"}}`)
		wantProblem(t, w, 500, "internal")
		if strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s: answered %s", name, w.Body)
		}
		for _, part := range []string{c.logged, "req-1", `"level":"ERROR"`, `"code":"internal"`, `"path":"/commands/create-member"`} {
			if !strings.Contains(log.String(), part) {
				t.Errorf("%s: %q is not in the log: %s", name, part, log.String())
			}
		}
		if strings.Contains(log.String(), "Lovelace") {
			t.Errorf("%s: a payload is in the log: %s", name, log.String())
		}
	}
}

// The part of a request that a problem repeats is short and says what is wrong.
func TestMessagesAboutWhatWasSent(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("né", 100_000)
	s := newSchool(t)
	tests := []struct{ method, target, body, says string }{
		{"POST", "/commands/create-member", `{"` + long[:200_001] + `":1}`, `{"path":"/né`},
		{"POST", "/commands/create-member", `{"` + long[:200_001] + `":1}`, `…","message":"unknown field"}`},
		{"POST", "/commands", `[{"command":"` + long[:200_001] + `"}]`, `there is no command`},
		{"POST", "/commands/" + long, `{}`, `there is no command`},
		{"GET", "/" + long, ``, `there is no view`},
		{"GET", "/members?" + long + "=1", ``, `{"path":"né`},
		{"GET", "/no/such", ``, `there is no view \"no\"`},
		{"GET", "/health/x", ``, `"no such path"`},
		{"GET", "/members/7?form=1", ``, `{"path":"form","message":"unknown parameter"}`},
		{"POST", "/commands/create-member", `{"payload":` + strings.Repeat("[", 20_000), `{"path":"/payload","message":"is nested deeper than 1000 levels"}`},
		{"POST", "/commands", strings.Repeat("[", 20_000), `{"path":"/0","message":"is nested deeper than 1000 levels"}`},
		{"POST", "/commands/create-member", `{"payload":{"name":"a","name":"b"}}`, `{"path":"/payload/name","message":"duplicate field"}`},
		{"POST", "/commands/create-member", `{} {}`, `{"path":"","message":"trailing data"}`},
		{"POST", "/commands", `[{}] {}`, `{"path":"","message":"trailing data"}`},
	}
	for _, tt := range tests {
		w := serve(s.handler, tt.method, tt.target, []byte(tt.body))
		if got := w.Body.String(); !strings.Contains(got, tt.says) || len(got) > 4000 || !utf8.ValidString(got) {
			t.Errorf("%s %.40s %.40s: %d, %d bytes: %.300s", tt.method, tt.target, tt.body, w.Code, len(got), got)
		}
	}
}

func TestClientFaultsAreNotLoggedAsFaults(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	do(api.NewCommands(&commander{}, options(&log)), "POST", "/commands/create-member", `{"id":7}`)
	if log.Len() > 0 {
		t.Errorf("logged %s", log.String())
	}
}

func TestCancelledRequest(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := httptest.NewRecorder()
	commands(&commander{}).ServeHTTP(w, request("POST", "/commands/create-member", strings.NewReader("{}")).WithContext(ctx))
	wantProblem(t, w, 503, "canceled")
}

func TestWriteProblem(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest("GET", "/", nil)
	w := httptest.NewRecorder()
	api.WriteProblem(w, r.WithContext(api.WithRequestID(r.Context(), "aws-1")), events.Errorf(events.CodeForbidden, "not you"))
	if p := wantProblem(t, w, 403, "forbidden"); p.Detail != "not you" || p.RequestID != "aws-1" {
		t.Errorf("got %+v", p)
	}
	w = httptest.NewRecorder()
	api.WriteProblem(w, r, events.Errorf(events.CodeForbidden, "not you"))
	if w.Code != 403 || w.Header().Values("X-Request-Id") != nil {
		t.Errorf("got %d %v", w.Code, w.Header())
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	w := do(api.NewCommands(&commander{}, nil), "POST", "/commands/create-member", `{}`)
	if id := w.Header().Get("X-Request-Id"); w.Code != 200 || len(id) != 36 {
		t.Errorf("got %d, request id %q", w.Code, id)
	}
}
