package run

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"
)

// TestOnlyASlowStartSpeaks: each step that takes more than a moment is named once, a
// quick one never.
func TestOnlyASlowStartSpeaks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		a := &announcer{name: "daybook", w: &out}
		for _, step := range []struct {
			name  string
			takes time.Duration
		}{{"opening", 900 * time.Millisecond}, {"creating", 20 * time.Second}, {"comparing", 0}, {"starting", 3 * time.Second}, {"answering", 999 * time.Millisecond}} {
			a.doing(step.name)
			time.Sleep(step.takes)
		}
		a.end()
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := out.String(); got != "daybook: creating …\ndaybook: starting …\n" {
			t.Errorf("said %q", got)
		}
	})
}
