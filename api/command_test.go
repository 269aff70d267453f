package api_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"daybook/aggregate"
	"daybook/api"
	"daybook/events"
)

func TestCommandIsPassedOn(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, target, body string
		headers            []string
		want               aggregate.Command
	}{
		{"all", "/commands/rename-member", ` {"id":"7","payload":{"name":"Ada"},"expectedVersion":2} `,
			[]string{"Idempotency-Key: k1", "X-Correlation-Id: order 9", `If-Match: "2"`, "Content-Type: application/json; charset=UTF-8"},
			aggregate.Command{Name: "rename-member", ID: "7", Payload: []byte(`{"name":"Ada"}`), CommandID: "k1", ExpectedVersion: ptr[int64](2), Correlation: "order 9"}},
		{"traced", "/commands/create-member", `{}`, []string{"traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
			aggregate.Command{Name: "create-member", Correlation: "req-1", Trace: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}},
		{"a trace that is not valid", "/commands/create-member", `{}`, []string{"traceparent: 00-4bf9\xff"}, aggregate.Command{Name: "create-member", Correlation: "req-1"}},
		{"nothing", "/commands/create-member", `{}`, nil, aggregate.Command{Name: "create-member", Correlation: "req-1"}},
		{"nulls", "/commands/create-member", `{"id":null,"expectedVersion":null}`, nil, aggregate.Command{Name: "create-member", Correlation: "req-1"}},
		{"must not exist", "/commands/create-member", `{"expectedVersion":0}`, []string{"If-None-Match: *"},
			aggregate.Command{Name: "create-member", ExpectedVersion: ptr[int64](0), Correlation: "req-1"}},
		{"tag of a raised view", "/commands/%72ename-member", `{"id":"a/b é"}`, []string{`If-Match: "12.3"`},
			aggregate.Command{Name: "rename-member", ID: "a/b é", ExpectedVersion: ptr[int64](12), Correlation: "req-1"}},
		{"whole number of another spelling", "/commands/rename-member", `{"id":"7","expectedVersion":2.0}`, nil,
			aggregate.Command{Name: "rename-member", ID: "7", ExpectedVersion: ptr[int64](2), Correlation: "req-1"}},
		{"longest id", "/commands/rename-member", `{"id":"` + strings.Repeat("é", 128) + `"}`, nil,
			aggregate.Command{Name: "rename-member", ID: strings.Repeat("é", 128), Correlation: "req-1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := &commander{}
			if w := do(commands(c), "POST", tt.target, tt.body, tt.headers...); w.Code != 200 {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			if len(c.got) != 1 || !reflect.DeepEqual(c.got[0], tt.want) {
				t.Errorf("got %+v, want %+v", c.got, tt.want)
			}
		})
	}
}

// TestConditions: If-Match compares strongly, If-None-Match weakly (RFC 9110, 13.1).
func TestConditions(t *testing.T) {
	t.Parallel()
	none := aggregate.Condition{In: []int64{}}
	for _, tt := range []struct {
		headers []string
		version *int64
		want    aggregate.Condition
	}{
		{[]string{`If-Match: "4"`}, ptr[int64](4), aggregate.Condition{}},
		{[]string{`If-Match: W/"4"`}, nil, none},
		{[]string{`If-Match: *`}, nil, aggregate.Condition{Exists: true}},
		{[]string{`If-Match: "1", W/"2" ,"3.2"`}, nil, aggregate.Condition{In: []int64{1, 3}}},
		{[]string{`If-Match: "1"`, `If-Match: "2"`}, nil, aggregate.Condition{In: []int64{1, 2}}},
		{[]string{`If-Match: "abc"`}, nil, none},
		{[]string{`If-Match: "+2", "-2", "02", "2.", "2.1", "2.02", "99999999999999999999"`}, nil, none},
		{[]string{`If-None-Match: *`}, ptr[int64](0), aggregate.Condition{}},
		{[]string{`If-None-Match: "1",W/"2", "a,b"`}, nil, aggregate.Condition{NotIn: []int64{1, 2}}},
	} {
		c := &commander{}
		if w := do(commands(c), "POST", "/commands/rename-member", `{"id":"7"}`, tt.headers...); w.Code != 200 {
			t.Errorf("%v: %d %s", tt.headers, w.Code, w.Body)
			continue
		}
		if got := c.got[0]; !reflect.DeepEqual(got.Condition, tt.want) || !reflect.DeepEqual(got.ExpectedVersion, tt.version) {
			t.Errorf("%v: got %+v %v", tt.headers, got.Condition, got.ExpectedVersion)
		}
	}
}

func TestActorComesFromTheAdapter(t *testing.T) {
	t.Parallel()
	c := &commander{}
	r := request("POST", "/commands/create-member", strings.NewReader(`{}`))
	r = r.WithContext(api.WithRequestID(api.WithActor(r.Context(), "sub-1"), "aws-1"))
	w := httptest.NewRecorder()
	commands(c).ServeHTTP(w, r)
	if len(c.got) != 1 || c.got[0].Actor != "sub-1" || c.got[0].Correlation != "aws-1" {
		t.Errorf("got %+v", c.got)
	}
	if w.Header().Get("X-Request-Id") != "aws-1" {
		t.Errorf("headers %v", w.Header())
	}
	if p := wantProblem(t, do(commands(c), "POST", "/commands/create-member", `{"actor":"eve"}`), 400, "malformed"); p.Errors[0].Path != "/actor" {
		t.Errorf("got %+v", p)
	}
}

func TestCommandAnswers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		result  aggregate.Result
		status  int
		body    string
		headers map[string]string
	}{
		{"changed", aggregate.Result{Stream: "member/7", Version: 3, CommandID: "c"}, 200,
			`{"id":"7","version":3,"commandId":"c","token":"member/7@3"}`,
			map[string]string{"ETag": `"3"`, "Location": "", "Idempotent-Replayed": ""}},
		{"started", aggregate.Result{Stream: "member/a b/ü", Version: 1, CommandID: "c", Started: true}, 201,
			`{"id":"a b/ü","version":1,"commandId":"c","token":"member/a b/ü@1"}`,
			map[string]string{"ETag": `"1"`, "Location": "../streams/member/~YSBiL8O8", "Idempotent-Replayed": ""}},
		{"started, an id of plain characters", aggregate.Result{Stream: "member/a b-ü", Version: 1, CommandID: "c", Started: true}, 201,
			`{"id":"a b-ü","version":1,"commandId":"c","token":"member/a b-ü@1"}`, map[string]string{"Location": "../streams/member/a%20b-%C3%BC"}},
		{"started, replayed", aggregate.Result{Stream: "member/7", Version: 1, CommandID: "c", Started: true, Replayed: true}, 201,
			`{"id":"7","version":1,"commandId":"c","token":"member/7@1"}`,
			map[string]string{"Location": "../streams/member/7", "Idempotent-Replayed": "true"}},
		{"an id that clients resolve", aggregate.Result{Stream: "member/..", Version: 1, CommandID: "c", Started: true}, 201,
			`{"id":"..","version":1,"commandId":"c","token":"member/..@1"}`, map[string]string{"Location": "../streams/member/~Li4"}},
		{"nothing, nowhere", aggregate.Result{Stream: "member/7", CommandID: "c"}, 200,
			`{"id":"7","version":0,"commandId":"c"}`, map[string]string{"ETag": `"0"`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := &commander{handle: func(aggregate.Command) (aggregate.Result, error) { return tt.result, nil }}
			w := do(commands(c), "POST", "/commands/create-member", `{}`)
			if w.Code != tt.status || w.Body.String() != tt.body {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
			want := map[string]string{
				"Content-Type": "application/json", "Content-Length": fmt.Sprint(w.Body.Len() + 1), "Cache-Control": "no-store",
				"X-Content-Type-Options": "nosniff", "X-Request-Id": "req-1", "X-Correlation-Id": "req-1", "Access-Control-Allow-Origin": "",
			}
			for name, value := range tt.headers {
				want[name] = value
			}
			for name, value := range want {
				if got := w.Header().Get(name); got != value {
					t.Errorf("%s: %q, want %q", name, got, value)
				}
			}
		})
	}
}

