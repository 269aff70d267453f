package explain_test

import (
	"strings"
	"testing"

	"daybook/events"
	"daybook/explain"
	"daybook/explain/explaintest"
	"daybook/inspect"
)

// TestQuestionsOfTenants: a question is about one tenant's data, whether it names the
// tenant or is asked for it, and the answer has full names and nothing of another.
func TestQuestionsOfTenants(t *testing.T) {
	t.Parallel()
	w := explaintest.NewOfTenants(t)
	id := map[string]string{}
	for _, w.Tenant = range []string{"acme", "globex"} {
		w.Send("stock-depot", "d", `{"units":5}`)
		id[w.Tenant] = w.Place("1", explaintest.Place{Units: 2, Bay: "b7"})
	}
	w.Place("2", explaintest.Place{Units: 2})
	w.Tenant = "acme"
	w.Place("3", explaintest.Place{Units: 2, Trap: "nothing"}) // its timer stays set
	w.RunAll()
	var timer, published string
	for name := range w.Outside.Timers() {
		timer = name
	}
	for _, e := range w.Outside.Published() {
		if e.Subject == "acme:job/1" {
			published = e.ID
		}
	}
	for _, c := range []struct{ tenant, token, asked string }{
		{"", "acme:job/1", "acme:job/1@2"}, {"acme", "job/1", "acme:job/1@2"}, {"acme", "acme:job/1", "acme:job/1@2"},
		{"", "acme:job/1@1", "acme:job/1@1"}, {"acme", "job/1@1", "acme:job/1@1"},
		{"", "acme:jobs/1", "acme:jobs/1"}, {"acme", "jobs/1", "acme:jobs/1"},
		{"", "acme:bay=b7", "acme:bay=b7"}, {"acme", "bay=b7", "acme:bay=b7"},
		{"", "dispatch acme:job/1 deadline", "deadline: reject-job to acme:job/1"}, {"acme", "dispatch job/1 deadline", "deadline: reject-job to acme:job/1"},
		{"acme", id["acme"], "a command to acme:job/1"}, {"acme", published, "com.example.jobs.job-confirmed.v1"},
	} {
		x, err := explain.Explain(t.Context(), w.Installation, c.token, &explain.Options{Tenant: c.tenant})
		if err != nil {
			t.Errorf("%s of %q: %v", c.token, c.tenant, err)
			continue
		}
		text := x.Text()
		if strings.Contains(text, "globex") || !strings.Contains(text, "row acme:jobs/1") || !strings.Contains(text, "reserve-units to acme:depot/d") || !strings.Contains(text, "claim acme:bay=b7 - held by acme:depot/d") || len(x.Causes) > 0 || x.Waiting > 0 {
			t.Errorf("%s of %q:\n%s", c.token, c.tenant, text)
		}
		if !marked(x.Roots, c.asked) {
			t.Errorf("%s of %q: %s is not marked:\n%s", c.token, c.tenant, c.asked, text)
		}
	}
	w.Letters = append(w.Letters, inspect.Letter{ID: "m-1", Group: "acme:job/1", Code: events.CodeInternal, Text: "a defect"})
	x, err := explain.Explain(t.Context(), w.Installation, "m-1", &explain.Options{Tenant: "acme"})
	if err != nil || !strings.Contains(x.Text(), "dead redrive m-1 -tenant acme") {
		t.Errorf("a dead letter: %v\n%s", err, x.Text())
	}
	if x, err := explain.Explain(t.Context(), w.Installation, timer, &explain.Options{Tenant: "acme"}); err != nil || !marked(x.Roots, "deadline: reject-job to acme:job/3") {
		t.Errorf("a timer: %v\n%s", err, x.Text())
	}
	for _, c := range []struct {
		tenant, token string
		want          events.Code
	}{
		{"", "job/1", events.CodeTenantRequired}, {"", "jobs/1", events.CodeTenantRequired}, {"", id["acme"], events.CodeTenantRequired}, {"globex", id["acme"], events.CodeNotFound}, {"globex", published, events.CodeNotFound}, {"globex", timer, events.CodeNotFound}, {"", "job/1@1", events.CodeTenantRequired},
		{"acme", "globex:job/1", events.CodeMalformed}, {"acme", "job/2", events.CodeNotFound}, {"acme", "jobs/2", events.CodeNotFound}, {"acme", "job/2@1", events.CodeNotFound},
		{"acme", "dispatch job/2 deadline", events.CodeNotFound}, {"initech", "bay=b7", events.CodeNotFound}, {"a b", "job/1", events.CodeMalformed},
	} {
		if x, err := explain.Explain(t.Context(), w.Installation, c.token, &explain.Options{Tenant: c.tenant}); events.CodeOf(err) != c.want || err == nil {
			t.Errorf("%s of %q: %v, want %s\n%s", c.token, c.tenant, err, c.want, x.Text())
		}
	}
	if _, err := explain.Explain(t.Context(), explaintest.New(t).Installation, "depot/d", &explain.Options{Tenant: "acme"}); events.CodeOf(err) != events.CodeMalformed {
		t.Errorf("a tenant where there are none: %v", err)
	}
}
