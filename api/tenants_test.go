package api_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"daybook/aggregate"
	"daybook/aggregate/async"
	"daybook/aggregate/async/asynctest"
	"daybook/api"
	"daybook/events"
	"daybook/events/eventstest"
	"daybook/internal/testdomain"
	"daybook/process"
)

// shared is the test domain with tenants, behind both handlers.
type shared struct {
	t       *testing.T
	handler http.Handler
	queue   *asynctest.Queue
	worker  *async.Worker
	made    atomic.Int64 // ids
}

func newShared(t *testing.T) *shared {
	t.Helper()
	s := &shared{t: t, queue: &asynctest.Queue{}}
	clock := func() time.Time { return time.Date(2026, 1, 31, 9, 30, 0, 0, time.UTC) }
	handler, err := aggregate.NewHandler(new(eventstest.Memory), testdomain.Aggregates(), &aggregate.Options{
		Tenants: true, Now: clock, NewID: func() string { return fmt.Sprint("made-", s.made.Add(1)) },
	})
	if err != nil {
		t.Fatal(err)
	}
	statuses := &asynctest.Statuses{}
	s.worker = async.NewWorker(handler, statuses, &asynctest.Queue{}, nil)
	opts := options(nil)
	opts.Tenants, opts.Sender, opts.Statuses, opts.Now = true, async.NewSender(handler, s.queue, statuses), statuses, clock
	opts.Processes = []process.Reactor{newsletter()}
	s.handler = both(handler, opts)
	return s
}

// of sends a request of a tenant, "" for none.
func (s *shared) of(tenant, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	s.t.Helper()
	return do(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := api.WithRequestID(r.Context(), "request")
		s.handler.ServeHTTP(w, r.WithContext(api.WithTenant(api.WithActor(ctx, "ann"), tenant)))
	}), method, target, body, headers...)
}

func (s *shared) work() {
	for _, m := range s.queue.Take() {
		s.worker.Handle(context.Background(), []async.Delivery{{ID: m.Deduplication, Body: m.Body, Group: m.Group, Receives: 1}})
	}
}

// Without a tenant there is nothing but what is the same for everybody.
func TestARequestNeedsItsTenant(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	for _, target := range []string{"/", "/health", "/openapi.json", "/asyncapi.json"} {
		if w := s.of("", "GET", target, ""); w.Code != 200 {
			t.Errorf("%s: %d %s", target, w.Code, w.Body)
		}
	}
	for _, target := range []string{"POST /commands/create-member", "POST /commands", "POST /commands/nonsense", "GET /commands/k", "GET /members", "GET /members/7", "GET /streams/member/7", "GET /nonsense", "GET /health/x", "GET //"} {
		method, path, _ := strings.Cut(target, " ")
		wantProblem(t, s.of("", method, path, `{}`), 403, events.CodeTenantRequired)
		wantProblem(t, s.of("a:b", method, path, `{}`), 400, events.CodeMalformed)
	}
	iam := do(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.handler.ServeHTTP(w, r.WithContext(api.WithGrants(r.Context(), api.Grants{IAM: true})))
	}), "GET", "/members", "")
	if p := wantProblem(t, iam, 403, events.CodeTenantRequired); !strings.Contains(p.Detail, "IAM") {
		t.Errorf("an IAM caller is told %q", p.Detail)
	}
	// Where there are no tenants, a request of one is a mistake of the adapter's.
	opts := options(nil)
	h := api.NewCommands(&commander{}, opts)
	w := do(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(api.WithTenant(r.Context(), "acme")))
	}), "POST", "/commands/create-member", `{}`)
	wantProblem(t, w, 400, events.CodeMalformed)
}

