package events_test

import (
	"testing"

	"daybook/events"
)

func TestBeginning(t *testing.T) {
	t.Parallel()
	for size, want := range []string{"", "a", "a", "aé", "aé", "aé", "aé", "aé😀", "aé😀"} {
		if got := events.Beginning("aé😀", size); got != want {
			t.Errorf("%d bytes: %q, want %q", size, got, want)
		}
	}
}