func TestCommandRefused(t *testing.T) {
	t.Parallel()
	const create, rename = "/commands/create-member", "/commands/rename-member"
	tests := []struct {
		name, method, target, body string
		headers                    []string
		status                     int
		code                       events.Code
		paths                      string
	}{
		{"unknown command", "POST", "/commands/no-such", `{}`, nil, 404, "unknown-command", ""},
		{"unknown command, bad bytes", "POST", "/commands/%ff", `{}`, nil, 400, "malformed", "path"},
		{"no command", "POST", "/commands/", `{}`, nil, 404, "not-found", ""},
		{"below a command", "POST", "/commands/create-member/7", `{}`, nil, 404, "not-found", ""},
		{"another path", "POST", "/members", `{}`, nil, 404, "not-found", ""},
		{"root", "GET", "/", ``, nil, 404, "not-found", ""},
		{"GET", "GET", create, ``, nil, 405, "method-not-allowed", ""},
		{"OPTIONS", "OPTIONS", "/commands", ``, nil, 405, "method-not-allowed", ""},
		{"empty body", "POST", create, ``, nil, 400, "malformed", ""},
		{"not JSON", "POST", create, `{"id":`, nil, 400, "malformed", "/id"},
		{"not an object", "POST", create, `[]`, nil, 400, "malformed", ""},
		{"trailing data", "POST", create, `{}{}`, nil, 400, "malformed", ""},
		{"unknown members", "POST", create, `{"name":1,"Id":"7"}`, nil, 400, "malformed", "/name /Id"},
		{"a member twice", "POST", create, `{"id":"7","id":"8"}`, nil, 400, "malformed", "/id"},
		{"a member twice in the payload", "POST", create, `{"payload":{"a":[{"b":1,"b":2}]}}`, nil, 400, "malformed", "/payload/a/0/b"},
		{"wrong types", "POST", create, `{"id":7,"expectedVersion":"2"}`, nil, 400, "malformed", "/id /expectedVersion"},
		{"negative version", "POST", create, `{"expectedVersion":-1}`, nil, 400, "malformed", "/expectedVersion"},
		{"fraction of a version", "POST", create, `{"expectedVersion":1.5}`, nil, 400, "malformed", "/expectedVersion"},
		{"version beyond 64 bits", "POST", create, `{"expectedVersion":9223372036854775808}`, nil, 400, "malformed", "/expectedVersion"},
		{"empty id", "POST", create, `{"id":""}`, nil, 400, "malformed", "/id"},
		{"long id", "POST", create, `{"id":"` + strings.Repeat("é", 129) + `"}`, nil, 400, "malformed", "/id"},
		{"control character in an id", "POST", create, `{"id":"a\u0000b"}`, nil, 400, "malformed", "/id"},
		{"invalid UTF-8", "POST", create, "{\"id\":\"\xff\"}", nil, 400, "malformed", "/id"},
		{"nesting bomb", "POST", create, `{"payload":` + strings.Repeat("[", 100_000) + `}`, nil, 400, "malformed", "/payload"},
		{"unknown member of a long name", "POST", create, `{"` + strings.Repeat("n", 200_000) + `":1}`, nil, 400, "malformed", "/" + strings.Repeat("n", 511) + "…"},
		{"body over the limit", "POST", create, `{"id":"` + strings.Repeat("a", api.MaxBody) + `"}`, nil, 413, "too-large", ""},
		{"form", "POST", create, `id=7`, []string{"Content-Type: application/x-www-form-urlencoded"}, 415, "unsupported-media-type", ""},
		{"no media type", "POST", create, `{}`, []string{"Content-Type: "}, 415, "unsupported-media-type", ""},
		{"what any web page may send", "POST", create, `{}`, []string{"Content-Type: text/plain;charset=UTF-8"}, 415, "unsupported-media-type", ""},
		{"another charset", "POST", create, `{}`, []string{"Content-Type: application/json; charset=latin1"}, 415, "unsupported-media-type", ""},
		{"faulty media type", "POST", create, `{}`, []string{"Content-Type: ;"}, 415, "unsupported-media-type", ""},
		{"compressed", "POST", create, `{}`, []string{"Content-Encoding: gzip"}, 415, "unsupported-media-type", ""},
		{"compressed, in a second header", "POST", create, `{}`, []string{"Content-Encoding: identity", "Content-Encoding: gzip"}, 415, "unsupported-media-type", ""},
		{"a second media type", "POST", create, `{}`, []string{"Content-Type: application/json", "content-type: text/plain"}, 415, "unsupported-media-type", ""},
		{"empty key", "POST", create, `{}`, []string{"Idempotency-Key: "}, 400, "malformed", "Idempotency-Key"},
		{"long key", "POST", create, `{}`, []string{"Idempotency-Key: " + strings.Repeat("k", 129)}, 400, "malformed", "Idempotency-Key"},
		{"two keys", "POST", create, `{}`, []string{"Idempotency-Key: a", "Idempotency-Key: b"}, 400, "malformed", "Idempotency-Key"},
		{"two keys as an HTTP API joins them", "POST", create, `{}`, []string{"Idempotency-Key: a,b"}, 400, "malformed", "Idempotency-Key"},
		{"a key in Latin-1", "POST", create, `{}`, []string{"Idempotency-Key: Bestellung-\xe4-1"}, 400, "malformed", "Idempotency-Key"},
		{"a key in Latin-1, behind a gateway", "POST", create, `{}`, []string{"Idempotency-Key: Bestellung-\ufffd-1"}, 400, "malformed", "Idempotency-Key"},
		{"a correlation id in Latin-1", "POST", create, `{}`, []string{"X-Correlation-Id: \xe4"}, 400, "malformed", "X-Correlation-Id"},
		{"two correlation ids as an HTTP API joins them", "POST", create, `{}`, []string{"X-Correlation-Id: a,b"}, 400, "malformed", "X-Correlation-Id"},
		{"a preference in Latin-1", "POST", create, `{}`, []string{"Prefer: respond-async, x=\"\xe4\""}, 400, "malformed", "Prefer"},
		{"If-Match in Latin-1", "POST", rename, `{"id":"7"}`, []string{"If-Match: \"\xe4\""}, 400, "malformed", "If-Match"},
		{"an id with U+FFFD", "POST", create, "{\"id\":\"\ufffd-1\"}", nil, 400, "malformed", "/id"},
		{"an id with U+FFFD, escaped", "POST", create, `{"id":"\ufffd-1"}`, nil, 400, "malformed", "/id"},
		{"bad correlation", "POST", create, `{}`, []string{"X-Correlation-Id: a\tb"}, 400, "malformed", "X-Correlation-Id"},
		{"If-Match without quotes", "POST", rename, `{"id":"7"}`, []string{"If-Match: 2"}, 400, "malformed", "If-Match"},
		{"If-Match empty", "POST", rename, `{"id":"7"}`, []string{"If-Match: ,"}, 400, "malformed", "If-Match"},
		{"If-Match without a comma", "POST", rename, `{"id":"7"}`, []string{`If-Match: "1" "2"`}, 400, "malformed", "If-Match"},
		{"If-Match * in a list", "POST", rename, `{"id":"7"}`, []string{`If-Match: "1", *`}, 400, "malformed", "If-Match"},
		{"If-None-Match without quotes", "POST", rename, `{"id":"7"}`, []string{"If-None-Match: 2"}, 400, "malformed", "If-None-Match"},
		{"If-Match open", "POST", rename, `{"id":"7"}`, []string{`If-Match: "2`}, 400, "malformed", "If-Match"},
		{"both conditions", "POST", rename, `{"id":"7"}`, []string{`If-Match: "2"`, "If-None-Match: *"}, 400, "malformed", "If-None-Match"},
		{"If-Match disagrees", "POST", rename, `{"id":"7","expectedVersion":2}`, []string{`If-Match: "3"`}, 400, "malformed", "If-Match"},
		{"If-None-Match disagrees", "POST", rename, `{"id":"7","expectedVersion":2}`, []string{"If-None-Match: *"}, 400, "malformed", "If-None-Match"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := &commander{}
			w := do(commands(c), tt.method, tt.target, tt.body, tt.headers...)
			p := wantProblem(t, w, tt.status, tt.code)
			if tt.paths == "" && len(p.Errors) == 1 {
				tt.paths = p.Errors[0].Path // the body itself
				if tt.paths != "" {
					t.Errorf("path %q", tt.paths)
				}
			}
			wantPaths(t, p, tt.paths)
			if p.RequestID != "req-1" || p.Detail == "" {
				t.Errorf("got %+v", p)
			}
			if allow := w.Header().Get("Allow"); (allow == "POST") != (tt.status == 405) {
				t.Errorf("Allow: %q", allow)
			}
			if len(c.got) != 0 {
				t.Errorf("handled %+v", c.got)
			}
		})
	}
}

