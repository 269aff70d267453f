package api_test

import (
	"bytes"
	"errors"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"daybook/aggregate"
	"daybook/api"
	"daybook/events"
)

func TestBatch(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	c := &commander{handle: func(c aggregate.Command) (aggregate.Result, error) {
		switch c.Name {
		case "create-member":
			return aggregate.Result{Stream: "member/7", Version: 1, CommandID: c.CommandID, Started: true, Replayed: true}, nil
		case "rename-member":
			return aggregate.Result{Stream: "member/7", Version: 2, CommandID: "made"}, nil
		case "faulty-payload":
			return aggregate.Result{}, &events.Error{Code: events.CodeMalformed, Message: "bad", Fields: []events.Field{{Path: "/payload/name", Message: "is required"}, {Path: "elsewhere", Message: "too"}}}
		case "conflicting":
			return aggregate.Result{}, &events.Error{Code: events.CodeVersionConflict, Message: "is at 4", Version: 4}
		}
		return aggregate.Result{}, errors.New("secret")
	}}
	w := do(api.NewCommands(c, options(&log)), "POST", "/commands", `[
		{"command":"create-member","id":"7","payload":{"name":"Ada"},"commandId":"c1","expectedVersion":0},
		{"command":"rename-member","id":"7"},
		{"command":7,"id":"7","extra":1},
		"rename-member",
		{"command":"faulty-payload"},
		{"command":"conflicting"},
		{"command":"broken"},
		{"command":"rename-member","id":"a\nb"},
		{"command":"rename-member","commandId":"a\nb"},
		{"command":"rename-member","payload":{"x":1,"x":2}}]`, "X-Correlation-Id: order 9")
	const malformed = `{"status":400,"problem":{"type":"urn:daybook:problem:malformed","title":"The request is malformed","status":400,"code":"malformed","detail":"the request is malformed","errors":[`
	want := []string{
		`{"status":201,"id":"7","version":1,"commandId":"c1","token":"member/7@1","replayed":true}`,
		`{"status":200,"id":"7","version":2,"commandId":"made","token":"member/7@2"}`,
		malformed + `{"path":"/2/command","message":"must be a string"},{"path":"/2/extra","message":"unknown field"}]}}`,
		malformed + `{"path":"/3","message":"must be an object"}]}}`,
		`{"status":400,"problem":{"type":"urn:daybook:problem:malformed","title":"The request is malformed","status":400,"code":"malformed","detail":"bad","errors":[{"path":"/4/payload/name","message":"is required"},{"path":"elsewhere","message":"too"}]}}`,
		`{"status":409,"problem":{"type":"urn:daybook:problem:version-conflict","title":"The stream is at another version","status":409,"code":"version-conflict","detail":"is at 4","version":4}}`,
		`{"status":500,"problem":{"type":"urn:daybook:problem:internal","title":"An unexpected fault","status":500,"code":"internal","detail":"the fault was logged under the request's id"}}`,
		malformed + `{"path":"/7/id","message":"must not hold control characters"}]}}`,
		malformed + `{"path":"/8/commandId","message":"must not hold control characters"}]}}`,
		malformed + `{"path":"/9/payload/x","message":"duplicate field"}]}}`,
	}
	if got := w.Body.String(); w.Code != 207 || got != "["+strings.Join(want, ",")+"]" {
		t.Errorf("got %d\n%s\nwant\n%s", w.Code, strings.ReplaceAll(got, `},{"status"`, "},\n{\"status\""), strings.Join(want, ",\n"))
	}
	if w.Header().Get("X-Correlation-Id") != "order 9" || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("headers %v", w.Header())
	}
	first := aggregate.Command{Name: "create-member", ID: "7", Payload: []byte(`{"name":"Ada"}`), CommandID: "c1", ExpectedVersion: ptr[int64](0), Correlation: "order 9"}
	if len(c.got) != 5 || !reflect.DeepEqual(c.got[0], first) {
		t.Errorf("handled %+v", c.got)
	}
	if !strings.Contains(log.String(), "secret") || !strings.Contains(log.String(), `"index":6`) {
		t.Errorf("log %s", log.String())
	}
}

