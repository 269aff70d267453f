package parallel_test

import (
	"context"
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

// TestUntil: the first failure ends the calls under way, and none begins after it.
func TestUntil(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		failed := errors.New("failed")
		var calls atomic.Int64
		err := parallel.New(2).Until(t.Context(), 100, func(ctx context.Context, i int) error {
			calls.Add(1)
			if i == 1 {
				time.Sleep(time.Second)
				return failed
			}
			<-ctx.Done()
			return ctx.Err()
		})
		if !errors.Is(err, failed) || calls.Load() != 2 {
			t.Errorf("got %v after %d calls", err, calls.Load())
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := parallel.New(2).Until(ctx, 3, func(context.Context, int) error { return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}