func TestBodyOfUnknownLengthIsBounded(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int{"at the limit": api.MaxBody, "above": api.MaxBody + 1} {
		r := request("POST", "/commands/create-member", strings.NewReader("{}"+strings.Repeat(" ", size-2)))
		r.ContentLength = -1
		w := httptest.NewRecorder()
		commands(&commander{}).ServeHTTP(w, r)
		if want := map[string]int{"at the limit": 200, "above": 413}[name]; w.Code != want {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

type brokenBody struct{}

func (brokenBody) Read([]byte) (int, error) { return 0, errors.New("secret of the network") }

func TestBodyThatCannotBeRead(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	commands(&commander{}).ServeHTTP(w, request("POST", "/commands/create-member", brokenBody{}))
	if p := wantProblem(t, w, 400, "malformed"); strings.Contains(w.Body.String(), "secret") {
		t.Errorf("got %+v", p)
	}
}

func TestVersionConflict(t *testing.T) {
	t.Parallel()
	conflict := &events.Error{Code: events.CodeVersionConflict, Message: "the stream is at version 5", Version: 5}
	c := &commander{handle: func(aggregate.Command) (aggregate.Result, error) { return aggregate.Result{}, conflict }}
	for header, status := range map[string]int{"": 409, `If-Match: "2"`: 412, "If-Match: *": 412, `If-Match: W/"3"`: 412, "If-None-Match: *": 412, `If-None-Match: "3"`: 412} {
		body := `{"id":"7","expectedVersion":2}`
		var headers []string
		if header != "" {
			headers, body = []string{header}, `{"id":"7"}`
		}
		p := wantProblem(t, do(commands(c), "POST", "/commands/rename-member", body, headers...), status, "version-conflict")
		if p.Version == nil || *p.Version != 5 || p.Detail != conflict.Message {
			t.Errorf("%s: %+v", header, p)
		}
	}
	conflict = &events.Error{Code: events.CodeVersionConflict}
	p := wantProblem(t, do(commands(c), "POST", "/commands/rename-member", `{"expectedVersion":2}`), 409, "version-conflict")
	if p.Version == nil || *p.Version != 0 {
		t.Errorf("a stream that does not exist is at version 0: %+v", p)
	}
}
