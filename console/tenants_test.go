package console_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"daybook"
	"daybook/events"
	"daybook/functions/names"
	"daybook/internal/testdomain"
	"daybook/localstack/stack"
)

// TestTenants: in an application with tenants the API answers the tenant of the header
// alone, and the console acts on the tenant that its page names and shows streams in full.
func TestTenants(t *testing.T) {
	t.Parallel()
	app := testdomain.App()
	app.Tenancy = daybook.Tenancy{Claim: "org"}
	running, err := stack.Start(t.Context(), app, stack.Options{LogTo: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := running.Close(); err != nil {
			t.Error(err)
		}
	})
	s := &site{t: t, stack: running, url: running.ConsoleURL() + "/api/"}
	of := func(tenant string) http.Header { return http.Header{names.TenantHeader: {tenant}} }
	member := map[string]any{"id": "7", "payload": map[string]string{"name": "Ann", "email": "ann@example.com"}}
	for tenant, want := range map[string]int{"acme": 201, "globex": 201, "": 403, "a b": 403} {
		header := of(tenant)
		header.Set("Content-Type", "application/json")
		if tenant == "" {
			header.Del(names.TenantHeader)
		}
		if response, body := ask(t, http.MethodPost, running.URL()+"/commands/create-member", member, header); response.StatusCode != want {
			t.Errorf("tenant %q: %d %s", tenant, response.StatusCode, body)
		}
	}
	if response, body := ask(t, http.MethodGet, running.URL()+"/members/7?after=member/7@1", nil, of("acme")); response.StatusCode != 200 {
		t.Errorf("the row: %d %s", response.StatusCode, body)
	}
	if response, body := ask(t, http.MethodGet, s.url+"row?view=members&key=7", nil, nil); response.StatusCode != 403 || !strings.Contains(string(body), "tenant-required") {
		t.Errorf("a row of nobody's: %d %s", response.StatusCode, body)
	}
	response, body := ask(t, http.MethodPost, s.url+"commands/rename-member", map[string]any{"id": "7", "payload": map[string]string{"name": "Bea"}}, of("globex"))
	got := decode[struct {
		Stream events.Stream
		Token  string
	}](t, response, body)
	if got.Stream != "globex:member/7" || got.Token != "globex:member/7@2" {
		t.Errorf("sent %+v", got)
	}
	eventually(t, "each tenant has its own row", func() bool {
		_, acme := ask(t, http.MethodGet, s.url+"row?view=members&key=7", nil, of("acme"))
		_, globex := ask(t, http.MethodGet, s.url+"row?view=members&key=7", nil, of("globex"))
		return strings.Contains(string(acme), `"Ann"`) && strings.Contains(string(globex), `"Bea"`)
	})
	if response, body := ask(t, http.MethodGet, s.url+"stream?stream="+string(got.Stream), nil, nil); response.StatusCode != 200 || !strings.Contains(string(body), `"globex:member/7"`) {
		t.Errorf("the stream: %d %s", response.StatusCode, body)
	}
	for tenant, want := range map[string]int{"": 2, "acme": 1, "initech": 0} {
		eventually(t, "the streams of "+tenant, func() bool {
			_, body := ask(t, http.MethodGet, s.url+"streams", nil, of(tenant))
			return strings.Count(string(body), `"stream":`) == want
		})
	}
	if _, body := ask(t, http.MethodGet, s.url+"app", nil, nil); !strings.Contains(string(body), `"tenants":true`) {
		t.Errorf("the pages don't ask for a tenant: %s", body)
	}
}
