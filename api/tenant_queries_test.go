package api_test

import (
	"encoding/json/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"daybook/api"
	"daybook/events"
	"daybook/events/eventstest"
	"daybook/internal/testdomain"
	"daybook/view"
)

// ofTenant are the queries of an application with tenants, as one of them sees them.
func ofTenant(tenant string, q *querier, h api.History) http.Handler {
	o := options(nil)
	o.Tenants = true
	all := api.NewQueries(q, h, testdomain.Aggregates(), testdomain.Views(), o)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if tenant != "" {
			r = r.WithContext(api.WithTenant(r.Context(), tenant))
		}
		all.ServeHTTP(w, r)
	})
}

// TestQueriesAreOfTheTenant: the tenant of the request goes along with each query, and
// nothing that a client writes is taken for one.
func TestQueriesAreOfTheTenant(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"/members/7", "/members/7?at=1", "/members/7?after=member/7@1", "/members?active=true", "/members?after=member/7@1"} {
		q := &querier{row: view.Row{JSON: []byte(`{}`), Version: 1}}
		if w := do(ofTenant("acme", q, nil), "GET", target, ""); w.Code != 200 || q.tenant != "acme" || q.view != "members" {
			t.Errorf("%s: %d, asked for %q of %q", target, w.Code, q.view, q.tenant)
		}
		if len(q.after) > 0 && q.after[0].Stream != "member/7" || len(q.params["after"]) > 0 && q.params["after"][0] != "member/7@1" {
			t.Errorf("%s: after %v %v", target, q.after, q.params)
		}
	}
	for _, target := range []string{"/members/7?after=acme:member/7@1", "/members?after=acme:member/7@1", "/members/7?after=globex%3Amember%2F7%401"} {
		wantProblem(t, do(ofTenant("acme", &querier{}, nil), "GET", target, ""), 400, events.CodeMalformed)
	}
	// A view of such a name is as unknown as any.
	wantProblem(t, do(ofTenant("acme", &querier{}, nil), "GET", "/acme:members/7", ""), 404, events.CodeUnknownView)
}

// TestHistoriesAreOfTheTenant: a stream of another tenant is one that does not exist, and
// the answer names no tenant.
func TestHistoriesAreOfTheTenant(t *testing.T) {
	t.Parallel()
	m := new(eventstest.Memory)
	commit := func(stream events.Stream, name string) {
		if _, err := m.Append(t.Context(), events.Start(stream), events.Commit{
			ID: string(stream), Time: time.Date(2026, 1, 31, 9, 30, 0, 0, time.UTC), Causation: "acme:course/1@1", Commands: []events.Command{{ID: "c1", Version: 1}},
			Events: []events.Event{{Name: "member-created", Schema: 2, Data: []byte(`{"name":"` + name + `"}`)}},
		}); err != nil {
			t.Fatal(err)
		}
	}
	commit("acme:member/7", "Ada")
	commit("member/8", "nobody's")
	commit("globex:member/9", "Bob")
	w := do(ofTenant("acme", nil, m), "GET", "/streams/member/7", "")
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"causation":"course/1@1"`) || strings.Contains(w.Body.String(), "acme") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	nobody := do(ofTenant("acme", nil, m), "GET", "/streams/member/none", "")
	wantProblem(t, nobody, 404, events.CodeNotFound)
	for _, target := range []string{"/streams/member/9", "/streams/member/8", "/streams/acme:member/7", "/streams/acme%3Amember/7", "/streams/globex:member/9", "/streams/member/9?from=1&limit=1", "/streams/member/9?from=7"} {
		if w := do(ofTenant("acme", nil, m), "GET", target, ""); w.Code != 404 || w.Body.String() != nobody.Body.String() {
			t.Errorf("%s: %d %s, and of a stream that nobody has %s", target, w.Code, w.Body, nobody.Body)
		}
	}
}

// TestRowTagsAreOfTheTenant: a client that has a row of one tenant does not take it for
// the row of another that has the same address, and may send a command with its tag.
func TestRowTagsAreOfTheTenant(t *testing.T) {
	t.Parallel()
	row := view.Row{JSON: []byte(`{"id":"7"}`), Version: 3}
	tags := map[string]string{}
	for _, tenant := range []string{"acme", "globex"} {
		tags[tenant] = do(ofTenant(tenant, &querier{row: row}, nil), "GET", "/members/7", "").Header().Get("ETag")
	}
	if tags["acme"] == tags["globex"] || !strings.HasPrefix(tags["acme"], `"3~`) || strings.Contains(tags["acme"], "acme") {
		t.Fatalf("tags %v", tags)
	}
	for tag, status := range map[string]int{tags["acme"]: 304, tags["globex"]: 200, `"3"`: 200} {
		if w := do(ofTenant("acme", &querier{row: row}, nil), "GET", "/members/7", "", "If-None-Match: "+tag); w.Code != status {
			t.Errorf("%s: %d, want %d", tag, w.Code, status)
		}
	}
	row.Shape = 2
	raised := do(ofTenant("acme", &querier{row: row}, nil), "GET", "/members/7", "").Header().Get("ETag")
	for tag, want := range map[string]int64{tags["acme"]: 3, raised: 3, `"3"`: 3, tags["globex"]: 0, `"3~"`: 0, `"3~xyz"`: 0, `"3~1f0a22"`: 0} {
		c := &commander{}
		o := options(nil)
		o.Tenants = true
		h := api.NewCommands(c, o)
		ofAcme := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h.ServeHTTP(w, r.WithContext(api.WithTenant(r.Context(), "acme")))
		})
		do(ofAcme, "POST", "/commands/rename-member", `{"id":"7","payload":{"name":"Ada"}}`, "If-Match: "+tag)
		if len(c.got) != 1 || (c.got[0].ExpectedVersion != nil) != (want > 0) || want > 0 && *c.got[0].ExpectedVersion != want {
			t.Errorf("If-Match %s: %+v", tag, c.got)
		}
	}
}

// TestWhatIsTheSameForAllNeedsNoTenant: and it names none.
func TestWhatIsTheSameForAllNeedsNoTenant(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"/", "/health", "/openapi.json"} {
		w := do(ofTenant("", &querier{}, nil), "GET", target, "")
		var body map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code != 200 {
			t.Errorf("%s: %d %s, %v", target, w.Code, w.Body, err)
		}
	}
}
