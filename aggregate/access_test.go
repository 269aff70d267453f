package aggregate_test

import (
	"slices"
	"strings"
	"testing"

	"daybook/aggregate"
)

// TestFaultyAccess: options about who may send a command that contradict each other,
// or that no token can satisfy.
func TestFaultyAccess(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 129)
	for want, options := range map[string][]aggregate.CommandOption{
		`command "add" is internal and has scope "a"`: {aggregate.Scope("a"), aggregate.Internal()},
		`command "add": scope "" must have`:           {aggregate.Scope("")},
		`command "add": scope "a b" must have`:        {aggregate.Scope("a b")},
		`command "add": scope "` + long + `" must`:    {aggregate.Scope(long)},
	} {
		a := aggregate.New[count]("c").Command(func(count, addNothing) aggregate.Decision { return aggregate.Nothing() }, options...)
		if err := a.Err(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
}

// TestPublicAndScopes: what a list of commands offers to clients, and asks of them.
func TestPublicAndScopes(t *testing.T) {
	t.Parallel()
	all := []aggregate.Description{{Name: "a", Scope: "z"}, {Name: "b", Internal: true}, {Name: "c"}, {Name: "d", Scope: "x:y"}, {Name: "e", Scope: "z"}}
	var names []string
	for _, c := range aggregate.Public(all) {
		names = append(names, c.Name)
	}
	if !slices.Equal(names, []string{"a", "c", "d", "e"}) || !all[1].Internal || !slices.Equal(aggregate.Scopes(all), []string{"x:y", "z"}) {
		t.Errorf("public %v, scopes %v of %+v", names, aggregate.Scopes(all), all)
	}
}
