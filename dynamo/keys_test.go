package dynamo

import (
	"testing"
	"time"

	"daybook/personal"
)

// TestALateDeleteLeavesANewerKey: an attempt to delete a key that arrives after the person
// came back must not erase the new person.
func TestALateDeleteLeavesANewerKey(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, KeysTable())
	keys := NewKeys(fx.client, TableName(testPrefix, KeysTable()))
	key := func(id string) personal.StoredKey {
		return personal.StoredKey{Subject: "user/7", ID: id, Wrapped: []byte(id), Created: time.Unix(1_790_000_000, 0).UTC()}
	}
	stored := func() string {
		t.Helper()
		found, err := keys.Load(t.Context(), []string{"user/7"})
		if err != nil {
			t.Fatal(err)
		}
		if found[0] == nil {
			return ""
		}
		return found[0].ID
	}
	for _, step := range []struct {
		create, remove, want string
	}{{"first", "", "first"}, {"", "first", ""}, {"", "first", ""}, {"second", "first", "second"}, {"third", "second", ""}} {
		if step.create != "" {
			if _, err := keys.Create(t.Context(), key(step.create)); err != nil {
				t.Fatal(err)
			}
		}
		if step.remove != "" {
			if err := keys.Delete(t.Context(), "user/7", step.remove); err != nil {
				t.Fatal(err)
			}
		}
		if got := stored(); got != step.want {
			t.Errorf("%+v: stored is %q", step, got)
		}
	}
}
