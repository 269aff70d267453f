package api_test

import (
	"encoding/json/v2"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"daybook/aggregate"
	"daybook/aggregate/async"
	"daybook/aggregate/async/asynctest"

	"daybook/api"
	"daybook/events"
	"daybook/events/eventstest"
)

// account has a command of each kind: for everybody, for process managers and
// operators, and for callers with a scope.
var account = aggregate.New[struct{}]("account").
	Event(func(s struct{}, _ changed) struct{} { return s }).
	Command(change[openAccount], aggregate.Creates()).
	Command(change[settleAccount], aggregate.Creates(), aggregate.Internal()).
	Command(change[closeAccount], aggregate.Creates(), aggregate.Scope("accounts:close")).
	Command(change[freezeAccount], aggregate.Creates(), aggregate.Scope("accounts/freeze"))

type (
	changed       struct{}
	openAccount   struct{}
	settleAccount struct{}
	closeAccount  struct{}
	freezeAccount struct{}
)

func (changed) EventName() string         { return "account-changed" }
func (openAccount) CommandName() string   { return "open-account" }
func (settleAccount) CommandName() string { return "settle-account" }
func (closeAccount) CommandName() string  { return "close-account" }
func (freezeAccount) CommandName() string { return "freeze-account" }

func change[C any](struct{}, C) aggregate.Decision { return aggregate.Emit(changed{}) }

// bank is account behind both handlers, with a queue.
type bank struct {
	commands, queries http.Handler
	store             *eventstest.Memory
	queue             *asynctest.Queue
}

func newBank(t *testing.T, security api.Security) *bank {
	t.Helper()
	b := &bank{store: new(eventstest.Memory), queue: &asynctest.Queue{}}
	handler, err := aggregate.NewHandler(b.store, []aggregate.Aggregate{account}, nil)
	if err != nil {
		t.Fatal(err)
	}
	statuses := &asynctest.Statuses{}
	o := options(nil)
	o.Sender, o.Statuses, o.Security = async.NewSender(handler, b.queue, statuses), statuses, security
	b.commands = api.NewCommands(handler, o)
	b.queries = api.NewQueries(&querier{}, b.store, []aggregate.Aggregate{account}, nil, o)
	return b
}

// as sends a request of a caller who may do something.
func as(g api.Grants, h http.Handler, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	return do(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(api.WithGrants(r.Context(), g)))
	}), method, target, body, headers...)
}

// untouched fails the test if a command was handled or queued.
func (b *bank) untouched(t *testing.T) {
	t.Helper()
	if page, _, err := b.store.Scan(t.Context(), 0, 1, ""); err != nil || len(page) > 0 {
		t.Errorf("commits %+v, %v", page, err)
	}
	if queued := b.queue.Take(); len(queued) > 0 {
		t.Errorf("queued %+v", queued)
	}
}

// TestInternalIsUnknown: over HTTP nothing tells an internal command from one that
// nobody declared, whoever asks.
func TestInternalIsUnknown(t *testing.T) {
	t.Parallel()
	const secret, nothing = "settle-account", "settle-accoumt"
	b := newBank(t, api.Security{})
	everything := api.Grants{Scopes: []string{"accounts:close", "accounts/freeze", secret}, IAM: true, Route: "/commands/" + secret}
	for _, async := range []string{"X-Nothing: 1", "Prefer: respond-async"} {
		for _, request := range []struct{ method, target, body string }{
			{"POST", "/commands/%s", `{"id":"1"}`},
			{"POST", "/commands/%s", `{`},
			{"GET", "/commands/%s", ``},
			{"PUT", "/commands/%s", ``},
			{"POST", "/commands", `[{"command":"%s","id":"1"}]`},
			{"POST", "/commands", `[{"command":"%s","id":"1","payload":{"unknown":1},"expectedVersion":7}]`},
		} {
			fill := func(s, name string) string { return strings.ReplaceAll(s, "%s", name) }
			ask := func(h http.Handler, name string) string {
				w := as(everything, h, request.method, fill(request.target, name), fill(request.body, name), async)
				return fmt.Sprint(w.Code, w.Header(), strings.ReplaceAll(w.Body.String(), name, "NAME"))
			}
			got, want := ask(b.commands, secret), ask(b.commands, nothing)
			if got != want || !strings.Contains(got, "unknown-command") || strings.Contains(got, "did you mean") {
				t.Errorf("%s %s %s (%s):\n%s\nwant\n%s", request.method, request.target, request.body, async, got, want)
			}
			if request.method != "POST" {
				if got, want := ask(b.queries, secret), ask(b.queries, nothing); got != want {
					t.Errorf("%s %s:\n%s\nwant\n%s", request.method, request.target, got, want)
				}
			}
		}
	}
	b.untouched(t)
	for _, target := range []string{"/", "/openapi.json"} {
		if w := do(b.queries, "GET", target, ""); w.Code != 200 || strings.Contains(w.Body.String(), "settle") || !strings.Contains(w.Body.String(), "open-account") {
			t.Errorf("GET %s: %d %s", target, w.Code, w.Body)
		}
	}
}

