package parallel_test

import (
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"daybook/parallel"
)

// TestLimitIsShared by calls side by side, and is used to the full.
func TestLimitIsShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		limit, begun := parallel.New(3), time.Now()
		var running, calls atomic.Int64
		parallel.New(2).Each(2, func(int) {
			limit.Each(30, func(int) {
				if now := running.Add(1); now > 3 {
					t.Errorf("%d at a time", now)
				}
				calls.Add(1)
				time.Sleep(time.Second)
				running.Add(-1)
			})
		})
		if took := time.Since(begun); calls.Load() != 60 || took != 20*time.Second {
			t.Errorf("%d calls in %v", calls.Load(), took)
		}
	})
}

func TestTry(t *testing.T) {
	t.Parallel()
	first, second := errors.New("first"), errors.New("second")
	called := make([]bool, 5)
	err := parallel.New(2).Try(5, func(i int) error {
		called[i] = true
		return map[int]error{3: second, 1: first}[i]
	})
	if !errors.Is(err, first) || slices.Contains(called, false) {
		t.Errorf("got %v, called %v", err, called)
	}
	if err := parallel.New(0).Try(1, func(int) error { return nil }); err != nil {
		t.Error(err)
	}
}
