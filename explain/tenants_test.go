package explain_test

import (
	"strings"
	"testing"

	"daybook/events"
	"daybook/explain"
	"daybook/explain/explaintest"
)

// TestQuestionsOfTenants: a question is about one tenant's data, whether it names the
// tenant or is asked for it, and the answer has full names and nothing of another.
func TestQuestionsOfTenants(t *testing.T) {
	t.Parallel()
	w := explaintest.NewOfTenants(t)
	for _, tenant := range []string{"acme", "globex"} {
		w.Append(events.Stream("job/1").In(tenant), events.Event{Name: "job-placed", Schema: 1, Data: []byte(`{"depot":"d","units":2}`)})
		w.Append(events.Stream("job/1").In(tenant), events.Event{Name: "job-confirmed", Schema: 1, Data: []byte(`{}`)})
	}
	w.Append("globex:job/2", events.Event{Name: "job-placed", Schema: 1, Data: []byte(`{"depot":"d","units":2}`)})
	w.Project()
	for _, c := range []struct{ tenant, token, asked string }{
		{"", "acme:job/1", "acme:job/1@2"}, {"acme", "job/1", "acme:job/1@2"}, {"acme", "acme:job/1", "acme:job/1@2"},
		{"", "acme:job/1@1", "acme:job/1@1"}, {"acme", "job/1@1", "acme:job/1@1"},
		{"", "acme:jobs/1", "acme:jobs/1"}, {"acme", "jobs/1", "acme:jobs/1"},
		{"acme", "raw", "acme:job/1@1"}, // ids are equal at two tenants
	} {
		x, err := explain.Explain(t.Context(), w.Installation, c.token, &explain.Options{Tenant: c.tenant})
		if err != nil {
			t.Errorf("%s of %q: %v", c.token, c.tenant, err)
			continue
		}
		text := x.Text()
		if strings.Contains(text, "globex") || !strings.Contains(text, "row acme:jobs/1") {
			t.Errorf("%s of %q:\n%s", c.token, c.tenant, text)
		}
		if c.token != "raw" && !marked(x.Roots, c.asked) {
			t.Errorf("%s of %q: %s is not marked:\n%s", c.token, c.tenant, c.asked, text)
		}
	}
	for _, c := range []struct {
		tenant, token string
		want          events.Code
	}{
		{"", "job/1", events.CodeTenantRequired}, {"", "jobs/1", events.CodeTenantRequired}, {"", "raw", events.CodeTenantRequired}, {"", "job/1@1", events.CodeTenantRequired},
		{"acme", "globex:job/1", events.CodeMalformed}, {"acme", "job/2", events.CodeNotFound}, {"acme", "jobs/2", events.CodeNotFound}, {"acme", "job/2@1", events.CodeNotFound},
		{"acme", "dispatch job/2 deadline", events.CodeNotFound}, {"initech", "raw", events.CodeNotFound}, {"a b", "job/1", events.CodeMalformed},
	} {
		if x, err := explain.Explain(t.Context(), w.Installation, c.token, &explain.Options{Tenant: c.tenant}); events.CodeOf(err) != c.want || err == nil {
			t.Errorf("%s of %q: %v, want %s\n%s", c.token, c.tenant, err, c.want, x.Text())
		}
	}
	if _, err := explain.Explain(t.Context(), explaintest.New(t).Installation, "depot/d", &explain.Options{Tenant: "acme"}); events.CodeOf(err) != events.CodeMalformed {
		t.Errorf("a tenant where there are none: %v", err)
	}
}
