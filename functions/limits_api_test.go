package functions

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"daybook"
	"daybook/aggregate"
	"daybook/api"
	"daybook/events/eventstest"
)

// opens is an API of an application with tenants that takes a command.
func opens(t *testing.T, tenancy daybook.Tenancy) Handler {
	t.Helper()
	account := aggregate.New[struct{}]("account").
		Event(func(s struct{}, _ accountOpened) struct{} { return s }).
		Command(func(struct{}, openAccount) aggregate.Decision { return aggregate.Emit(accountOpened{}) }, aggregate.Creates())
	commands, err := aggregate.NewHandler(new(eventstest.Memory), []aggregate.Aggregate{account}, &aggregate.Options{Tenants: true})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	return Config{}.overHTTP(daybook.App{Tenancy: tenancy}, api.NewCommands(commands, &api.Options{Logger: log, Tenants: true, Limit: limitOf(tenancy)}), log)
}

// open sends the command of a tenant.
func open(t *testing.T, ctx context.Context, h Handler, tenant string) string {
	t.Helper()
	out, err := h.Invoke(ctx, fmt.Appendf(nil, `{"version":"2.0","rawPath":"/commands/open-account","headers":{"content-type":"application/json"},"body":"{}",`+
		`"requestContext":{"stage":"$default","http":{"method":"POST"},"authorizer":{"jwt":{"claims":{"sub":"a","org":%q}}}}}`, tenant))
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestTooManyRequestsOfATenant: one request too many is answered 429 with the time after
// which the next is accepted, and nothing happens; others are served meanwhile.
func TestTooManyRequestsOfATenant(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := opens(t, daybook.Tenancy{Claim: "org", RequestsPerSecond: 0.5, Burst: 1})
		if got := open(t, t.Context(), h, "acme"); !strings.Contains(got, `"statusCode":201`) {
			t.Fatal(got)
		}
		got := open(t, t.Context(), h, "acme")
		if !strings.Contains(got, `"statusCode":429`) || !strings.Contains(got, `\"code\":\"throttled\"`) || !strings.Contains(strings.ToLower(got), `"retry-after":"2"`) {
			t.Errorf("one too many: %s", got)
		}
		if got := open(t, t.Context(), h, "globex"); !strings.Contains(got, `"statusCode":201`) {
			t.Errorf("another tenant: %s", got)
		}
		time.Sleep(2 * time.Second)
		if got := open(t, t.Context(), h, "acme"); !strings.Contains(got, `"statusCode":201`) {
			t.Errorf("after the time: %s", got)
		}
	})
}

// TestIsolatedTenant: where Lambda isolates tenants, an execution environment serves its
// own tenant, whatever the claim says.
func TestIsolatedTenant(t *testing.T) {
	t.Parallel()
	h := opens(t, daybook.Tenancy{Claim: "org"})
	for _, c := range []struct{ lambda, claim, want string }{
		{"acme", "acme", `"statusCode":201`}, {"", "acme", `"statusCode":201`},
		{"globex", "acme", `\"code\":\"tenant-required\"`}, {"acme", "", `\"code\":\"tenant-required\"`}, {"Acme", "acme", `\"code\":\"tenant-required\"`},
	} {
		ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{TenantID: c.lambda})
		if got := open(t, ctx, h, c.claim); !strings.Contains(got, c.want) {
			t.Errorf("Lambda says %q, the claim %q: %s", c.lambda, c.claim, got)
		}
	}
}
