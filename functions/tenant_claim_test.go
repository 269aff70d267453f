package functions_test

import (
	"encoding/json/v2"
	"fmt"
	"strings"
	"testing"

	"daybook"
	"daybook/functions"
	"daybook/internal/testdomain"
)

// ask sends a request with a claim org of the caller's token, none for "".
func ask(t *testing.T, h functions.Handler, org, method, path, key, body string) answer {
	t.Helper()
	prefer := ""
	if key != "" {
		prefer = `,"prefer":"respond-async","idempotency-key":"` + key + `"`
	}
	out, err := h.Invoke(t.Context(), fmt.Appendf(nil, `{"version":"2.0","rawPath":%q,"headers":{"content-type":"application/json","x-daybook-tenant":"mallory"%s},"body":%q,`+
		`"requestContext":{"stage":"$default","requestId":"r","http":{"method":%q},"authorizer":{"jwt":{"claims":{"sub":"alice","org":%q}}}}}`, path, prefer, body, method, org))
	if err != nil {
		t.Fatal(err)
	}
	var a answer
	if err := json.Unmarshal(out, &a); err != nil {
		t.Fatal(err)
	}
	return a
}

// The claim of the token reaches streams, messages and statuses, the log and the
// metrics, of which it is no dimension.
func TestTheTenantOfTheToken(t *testing.T) {
	t.Parallel()
	app := testdomain.App()
	app.Tenancy = daybook.Tenancy{Claim: "org"}
	r := newRigOf(t, app)
	for _, org := range []string{"", "a b", "acme:x"} {
		if a := ask(t, r.command, org, "POST", "/commands/create-member", "", ada); a.StatusCode != 403 || !strings.Contains(a.Body, "tenant-required") {
			t.Errorf("claim %q: %+v", org, a)
		}
		if a := ask(t, r.query, org, "GET", "/commands/k", "", ""); a.StatusCode != 403 || !strings.Contains(a.Body, "tenant-required") {
			t.Errorf("claim %q: %+v", org, a)
		}
	}
	for _, org := range []string{"acme", "globex"} {
		r.metrics.Reset()
		if a := ask(t, r.command, org, "POST", "/commands/create-member", "", ada); a.StatusCode != 201 || !strings.Contains(a.Body, `"token":"member/7@1"`) {
			t.Errorf("%s: %+v", org, a)
		}
		lines := strings.Split(strings.TrimSpace(r.metrics.String()), "\n")
		if len(lines) != 2 { // the command, and what it consumed
			t.Errorf("%q", lines)
		}
		for _, line := range lines {
			if !strings.Contains(line, `"Dimensions":[["Deployment"]]`) || !strings.Contains(line, `,"tenant":"`+org+`",`) {
				t.Errorf("%s: metrics %s", org, line)
			}
		}
		if a := ask(t, r.command, org, "POST", "/commands/rename-member", "k", `{"id":"7","payload":{"name":"Eve"}}`); a.StatusCode != 202 {
			t.Errorf("%s: %+v", org, a)
		}
	}
	batch := r.sqs.take("commands-url")
	if len(batch) != 2 || batch[0].Attributes["MessageGroupId"] != "acme:member/7" || batch[1].Attributes["MessageGroupId"] != "globex:member/7" {
		t.Fatalf("queued %+v", batch)
	}
	r.metrics.Reset()
	if got := r.deliver(t, batch...); got != none {
		t.Errorf("answer %s", got)
	}
	for _, org := range []string{"acme", "globex"} {
		if a := ask(t, r.query, org, "GET", "/commands/k", "", ""); !strings.Contains(a.Body, `"token":"member/7@2"`) {
			t.Errorf("%s: %+v", org, a)
		}
		if !strings.Contains(r.metrics.String(), `"tenant":"`+org+`","accepted":1`) {
			t.Errorf("%s: metrics %s", org, r.metrics.String())
		}
		for _, message := range []string{"request", "command"} {
			found := false
			for line := range strings.Lines(r.log.String()) {
				found = found || strings.Contains(line, `"msg":"`+message+`"`) && strings.Contains(line, `"tenant":"`+org+`"`)
			}
			if !found {
				t.Errorf("no line %q of %s in %s", message, org, r.log.String())
			}
		}
	}
	if a := ask(t, r.query, "other", "GET", "/commands/k", "", ""); a.StatusCode != 404 {
		t.Errorf("%+v", a)
	}
	if strings.Contains(r.log.String(), "mallory") {
		t.Errorf("a header names the tenant: %s", r.log.String())
	}
}
