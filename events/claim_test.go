package events_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"daybook/events"
)

func TestClaimKeys(t *testing.T) {
	t.Parallel()
	if got := (events.Claim{Name: "user-email", Value: "ann@example.com"}).Key(""); got != "user-email=ann@example.com" {
		t.Errorf("a key is written %q", got)
	}
	claim := rapid.Custom(func(t *rapid.T) events.Claim {
		return events.Claim{
			Name:  rapid.StringMatching(`[a-z][a-z0-9-]{0,3}`).Draw(t, "name"),
			Value: rapid.OneOf(rapid.String(), rapid.StringMatching(`[=#]?[a-f0-9]{0,64}`), rapid.Just(strings.Repeat("x", 2000)), rapid.Just("\xff")).Draw(t, "value"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := claim.Draw(t, "a"), claim.Draw(t, "b")
		if (a == b) != (a.Key("") == b.Key("")) {
			t.Fatalf("%q and %q have the keys %q and %q", a, b, a.Key(""), b.Key(""))
		}
		if key := a.Key(""); len(key) > 1024 || strings.ToValidUTF8(key, "") != key {
			t.Fatalf("key %q", key)
		}
	})
}