func TestBatchRefusedWhole(t *testing.T) {
	t.Parallel()
	one := `{"command":"create-member"}`
	tests := []struct {
		name, body string
		headers    []string
		status     int
		code       events.Code
		path       string
	}{
		{"empty body", ``, nil, 400, "malformed", ""},
		{"an object", one, nil, 400, "malformed", ""},
		{"empty", `[]`, nil, 400, "malformed", ""},
		{"too many", "[" + strings.Repeat(one+",", 100) + one + "]", nil, 400, "malformed", ""},
		{"cut off", "[" + one, nil, 400, "malformed", ""},
		{"cut off in an element", "[" + one + `,{"command":`, nil, 400, "malformed", "/1/command"},
		{"trailing comma", "[" + one + `,]`, nil, 400, "malformed", ""},
		{"trailing data", "[" + one + `] 1`, nil, 400, "malformed", ""},
		{"trailing garbage", "[" + one + `] x`, nil, 400, "malformed", ""},
		{"invalid UTF-8", "[" + one + ",{\"command\":\"\xff\"}]", nil, 400, "malformed", "/1/command"},
		{"too large", "[" + strings.Repeat(" ", api.MaxBody) + "]", nil, 413, "too-large", ""},
		{"media type", "[" + one + "]", []string{"Content-Type: text/plain"}, 415, "unsupported-media-type", ""},
		{"key", "[" + one + "]", []string{"Idempotency-Key: k"}, 400, "malformed", "Idempotency-Key"},
		{"If-Match", "[" + one + "]", []string{`If-Match: "1"`}, 400, "malformed", "If-Match"},
		{"If-None-Match", "[" + one + "]", []string{`If-None-Match: *`}, 400, "malformed", "If-None-Match"},
		{"correlation", "[" + one + "]", []string{`X-Correlation-Id: `}, 400, "malformed", "X-Correlation-Id"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := &commander{}
			p := wantProblem(t, do(commands(c), "POST", "/commands", tt.body, tt.headers...), tt.status, tt.code)
			if tt.code == "malformed" && (len(p.Errors) != 1 || p.Errors[0].Path != tt.path) {
				t.Errorf("got %+v", p)
			}
			if len(c.got) != 0 {
				t.Errorf("handled %+v", c.got)
			}
		})
	}
}

func TestBatchOfMalformedElementsAlone(t *testing.T) {
	t.Parallel()
	c := &commander{}
	w := do(commands(c), "POST", "/commands", `[1]`)
	if w.Code != 207 || len(c.got) != 0 {
		t.Errorf("got %d %s, handled %+v", w.Code, w.Body, c.got)
	}
}

func TestBatchWithTooFewOutcomes(t *testing.T) {
	t.Parallel()
	w := do(commands(&commander{short: true}), "POST", "/commands", `[{"command":"create-member"},{"command":"create-member"}]`)
	if got := w.Body.String(); w.Code != 207 || strings.Count(got, `"status":200`) != 1 || strings.Count(got, `"code":"internal"`) != 1 {
		t.Errorf("got %d %s", w.Code, got)
	}
}

func TestBatchHasTheActorOfTheRequest(t *testing.T) {
	t.Parallel()
	c := &commander{}
	r := request("POST", "/commands", strings.NewReader(`[{"command":"create-member"},{"command":"create-member"}]`))
	commands(c).ServeHTTP(httptest.NewRecorder(), r.WithContext(api.WithActor(r.Context(), "sub-1")))
	for _, got := range c.got {
		if got.Actor != "sub-1" || got.Correlation != "req-1" {
			t.Errorf("got %+v", got)
		}
	}
	if len(c.got) != 2 {
		t.Errorf("handled %+v", c.got)
	}
}
