package stack_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"daybook/aggregate"
	"daybook/internal/testdomain"
)

// scoped are commands of which three need scopes, and one has no address.
func scoped() []aggregate.Description {
	all := []aggregate.Description{
		{Name: "settle", Internal: true}, {Name: "close", Scope: "accounts:close"},
		{Name: "reopen", Scope: "accounts:close"}, {Name: "freeze", Scope: "https://bank.example/freeze"},
	}
	for i := range 50 {
		all = append(all, aggregate.Description{Name: fmt.Sprint("open", i)})
	}
	return all
}

// TestScopesArePolicies: with IAM authorization each scope has a policy for its
// commands, the policy for all others names none of them, and each has a route that
// tells the function which path the policy was asked about.
func TestScopesArePolicies(t *testing.T) {
	t.Parallel()
	needNode(t)
	synthesizing.Lock()
	defer synthesizing.Unlock()
	for _, name := range []string{"http-iam", "rest-iam"} {
		tpl := synthCommands(t, name, contextOf(t, name), scoped(), testdomain.Views())
		got := map[string][]string{}
		for _, s := range tpl.statements() {
			if s.kind == "AWS::IAM::ManagedPolicy" {
				for _, r := range s.resources {
					if _, path, ok := strings.Cut(r, "/POST"); ok {
						got[s.sid] = append(got[s.sid], path)
					}
				}
			}
		}
		open := append(slices.Clone(got["Write"]), got["Write2"]...)
		if len(open) != 51 || open[0] != "/commands" || slices.ContainsFunc(open, func(path string) bool {
			return path != "/commands" && !strings.HasPrefix(path, "/commands/open")
		}) {
			t.Errorf("%s: all others: %v", name, open)
		}
		for sid, want := range map[string]string{"ScopeAccountsClose": "[/commands/close /commands/reopen]", "ScopeHttpsBankExampleFreeze": "[/commands/freeze]"} {
			if fmt.Sprint(got[sid]) != want || tpl.Outputs[sid+"PolicyArn"] == nil {
				t.Errorf("%s: %s allows %v, want %s", name, sid, got[sid], want)
			}
		}
		if len(got) != 4 {
			t.Errorf("%s: policies %v", name, got)
		}
		endpoints := tpl.endpoints(t)
		for _, command := range []string{"close", "reopen", "freeze"} {
			post, other := endpoints["POST /commands/"+command], endpoints["ANY /commands/"+command]
			if !strings.Contains(post.function, "-command>") || !strings.Contains(other.function, "-query>") || post.authorization != "AWS_IAM" || other.authorization != "AWS_IAM" {
				t.Errorf("%s: %s has %+v and %+v", name, command, post, other)
			}
		}
		if strings.Contains(tpl.Raw, "settle") || strings.Contains(tpl.Raw, "commands/open0\"") && endpoints["POST /commands/open0"].function != "" {
			t.Errorf("%s: an internal command, or a route for one that needs no scope", name)
		}
	}
}

// TestScopesOfTokensNeedNoRoutes: the function checks the token, and says at synthesis
// when nobody has one.
func TestScopesOfTokensNeedNoRoutes(t *testing.T) {
	t.Parallel()
	needNode(t)
	synthesizing.Lock()
	defer synthesizing.Unlock()
	for name, warned := range map[string]bool{"http-jwt": false, "rest-none": true} {
		with := synthCommands(t, name, contextOf(t, name), scoped(), testdomain.Views())
		without := synthCommands(t, name, contextOf(t, name), nil, testdomain.Views())
		if len(with.Resources) != len(without.Resources) {
			t.Errorf("%s: %d resources with scopes, %d without", name, len(with.Resources), len(without.Resources))
		}
		if got := strings.Contains(with.Manifest, "nobody has a scope"); got != warned || strings.Contains(without.Manifest, "nobody has a scope") {
			t.Errorf("%s: a warning: %t", name, got)
		}
	}
}
