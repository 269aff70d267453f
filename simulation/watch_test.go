package simulation

import (
	"testing"
	"testing/synctest"
	"time"
)

// A process that was suspended for hours has run as long as it was seen to.
func TestSuspendedSecondsDoNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seconds, expired := make(chan time.Time), false
		stop := watch(seconds, func() { expired = true })
		defer stop()
		for range int(longestRun/time.Second) - 1 {
			seconds <- time.Now()
			time.Sleep(time.Hour)
		}
		if synctest.Wait(); expired {
			t.Fatal("hours of suspension counted")
		}
		seconds <- time.Now()
		if synctest.Wait(); !expired {
			t.Error("a run that goes on for ever is never ended")
		}
	})
}

func TestWatchEnds(t *testing.T) {
	synctest.Test(t, func(*testing.T) {
		stop := watch(make(chan time.Time), func() { t.Error("ended by itself") })
		stop()
		stop()
	}) // which fails if a goroutine is left
}