// TestScopeIsNeeded: a command with a scope is sent by callers who have it, and by
// those whom the gateway let through to its own address by a policy.
func TestScopeIsNeeded(t *testing.T) {
	t.Parallel()
	const single, batch = "/commands/close-account", "/commands"
	own := api.Grants{IAM: true, Route: single}
	for _, test := range []struct {
		name   string
		grants api.Grants
		target string
		may    bool
	}{
		{"nothing", api.Grants{}, single, false},
		{"nothing", api.Grants{}, batch, false},
		{"another scope", api.Grants{Scopes: []string{"accounts:clos", "accounts:close2", "Accounts:Close", "accounts/freeze", "*", ""}}, single, false},
		{"the scope", api.Grants{Scopes: []string{"openid", "accounts:close"}}, single, true},
		{"the scope", api.Grants{Scopes: []string{"openid", "accounts:close"}}, batch, true},
		{"a policy", own, single, true},
		{"a policy for batches", own, batch, false},
		{"a policy for batches", api.Grants{IAM: true, Route: "/commands"}, batch, false},
		{"a policy for another command", api.Grants{IAM: true, Route: "/commands/freeze-account"}, single, false},
		{"a policy for all commands", api.Grants{IAM: true, Route: "/commands/{command}"}, single, false},
		{"a route without a policy", api.Grants{Route: single}, single, false},
	} {
		for _, async := range []string{"X-Nothing: 1", "Prefer: respond-async"} {
			t.Run(strings.Join([]string{test.name, test.target, async}, ", "), func(t *testing.T) {
				t.Parallel()
				b := newBank(t, api.Security{})
				body := `{"id":"1"}`
				if test.target == batch {
					body = `[{"command":"close-account","id":"1"},{"command":"open-account","id":"2"}]`
				}
				w := as(test.grants, b.commands, "POST", test.target, body, async)
				if test.target == batch {
					var results []struct {
						Status  int
						Problem *problem
					}
					if err := json.Unmarshal(w.Body.Bytes(), &results, json.MatchCaseInsensitiveNames(true)); err != nil || len(results) != 2 {
						t.Fatalf("%d %s: %v", w.Code, w.Body, err)
					}
					if got := results[0]; (got.Status < 300) != test.may || !test.may && (got.Status != 403 || got.Problem.Code != "forbidden") || results[1].Status > 202 {
						t.Errorf("%d %s", w.Code, w.Body)
					}
					return
				}
				if test.may {
					if w.Code > 202 {
						t.Errorf("%d %s", w.Code, w.Body)
					}
					return
				}
				p := wantProblem(t, w, 403, events.CodeForbidden)
				if !strings.Contains(p.Detail, "close-account") || test.grants.IAM == strings.Contains(p.Detail, "accounts:close") {
					t.Errorf("detail %q", p.Detail)
				}
				b.untouched(t)
			})
		}
	}
}

// TestScopeIsDescribed: beside the scope that sends commands at all.
func TestScopeIsDescribed(t *testing.T) {
	t.Parallel()
	c := newContract(t, do(newBank(t, security).queries, "GET", "/openapi.json", "").Body.Bytes())
	for name, want := range map[string]string{"open-account": "shop/write", "close-account": "shop/write accounts:close"} {
		got, _ := c.at("paths", "/commands/"+name, "post")
		o := got.(map[string]any)
		if needs := fmt.Sprint(o["security"]); needs != "[map[sigv4:[]] map[jwt:["+want+"]]]" {
			t.Errorf("%s needs %s", name, needs)
		}
		if described := strings.Contains(o["description"].(string), "accounts:close"); described != (name == "close-account") {
			t.Errorf("%s: %s", name, o["description"])
		}
		if o["responses"].(map[string]any)["403"] == nil {
			t.Errorf("%s has no 403", name)
		}
	}
}
