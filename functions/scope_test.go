package functions

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"daybook"
	"daybook/aggregate"
	"daybook/api"
	"daybook/events/eventstest"
)

type (
	accountOpened struct{}
	openAccount   struct{}
)

func (accountOpened) EventName() string { return "account-opened" }
func (openAccount) CommandName() string { return "open-account" }

// TestScopesReachTheAPI: what an event says of its caller decides about a command that
// needs a scope: a token's scopes, or the route that IAM policies were asked about.
func TestScopesReachTheAPI(t *testing.T) {
	t.Parallel()
	account := aggregate.New[struct{}]("account").
		Event(func(s struct{}, _ accountOpened) struct{} { return s }).
		Command(func(struct{}, openAccount) aggregate.Decision { return aggregate.Emit(accountOpened{}) }, aggregate.Creates(), aggregate.Scope("accounts:open"))
	commands, err := aggregate.NewHandler(new(eventstest.Memory), []aggregate.Aggregate{account}, nil)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	h := Config{}.overHTTP(daybook.App{}, api.NewCommands(commands, &api.Options{Logger: log}), log)
	const (
		second = `{"version":"2.0","routeKey":"POST %s","rawPath":"/commands/open-account","headers":{"content-type":"application/json"},"body":"{}","requestContext":{"stage":"$default","http":{"method":"POST"},%s}}`
		rest   = `{"resource":"%s","path":"/commands/open-account","httpMethod":"POST","headers":{"Content-Type":"application/json"},"body":"{}","requestContext":{"stage":"dev",%s}}`
		any    = "/commands/{command}"
		own    = "/commands/open-account"
	)
	for _, c := range []struct {
		event, route, caller string
		status               int
	}{
		{second, any, `"authorizer":{"jwt":{"claims":{"sub":"a","scope":"openid accounts:open"}}}`, 201},
		{second, any, `"authorizer":{"jwt":{"claims":{"sub":"a","scope":"openid"}}}`, 403},
		{second, own, `"authorizer":{"jwt":{"claims":{"sub":"a"}}}`, 403},
		{second, own, `"authorizer":{"iam":{"userArn":"arn:a"}}`, 201},
		{second, any, `"authorizer":{"iam":{"userArn":"arn:a"}}`, 403},
		{second, own, `"authorizer":null`, 403},
		{rest, any, `"authorizer":{"claims":{"sub":"a","scope":"accounts:open"}}`, 201},
		{rest, own, `"authorizer":{"claims":{"sub":"a"}}`, 403},
		{rest, own, `"identity":{"userArn":"arn:a"}`, 201},
		{rest, any, `"identity":{"userArn":"arn:a"}`, 403},
		{rest, own, `"identity":{"userArn":null}`, 403},
	} {
		out, err := h.Invoke(t.Context(), fmt.Appendf(nil, c.event, c.route, c.caller))
		if err != nil || !strings.Contains(string(out), fmt.Sprintf(`"statusCode":%d`, c.status)) {
			t.Errorf("%s, %s: %s, %v; want %d", c.route, c.caller, out, err, c.status)
		}
	}
}
