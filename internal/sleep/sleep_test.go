package sleep_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"daybook/internal/sleep"
)

func TestFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		begin := time.Now()
		if err := sleep.For(ctx, time.Second); err != nil || time.Since(begin) != time.Second {
			t.Errorf("a second took %v: %v", time.Since(begin), err)
		}
		if err := sleep.For(ctx, time.Hour); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != time.Minute {
			t.Errorf("the context ended after %v: %v", time.Since(begin), err)
		}
	})
}