// Two tenants send the same requests, under the same ids and keys: each is told the
// same, as if it were alone, and nobody is told a tenant.
func TestTenantsAreToldTheSame(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	said := map[string]string{}
	course := `{"id":"%","payload":{"name":"Chess","area":"home","fee":1990,"currency":"EUR","seats":5}}`
	for _, tenant := range []string{"acme", "globex"} {
		s.made.Store(0)
		for _, request := range [][]string{
			{"POST", "/commands/create-member", `{"id":"7","payload":{"name":"Ann","email":"ann@example.com"}}`, "Idempotency-Key: k1"},
			{"POST", "/commands/create-member", `{"id":"7","payload":{"name":"Ann","email":"ann@example.com"}}`, "Idempotency-Key: k1"},
			{"POST", "/commands/create-member", `{"id":"8","payload":{"name":"Ann","email":"ann@example.com"}}`, "Idempotency-Key: k2"},
			{"POST", "/commands/create-member", `{"payload":{"name":"Bob","email":"bob@example.com"}}`, "Idempotency-Key: k3"},
			{"POST", "/commands/rename-member", `{"id":"9","payload":{"name":"Eve"}}`},
			{"POST", "/commands/add-course", strings.Replace(course, "%", "a", 1)},
			{"POST", "/commands/add-course", strings.Replace(course, "%", "b", 1)},
			{"POST", "/commands/move-seats", `{"id":"a","payload":{"to":"b","quantity":1}}`},
			{"POST", "/commands", `[{"command":"rename-member","id":"7","payload":{"name":"Anna"},"commandId":"b1"},{"command":"rename-member","id":"7","payload":{"name":"Anne"},"expectedVersion":9}]`},
			{"POST", "/commands/rename-member", `{"id":"7","payload":{"name":"Later"}}`, later, "Idempotency-Key: q1"},
			{"POST", "/commands", `[{"command":"rename-member","id":"7","payload":{"name":"Later"},"commandId":"q2"}]`, later},
			{"GET", "/commands/q1", ""},
			{"work"},
			{"GET", "/commands/q1", ""},
			{"GET", "/commands/q2", ""},
			{"GET", "/commands/never", ""},
		} {
			if request[0] == "work" {
				s.work()
				continue
			}
			w := s.of(tenant, request[0], request[1], request[2], request[3:]...)
			said[tenant] += request[1] + " " + w.Result().Status + " " + w.Body.String() + " " + w.Header().Get("Location") + " " + w.Header().Get("ETag") + "\n"
		}
	}
	if said["acme"] != said["globex"] {
		t.Errorf("acme was told\n%s\nglobex\n%s", said["acme"], said["globex"])
	}
	for _, want := range []string{`"token":"member/7@1"`, `"token":"course/a@2","others":["course/b@2"]`, "../streams/member/7 ", `"status":"accepted"`, "already-taken"} {
		if !strings.Contains(said["acme"], want) {
			t.Errorf("no %s in\n%s", want, said["acme"])
		}
	}
	if strings.Contains(said["acme"], "acme") || strings.Contains(said["globex"], "globex") {
		t.Errorf("a tenant is told: %s", said["acme"])
	}
	// Another tenant's status is as if it were not there.
	theirs, nobodys := s.of("other", "GET", "/commands/q1", ""), s.of("other", "GET", "/commands/q9", "")
	wantProblem(t, theirs, 404, events.CodeNotFound)
	if theirs.Body.String() != nobodys.Body.String() {
		t.Errorf("%s, and of a command that nobody sent %s", theirs.Body, nobodys.Body)
	}
}

// The descriptions tell of tenants where there are some, and only there.
func TestTenantsAreDescribed(t *testing.T) {
	t.Parallel()
	for _, tenants := range []bool{true, false} {
		opts := options(nil)
		opts.Tenants, opts.Processes = tenants, []process.Reactor{newsletter()}
		h := api.NewQueries(&querier{}, nil, testdomain.Aggregates(), testdomain.Views(), opts)
		if body := do(h, "GET", "/openapi.json", "").Body.String(); strings.Contains(body, string(events.CodeTenantRequired)) != tenants {
			t.Errorf("tenants %v: %s", tenants, body)
		}
		body := do(h, "GET", "/asyncapi.json", "").Body.String()
		for _, told := range []string{`"tenant":{`, `"tenant":"acme"`, `"subject":"acme:member/7"`} {
			if strings.Contains(body, told) != tenants {
				t.Errorf("tenants %v, %s: %s", tenants, told, body)
			}
		}
		if !strings.Contains(body, `"causationid":"member/7@1"`) {
			t.Errorf("tenants %v: %s", tenants, body)
		}
	}
}
