package wire_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"daybook/localstack/wire"
)

// TestProtocolAnswersEveryFault: whatever goes wrong in an operation, the client
// gets the service's error, and only what is not meant for it is logged.
func TestProtocolAnswersEveryFault(t *testing.T) {
	t.Parallel()
	p := &wire.Protocol{
		Service: "things", ContentType: "application/json", MaxRequest: 20,
		TooLong:     wire.Errorf(413, "TooLong", "too long"),
		Malformed:   wire.Errorf(400, "Malformed", "malformed"),
		Internal:    wire.Errorf(500, "Internal", "internal"),
		Unsupported: func(member string) *wire.Error { return wire.Errorf(400, "Unsupported", "no %s here", member) },
		Describe: func(h http.Header, e *wire.Error) any {
			h.Set("X-Error", e.Kind)
			return map[string]string{"message": e.Message}
		},
	}
	for name, test := range map[string]struct {
		body   string
		status int
		want   string // the answer's body
		logged bool
	}{
		"fine":           {`{"Name":"a"}`, 200, `"a"`, false},
		"unknown member": {`{"Nome":"a"}`, 400, `{"message":"no Nome here"}`, false},
		"not JSON":       {`{"Name":`, 400, `{"message":"malformed"}`, false},
		"another type":   {`{"Name":1}`, 400, `{"message":"malformed"}`, false},
		"largest":        {`{"Name":"aaaaaaaaa"}`, 200, `"aaaaaaaaa"`, false},
		"too long":       {`{"Name":"aaaaaaaaaa"}`, 413, `{"message":"too long"}`, false},
		"panic":          {`{"Name":"panic"}`, 500, `{"message":"internal"}`, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var logged bytes.Buffer
			w := httptest.NewRecorder()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(test.body))
			p.Serve(slog.New(slog.NewTextHandler(&logged, nil)), w, r, func() (any, error) {
				in, err := wire.Decode[struct{ Name string }](p, r)
				if in.Name == "panic" {
					panic("secret")
				}
				return in.Name, err
			})
			if w.Code != test.status || w.Body.String() != test.want {
				t.Errorf("got %d %s, want %d %s", w.Code, w.Body, test.status, test.want)
			}
			if failed := w.Header().Get("X-Error") != ""; failed != (test.status != 200) {
				t.Errorf("headers %v", w.Header())
			}
			if (logged.Len() > 0) != test.logged || test.logged && !strings.Contains(logged.String(), "secret") {
				t.Errorf("logged %q", logged.String())
			}
		})
	}
}
