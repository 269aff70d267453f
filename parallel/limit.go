package parallel

import (
	"context"
	"sync"
	"sync/atomic"
)

// Limit bounds how many functions run at a time, over all calls of Each that
// share it.
type Limit chan struct{}

// New returns a limit of n, at least 1.
func New(n int) Limit { return make(Limit, max(n, 1)) }

// Each calls f with 0 to n-1 within the limit, and returns when all calls have. A
// call must not use the same limit. A goroutine makes one call after the other:
// the stack that a request needs grows once, not with every call.
func (l Limit) Each(n int, f func(i int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(n, cap(l)) {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				l.one(int(i)-1, f)
			}
		})
	}
	wg.Wait()
}

func (l Limit) one(i int, f func(i int)) {
	l <- struct{}{}
	defer func() { <-l }()
	f(i)
}

// Try calls f as Each does, and returns the error of the lowest i that has one.
// All calls are made.
func (l Limit) Try(n int, f func(i int) error) error {
	errs := make([]error, n)
	l.Each(n, func(i int) { errs[i] = f(i) })
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// Until calls f with 0 to n-1, as many at a time as the limit has room for, until
// one fails: then the context of the others ends, and no more are called. It returns
// that error, or why ctx ended.
func (l Limit) Until(ctx context.Context, n int, f func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	l.Each(n, func(i int) {
		if ctx.Err() != nil {
			return
		}
		if err := f(ctx, i); err != nil {
			cancel(err)
		}
	})
	return context.Cause(ctx)
}
