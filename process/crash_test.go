package process_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"

	"daybook/events"
	"daybook/follow"
	"daybook/process"
	"daybook/process/processtest"
)

// TestACrashBetweenAnyTwoSteps: a runner that stops before or after any call to
// the outside, the ledger or the store, and another that goes on, come to what one
// runner does.
func TestACrashBetweenAnyTwoSteps(t *testing.T) {
	t.Parallel()
	scenario := func(t testing.TB) (*world, []follow.Delivery) {
		w := newWorld(t, newFulfilment(), newShop())
		w.opts.Parallel, w.opts.Concurrency = 1, 1
		return w, []follow.Delivery{
			w.commit("order/7", place("a", "b", "c")), w.commit("order/7", note), w.commit("order/7", confirm),
			w.commit("order/7", place("d")), w.commit("order/7", confirm), w.commit("order/7", cancel),
		}
	}
	w, ds := scenario(t)
	want := inOrder(t, w, ds)
	for _, after := range []bool{false, true} {
		crashes := 0
		for n, crashed := 1, true; crashed; n++ {
			synctest.Test(t, func(t *testing.T) {
				w, ds := scenario(t)
				crashed = w.crash(n, after, ds)
				if crashed {
					crashes++
				}
				w.recorder.Before, w.recorder.After, w.ledger.Before, w.ledger.After, w.store.Before = nil, nil, nil, nil, nil
				for len(ds) > 0 { // the last ones alone are enough
					w.handle(ds[len(ds)-2:]...)
					ds = nil
				}
				if got, want := outcome(w.recorder), outcome(want); got != want {
					t.Errorf("crash at call %d (after it: %v): came to\n%s\nwant\n%s", n, after, got, want)
				}
				if fmt.Sprint(w.recorder.Timers()) != fmt.Sprint(want.Timers()) {
					t.Errorf("crash at call %d: timers %v, want %v", n, w.recorder.Timers(), want.Timers())
				}
			})
		}
		if crashes < 15 {
			t.Errorf("there were only %d places to crash at (after a call: %v)", crashes, after)
		}
	}
}

// crash handles deliveries until the nth call, from which on nothing is done any
// more, or is but nobody hears of it. It reports whether there was such a call.
func (w *world) crash(n int, after bool, ds []follow.Delivery) bool {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	calls := 0
	count := func() error {
		if calls++; calls < n {
			return nil
		}
		stop()
		return events.Errorf(events.CodeCanceled, "crashed at call %d", n)
	}
	hook := func(string) error { return count() }
	w.recorder.Answer = answer
	if after {
		w.recorder.After, w.ledger.After = hook, hook
	} else {
		w.recorder.Before, w.ledger.Before = hook, hook
		w.store.Before = func(string, events.Stream) error { return count() }
	}
	w.runner().Handle(ctx, ds)
	return calls >= n
}

// TestTwoRunnersAtOnce, at each pair of points of a commit: one stops at a call
// until the other is done, and goes on then.
func TestTwoRunnersAtOnce(t *testing.T) {
	t.Parallel()
	for n, reached := 1, true; reached; n++ {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, newFulfilment())
			w.opts.Parallel, w.opts.Concurrency = 1, 1
			ds := []follow.Delivery{w.commit("order/7", place("a", "b")), w.commit("order/7", cancel), w.commit("order/7", place("c"))}
			want := inOrder(t, w, ds)
			wait, calls := make(chan struct{}), 0
			outside := w.recorder
			outside.Answer = answer
			slow := &processtest.Recorder{Answer: answer, Before: func(string) error {
				if calls++; calls == n {
					<-wait
				}
				return nil
			}}
			first := *w
			first.recorder = slow
			late := make(chan process.Report)
			go func() { late <- first.runner().Handle(context.Background(), ds) }()
			synctest.Wait()
			reached = calls == n
			w.handle(ds...)
			entry := w.ledger.Entry("fulfilment", "order/7")
			close(wait)
			if r := <-late; r.Err != nil || len(r.Faults) > 0 {
				t.Errorf("stopped at call %d: %+v", n, r)
			}
			if e := w.ledger.Entry("fulfilment", "order/7"); e.Commit != 3 || e.Revision != entry.Revision {
				t.Errorf("stopped at call %d: entry %+v, was %+v", n, e, entry)
			}
			both := &processtest.Recorder{Answer: answer}
			for _, e := range append(slow.Done(), outside.Done()...) {
				if e.Command != nil {
					_ = both.Handle(context.Background(), *e.Command)
				}
			}
			if got, want := outcome(both), outcome(want); got != want {
				t.Errorf("stopped at call %d: came to\n%s\nwant\n%s", n, got, want)
			}
			// A late cancel never hits the timer of a later event.
			for _, e := range slow.Done() {
				if e.Cancel != "" {
					_ = outside.Cancel(context.Background(), e.Cancel)
				}
			}
			for name := range want.Timers() {
				if _, ok := outside.Timers()[name]; reached && !ok {
					t.Errorf("stopped at call %d: the timer is gone", n)
				}
			}
		})
	}
}
