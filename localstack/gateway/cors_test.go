package gateway_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"daybook/api"
	"daybook/localstack/gateway"
)

// A page on another port asks before it sends a command, and may read the answer.
func TestCORS(t *testing.T) {
	t.Parallel()
	const page, other = "http://localhost:5173", "http://evil.example"
	tests := []struct {
		name            string
		origins         []string
		method, origin  string
		asks            bool // it is a preflight request
		allowed, answer string
		invoked         bool
	}{
		{"not configured", nil, "OPTIONS", page, true, "", "200", true},
		{"preflight", []string{"https://shop.example", page}, "OPTIONS", page, true, page, "204", false},
		{"preflight of another page", []string{page}, "OPTIONS", other, true, "", "204", false},
		{"preflight of any page", []string{"*"}, "OPTIONS", other, true, "*", "204", false},
		{"request", []string{page}, "POST", page, false, page, "200", true},
		{"request of another page", []string{page}, "POST", other, false, "", "200", true},
		{"request of any page", []string{"*"}, "GET", other, false, "*", "200", true},
		{"OPTIONS that is not a preflight", []string{page}, "OPTIONS", page, false, page, "200", true},
		{"no page", []string{page}, "POST", "", false, "", "200", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			g, event, _ := capture(gateway.Options{CORSOrigins: test.origins})
			r := httptest.NewRequest(test.method, "/commands/create-user", nil)
			if test.origin != "" {
				r.Header.Set("Origin", test.origin)
			}
			if test.asks {
				r.Header.Set("Access-Control-Request-Method", "POST")
				r.Header.Set("Access-Control-Request-Headers", "content-type,idempotency-key")
			}
			w := send(g, r)
			if got := w.Result().Status[:3]; got != test.answer || (*event != nil) != test.invoked {
				t.Errorf("status %s, event %s", got, *event)
			}
			if got := w.Header().Get("Access-Control-Allow-Origin"); got != test.allowed {
				t.Errorf("allowed is %q, want %q", got, test.allowed)
			}
			exposed, headers := w.Header().Get("Access-Control-Expose-Headers"), strings.ToLower(w.Header().Get("Access-Control-Allow-Headers"))
			for _, name := range api.AnswerHeaders() {
				if strings.Contains(exposed, name) != (test.allowed != "") {
					t.Errorf("exposed: %s", exposed)
				}
			}
			for _, name := range append(api.RequestHeaders(), "authorization", "x-daybook-actor") {
				if strings.Contains(headers, strings.ToLower(name)) != (test.allowed != "" && test.asks) {
					t.Errorf("headers: %s", headers)
				}
			}
			if varies := w.Header().Get("Vary") == "Origin"; varies != (test.origins != nil && test.origins[0] != "*" && test.origin != "") {
				t.Errorf("Vary: %v", varies)
			}
			if w.Header().Get("Access-Control-Allow-Credentials") != "" {
				t.Error("cookies are sent along")
			}
		})
	}
}

// A page can read why it was refused, also by the gateway itself.
func TestCORSOfRefusals(t *testing.T) {
	t.Parallel()
	g, _, _ := capture(gateway.Options{CORSOrigins: []string{"*"}})
	r := httptest.NewRequest("GET", "/users/50%25", nil)
	r.Header.Set("Origin", "http://localhost:5173")
	if w := send(g, r); w.Code != 400 || w.Header().Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

func TestValidOrigin(t *testing.T) {
	t.Parallel()
	for origin, want := range map[string]bool{
		"*": true, "http://localhost:5173": true, "https://shop.example": true,
		"": false, "localhost:5173": false, "http://localhost:5173/": false, "https://shop.example/x": false, "null": false,
		"https://Shop.example": false, "ftp://shop.example": false, " http://localhost": false,
	} {
		if gateway.ValidOrigin(origin) != want {
			t.Errorf("%q: want %t", origin, want)
		}
	}
}
