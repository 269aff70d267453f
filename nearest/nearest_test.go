package nearest_test

import (
	"slices"
	"strings"
	"testing"

	"daybook/nearest"
)

func TestName(t *testing.T) {
	t.Parallel()
	names := []string{"create-user", "rename-user", "reactivate-user", "deactivate-user", "users", "orders", "openapi.json", "at", "a"}
	for word, want := range map[string]string{
		"creat-user":     "create-user",
		"crate-user":     "create-user",
		"craete-user":    "create-user", // two neighbours swapped
		"Create-User":    "create-user",
		"create_user":    "create-user",
		"user":           "users",
		"usres":          "users",
		"reactivate-usr": "reactivate-user",
		"reactivat-user": "reactivate-user", // one edit, deactivate-user two
		"openapi":        "openapi.json",    // its beginning
		"de":             "",
		"nothing-near":   "",
		"":               "",
		"xyz":            "",
	} {
		got, ok := nearest.Name(word, slices.Values(names))
		if got != want || ok != (want != "") {
			t.Errorf("%q: got %q %v, want %q", word, got, ok, want)
		}
	}
}

// TestNameIsTheSameInAnyOrder: names come from maps.
func TestNameIsTheSameInAnyOrder(t *testing.T) {
	t.Parallel()
	for _, names := range [][]string{{"ab-1", "ab-2", "ab-10"}, {"ab-10", "ab-2", "ab-1"}} {
		if got, _ := nearest.Name("ab-3", slices.Values(names)); got != "ab-1" {
			t.Errorf("%v: got %q", names, got)
		}
		if got, _ := nearest.Name("ab-", slices.Values(names)); got != "ab-1" {
			t.Errorf("%v: got %q", names, got)
		}
	}
}

func TestNameOfALongWord(t *testing.T) {
	t.Parallel()
	word := strings.Repeat("x", 1<<10)
	if got, ok := nearest.Name(word, slices.Values([]string{"users", word[1:]})); !ok || got != word[1:] {
		t.Errorf("got a name of %d bytes, %v", len(got), ok)
	}
	if got, ok := nearest.Name(word, slices.Values([]string{"users"})); ok {
		t.Errorf("got %q", got)
	}
}

func TestHint(t *testing.T) {
	t.Parallel()
	if got := nearest.Hint("userz", slices.Values([]string{"users"})); got != `; did you mean "users"?` {
		t.Errorf("got %q", got)
	}
	if got := nearest.Hint("zzz", slices.Values([]string{"users"})); got != "" {
		t.Errorf("got %q", got)
	}
}
