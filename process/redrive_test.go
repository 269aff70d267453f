package process_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"

	"daybook/events"
	"daybook/follow"
	"daybook/process"
)

// parkedWorld has three parked orders, and one that is not.
func parkedWorld(t testing.TB) *world {
	w := newWorld(t, newFulfilment(), newShop())
	w.opts.Parallel = 1
	w.recorder.Answer = func(r process.Request) error {
		if r.ID == "bad" {
			return events.Errorf(events.CodeUnknownCommand, "there is no such command")
		}
		return nil
	}
	for _, id := range []string{"3", "1", "2"} {
		stream := events.StreamOf("order", id)
		r := w.runner().Handle(context.Background(), []follow.Delivery{w.commit(stream, place("a", "bad"))})
		if len(r.Faults) != 1 {
			t.Fatalf("got %+v", r)
		}
		w.handle(w.commit(stream, note), w.commit(stream, confirm))
	}
	w.handle(w.commit("order/4", place("a")))
	return w
}

func parkedOf(t testing.TB, r *process.Runner, reactor string, after events.Stream, limit int) (streams []events.Stream) {
	t.Helper()
	faults, err := r.Parked(t.Context(), reactor, after, limit)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		if f.Consumer != reactor || f.Commit != 1 || f.Code != events.CodeUnknownCommand {
			t.Errorf("got %+v", f)
		}
		streams = append(streams, f.Stream)
	}
	return streams
}

func TestParkedAndRedriven(t *testing.T) {
	t.Parallel()
	w := parkedWorld(t)
	r := w.runner()
	same(t, "parked", parkedOf(t, r, "fulfilment", "", 10), []events.Stream{"order/1", "order/2", "order/3"})
	same(t, "parked", parkedOf(t, r, "fulfilment", "order/1", 1), []events.Stream{"order/2"})
	same(t, "parked", parkedOf(t, r, "shop", "", 10), nil)
	if len(w.recorder.Published()) != 3 {
		t.Errorf("another reactor was held up: %d published", len(w.recorder.Published()))
	}
	// It still fails: parked as before, with one more attempt.
	out, err := r.Redrive(t.Context(), "fulfilment", "order/2")
	if err != nil || out.Fault == nil || out.Fault.Attempts != 2 || out.Commit != 0 {
		t.Errorf("got %+v, %v", out, err)
	}
	w.recorder.Answer = nil
	before := len(w.sent())
	if out, err = r.Redrive(t.Context(), "fulfilment", "order/2"); err != nil || out.Fault != nil || out.Commit != 3 {
		t.Errorf("got %+v, %v", out, err)
	}
	same(t, "commands", w.sent()[before:], []string{"reserve-stock a", "reserve-stock bad", "confirm-order 2"})
	same(t, "parked", parkedOf(t, r, "fulfilment", "", 10), []events.Stream{"order/1", "order/3"})
	var streams []events.Stream
	if err := r.RedriveAll(t.Context(), func(out follow.RedriveResult) { streams = append(streams, out.Stream) }); err != nil || len(streams) != 2 {
		t.Errorf("got %v, %v", streams, err)
	}
	same(t, "parked", parkedOf(t, r, "fulfilment", "", 10), nil)
	if r := w.handle(w.commit("order/1", cancel)); r.Held != 0 || r.Handled != 1 {
		t.Errorf("got %+v", r)
	}
}

func TestRedriveRefuses(t *testing.T) {
	t.Parallel()
	r := newWorld(t, newFulfilment()).runner()
	_, err := r.Redrive(t.Context(), "nobody", "order/1")
	_, err2 := r.Redrive(t.Context(), "fulfilment", "user/1")
	_, err3 := r.Parked(t.Context(), "nobody", "", 1)
	for _, err := range []error{err, err2, err3, r.RedriveReactor(t.Context(), "nobody", nil)} {
		if events.CodeOf(err) != events.CodeNotFound {
			t.Errorf("got %v", err)
		}
	}
	for _, limit := range []int{0, 1001} {
		if _, err := r.Parked(t.Context(), "fulfilment", "", limit); events.CodeOf(err) != events.CodeMalformed {
			t.Errorf("limit %d: %v", limit, err)
		}
	}
}

// TestRedriveCatchesUp a stream that is not parked, too, over pages of commits
// that nobody handles.
func TestRedriveCatchesUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newFulfilment())
	w.commit("order/7", place("a"))
	for range 250 {
		w.commit("order/7", note)
	}
	w.commit("order/7", cancel)
	out, err := w.runner().Redrive(t.Context(), "fulfilment", "order/7")
	if err != nil || out.Fault != nil || out.Commit != 252 || len(w.sent()) != 3 {
		t.Errorf("got %+v, %v, %v", out, err, w.sent())
	}
}

// TestRedriveBesideARunner: what is held back while the last page is redriven is
// not lost.
func TestRedriveBesideARunner(t *testing.T) {
	t.Parallel()
	w := parkedWorld(t)
	w.recorder.Answer = nil
	held := 0
	w.store.Before = func(method string, stream events.Stream) error {
		if method == "Read" && held == 0 && w.ledger.Entry("fulfilment", "order/1").Commit == 3 {
			w.store.Before = nil
			held = w.handle(w.commit("order/1", cancel)).Held
		}
		return nil
	}
	w.ledger.After = func(string) error { // and one more between the end of the stream and the end of the parking
		if e := w.ledger.Entry("fulfilment", "order/1"); e.Commit == 4 {
			w.ledger.After = nil
			held += w.handle(w.commit("order/1", refuse)).Held
		}
		return nil
	}
	out, err := w.runner().Redrive(t.Context(), "fulfilment", "order/1")
	if err != nil || out.Fault != nil || out.Commit != 5 || held != 2 {
		t.Errorf("got %+v, %v, %d held", out, err, held)
	}
}

// TestRedriveThatIsBrokenOff leaves the stream parked.
func TestRedriveThatIsBrokenOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := parkedWorld(t)
		for n := 1; ; n++ {
			calls := 0
			fail := func(string) error {
				if calls++; calls == n {
					return events.Errorf(events.CodeUnavailable, "call %d", n)
				}
				return nil
			}
			w.recorder.Answer = nil
			w.ledger.Before, w.recorder.Before = fail, fail
			_, err := w.runner().Redrive(t.Context(), "fulfilment", "order/1")
			w.ledger.Before, w.recorder.Before = nil, nil
			entry := w.ledger.Entry("fulfilment", "order/1")
			if err == nil {
				if entry.Fault != nil || entry.Commit != 3 || n < 5 {
					t.Errorf("after %d calls: %+v", n, entry)
				}
				return
			}
			if entry.Fault == nil && entry.Commit != 3 {
				t.Fatalf("broken off at call %d: %v, %+v", n, err, entry)
			}
			if n > 50 {
				t.Fatal(fmt.Errorf("no end: %w", err))
			}
		}
	})
}
