package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// waitFor reads a row until it is there and right; a list's staleness and a keyed
// row of a late projection may take several tries.
func waitFor[T any](c *client, path string, right func(T) bool) T {
	c.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		a := c.get(path)
		if a.status == http.StatusOK {
			if v := decode[T](c, a); right(v) {
				return v
			}
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("GET %s: %d %s after %s", path, a.status, a.body, patience)
		}
	}
}

func TestProblems(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		id := fresh("u")
		c.command("create-user", id, ada(id))
		tests := []struct {
			method, path, body string
			status             int
			code               string
		}{
			{"POST", "/commands/fly", `{}`, 404, "unknown-command"},
			{"GET", "/planets", "", 404, "unknown-view"},
			{"GET", "/users/" + fresh("nobody"), "", 404, "not-found"},
			{"GET", "/streams/user/" + fresh("nobody"), "", 404, "not-found"},
			{"DELETE", "/users/" + id, "", 405, "method-not-allowed"},
			{"PUT", "/commands/create-user", `{}`, 405, "method-not-allowed"},
			{"GET", "/commands/" + fresh("never-sent"), "", 404, "not-found"},
			{"POST", "/users", `{}`, 405, "method-not-allowed"},
			{"POST", "/commands/rename-user", `{"id":"` + id + `"`, 400, "malformed"},
			{"POST", "/commands/rename-user", `[]`, 400, "malformed"},
			{"POST", "/commands/rename-user", `null`, 400, "malformed"},
			{"POST", "/commands/rename-user", `{"id":"` + id + `","payload":{"name":"B","nick":"b"}}`, 400, "malformed"},
			{"POST", "/commands/rename-user", `{"id":"` + id + `","payload":{"name":"B","name":"C"}}`, 400, "malformed"},
			{"POST", "/commands/rename-user", `{"id":"` + id + `","payload":{"name":7}}`, 400, "malformed"},
			{"POST", "/commands/rename-user", `{"payload":{"name":"B"}}`, 400, "malformed"},
			{"POST", "/commands/rename-user", `{"id":"` + id + `","payload":{"name":"\ud800"}}`, 400, "malformed"},
			{"POST", "/commands/rename-user", `{"id":"` + id + `","payload":{"name":"B"},"expectedVersion":-1}`, 400, "malformed"},
			{"POST", "/commands", `{}`, 400, "malformed"},
			{"POST", "/commands", `[]`, 400, "malformed"},
			{"POST", "/commands", "[" + strings.Repeat("{},", 100) + "{}]", 400, "malformed"},
			{"GET", "/users/" + id + "?after=rubbish", "", 400, "malformed"},
			{"GET", "/users?limit=-1", "", 400, "malformed"},
			{"GET", "/users?planet=mars", "", 400, "malformed"},
		}
		for _, test := range tests {
			t.Run(test.method+" "+test.path+" "+test.body[:min(len(test.body), 40)], func(t *testing.T) {
				c := &client{t: t, target: c.target}
				a := c.do(test.method, test.path, test.body)
				if test.code != "method-not-allowed" || !c.unrouted(a) {
					c.fails(a, test.status, test.code)
				}
			})
		}
	})
}

// Any malformed input is answered as a client's error, never as a fault of ours.
func TestRubbish(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		long := strings.Repeat("x", 3000)
		for _, path := range []string{
			"/", "//", "/users/", "//users", "/users//", "/../users", "/users/../../etc/passwd", "/%2e%2e/users", "/users/%00", "/users/%FF",
			"/users/%", "/users/a%2Fb", "/users/a/b/c", "/users?a=%", "/users?%FF=%FF", "/users?;", "/users?limit=99999999999999999999",
			"/streams", "/streams/user", "/streams/user/a/b", "/streams/User/a", "/streams/user/a?from=x", "/favicon.ico", "/users/" + long, "/" + long,
			"/users?cursor=" + long, "/commands/", "/commands/a/b", "/openapi.json/x", "/health/x", "/users/a?after=" + strings.Repeat("user/a@1,", 400),
		} {
			for _, method := range []string{"GET", "POST", "OPTIONS", "PATCH"} {
				a, err := c.raw(method, path, "{", "application/json")
				if err == nil && (a.status < 200 || a.status >= 500) {
					t.Errorf("%s %.60s: %d %.200s", method, path, a.status, a.body)
				}
			}
		}
		for _, body := range []string{
			"", "{", "\xff\xfe", "\x00", `"`, `{"id":"\u0000"}`, strings.Repeat("[", 100_000), `{"id":` + strings.Repeat("9", 10_000) + `}`,
			`{"payload":` + strings.Repeat(`{"a":`, 20_000) + "1" + strings.Repeat("}", 20_000) + `}`,
		} {
			for _, kind := range []string{"application/json", "", "text/xml", "application/json; charset=latin1", "rubbish/"} {
				for _, path := range []string{"/commands/create-user", "/commands"} {
					a, err := c.raw("POST", path, body, kind)
					if err != nil {
						t.Errorf("POST %s: %v", path, err)
						continue
					}
					if a.status < 400 || a.status >= 500 {
						t.Errorf("POST %s %.40q as %q: %d %.200s", path, body, kind, a.status, a.body)
					}
				}
			}
		}
		if a := c.get("/health"); a.status != http.StatusOK {
			t.Errorf("health afterwards: %d", a.status)
		}
	})
}

// raw sends a path as it is written, and takes 503 for an answer that must be
// retried.
func (c *client) raw(method, path, body, kind string) (answer, error) {
	c.t.Helper()
	base, err := url.Parse(c.url)
	if err != nil {
		return answer{}, err
	}
	target, query, _ := strings.Cut(path, "?")
	base.Opaque, base.RawQuery = "//"+base.Host+base.Path+target, query
	for range 20 {
		r := &http.Request{Method: method, URL: base, Header: http.Header{"Content-Type": {kind}}, Host: base.Host}
		if method == http.MethodPost {
			r.Body = http.NoBody
			r, err = http.NewRequest(method, c.url, strings.NewReader(body))
			if err != nil {
				return answer{}, err
			}
			r.URL = base
			r.Header.Set("Content-Type", kind)
		}
		a := c.send(r.WithContext(c.t.Context()))
		if a.status != http.StatusServiceUnavailable {
			return a, nil
		}
	}
	return answer{}, fmt.Errorf("%s %s is unavailable", method, path)
}

func TestHugeBodies(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		body := func(n int) string {
			return `{"id":"x","payload":{"name":"` + strings.Repeat("x", n) + `","email":"a@example.com"}}`
		}
		c.fails(c.do("POST", "/commands/create-user", body(300<<10)), http.StatusRequestEntityTooLarge, "too-large")
		// Beyond the gateway's own limit the answer is the gateway's.
		if a := c.do("POST", "/commands/create-user", body(11<<20)); a.status != http.StatusRequestEntityTooLarge {
			t.Errorf("11 MB: %d %.200s", a.status, a.body)
		}
		// Within the size, but over the field's length.
		c.fails(c.do("POST", "/commands/create-user", body(100<<10)), http.StatusBadRequest, "malformed")
	})
}
