package e2e

import (
	"bytes"
	"context"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
	"uuid"

	"daybook/domain"
	"daybook/localstack/gateway"
	"daybook/localstack/stack"
	"daybook/localstack/stack/stacktest"
)

// target is a Daybook to test.
type target struct {
	name string
	url  string
	// given says that the target is not ours: an API Gateway that routes only
	// what the CDK app declares refuses the rest itself.
	given bool
	stop  func() error // nil for a given one
}

// targets starts what there is to test, once. It is not called by TestMain: what
// is read of the environment before the tests run does not count for go test's
// cache.
var targets = sync.OnceValues(func() ([]target, error) {
	if given := os.Getenv("DAYBOOK_URL"); given != "" {
		return []target{{name: "given", url: strings.TrimRight(given, "/"), given: true}}, nil
	}
	var all []target
	for name, o := range map[string]stack.Options{
		"HTTP API": {},
		"REST API": {Format: gateway.RESTAPI, Stage: "dev"},
		"hostile":  {Hostile: stack.Hostile(7)},
	} {
		o.LogTo, o.LogLevel = io.Discard, slog.LevelError
		s, err := stack.Start(context.Background(), domain.App(), o)
		if err != nil {
			return nil, err
		}
		all = append(all, target{name: name, url: s.URL(), stop: s.Close})
	}
	return all, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	all, _ := targets() // its error has failed every test
	for _, target := range all {
		if target.stop == nil {
			continue
		}
		if err := target.stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// each runs a test against every target, side by side.
func each(t *testing.T, f func(t *testing.T, c *client)) {
	t.Parallel()
	all, err := targets()
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range all {
		t.Run(target.name, func(t *testing.T) {
			t.Parallel()
			f(t, &client{t: t, target: target})
		})
	}
}

// onStacks runs a test on stacks of its own, a kind and a hostile one, side by
// side.
func onStacks(t *testing.T, f func(t *testing.T, s *stack.Stack)) {
	t.Parallel()
	if os.Getenv("DAYBOOK_URL") != "" {
		t.Skip("left out: it starts stacks of its own, and DAYBOOK_URL names another")
	}
	for name, o := range map[string]stack.Options{"kind": {}, "hostile": {Hostile: stack.Hostile(11)}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, stacktest.Start(t, domain.App(), o))
		})
	}
}

// client talks to one target, as a good client does: it sends a command again
// with the same key when it is told to, and asks a list again that is stale.
type client struct {
	t *testing.T
	target
}

// unrouted reports whether an API Gateway refused a request for which it has no
// route: 404 from an HTTP API, 403 from a REST API.
func (c *client) unrouted(a answer) bool {
	return c.given && (a.status == http.StatusNotFound || a.status == http.StatusForbidden)
}

// answer is an HTTP answer, its body read.
type answer struct {
	status int
	header http.Header
	body   jsontext.Value
}

// patience bounds every wait of the tests.
const patience = 30 * time.Second

// send sends one request as the caller that the environment names.
func (c *client) send(r *http.Request) answer {
	c.t.Helper()
	if authorization := os.Getenv("DAYBOOK_AUTHORIZATION"); authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	signerOf("execute-api").sign(c.t, r)
	return c.roundTrip(r)
}

// request makes a request with a body of JSON, or with none.
func (c *client) request(method, path, body string) *http.Request {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

// roundTrip sends one request as it is.
func (c *client) roundTrip(r *http.Request) answer {
	c.t.Helper()
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatalf("%s %s: %v", r.Method, r.URL, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatalf("%s %s: %v", r.Method, r.URL, err)
	}
	return answer{status: response.StatusCode, header: response.Header, body: body}
}

// do sends a request until the answer is not 503. Headers come in pairs.
func (c *client) do(method, path, body string, headers ...string) answer {
	c.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		r := c.request(method, path, body)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		a := c.send(r)
		if a.status != http.StatusServiceUnavailable || time.Now().After(deadline) {
			return a
		}
	}
}

func (c *client) get(path string, headers ...string) answer {
	c.t.Helper()
	return c.do(http.MethodGet, path, "", headers...)
}

// accepted is the answer to an accepted command.
type accepted struct {
	ID        string `json:"id"`
	Version   int64  `json:"version"`
	CommandID string `json:"commandId"`
	Token     string `json:"token"`
}

// command sends a command with a key of its own, so that it may be repeated, and
// expects it to be accepted.
func (c *client) command(name, id string, payload any, headers ...string) accepted {
	c.t.Helper()
	a := c.try(name, id, payload, headers...)
	if a.status != http.StatusOK && a.status != http.StatusCreated {
		c.t.Fatalf("%s %s: %d %s", name, id, a.status, a.body)
	}
	return decode[accepted](c, a)
}

// try sends a command and returns whatever comes.
func (c *client) try(name, id string, payload any, headers ...string) answer {
	c.t.Helper()
	headers = append([]string{"Idempotency-Key", uuid.New().String()}, headers...)
	return c.do(http.MethodPost, "/commands/"+name, c.envelope(id, payload), headers...)
}

func (c *client) envelope(id string, payload any) string {
	c.t.Helper()
	envelope := struct {
		ID      string `json:"id,omitempty"`
		Payload any    `json:"payload,omitzero"`
	}{id, payload}
	body, err := json.Marshal(envelope)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(body)
}

// list asks for a list until it is not stale.
func list[T any](c *client, path string) (items []T, next string) {
	c.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		a := c.get(path)
		if a.status != http.StatusOK {
			c.t.Fatalf("GET %s: %d %s", path, a.status, a.body)
		}
		if a.header.Get("Daybook-Stale") != "true" {
			page := decode[struct {
				Items []T    `json:"items"`
				Next  string `json:"next"`
			}](c, a)
			return page.Items, page.Next
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("GET %s is stale for %s", path, patience)
		}
	}
}

func decode[T any](c *client, a answer) T {
	c.t.Helper()
	var v T
	if err := json.Unmarshal(a.body, &v); err != nil {
		c.t.Fatalf("%d %q: %v", a.status, bytes.TrimSpace(a.body), err)
	}
	return v
}

// problem is an RFC 9457 answer.
type problem struct {
	Type    string `json:"type"`
	Title   string `json:"title"`
	Status  int    `json:"status"`
	Code    string `json:"code"`
	Detail  string `json:"detail"`
	Version int64  `json:"version"`
	Errors  []struct {
		Path string `json:"path"`
	} `json:"errors"`
}

// fails expects a problem of a status and a code.
func (c *client) fails(a answer, status int, code string) problem {
	c.t.Helper()
	p := decode[problem](c, a)
	if a.status != status || p.Status != status || p.Code != code || p.Title == "" || p.Type == "" {
		c.t.Errorf("answer %d %s, want %d %s", a.status, a.body, status, code)
	}
	if kind := a.header.Get("Content-Type"); kind != "application/problem+json" {
		c.t.Errorf("a problem of type %q", kind)
	}
	return p
}

// fresh returns an id that nobody has used.
func fresh(kind string) string { return kind + "-" + uuid.New().String() }

func after(token string) string { return "after=" + url.QueryEscape(token) }
