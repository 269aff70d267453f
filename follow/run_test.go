package follow_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"daybook/events"
	"daybook/events/eventstest"
	"daybook/follow"
	"daybook/parallel"
)

// world is a store with a counter that follows it.
type world struct {
	t     testing.TB
	store *eventstest.Memory
	c     *counter
	reads atomic.Int64
	next  map[events.Stream]events.Position

	// fail is asked before each call of the consumer.
	fail func(method string, l *tally) error
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, c: &counter{counts: map[string]int{}, kept: map[events.Stream]place{}}, next: map[events.Stream]events.Position{}}
	w.store = &eventstest.Memory{Before: func(method string, _ events.Stream) error {
		if method == "Read" {
			w.reads.Add(1)
		}
		return nil
	}}
	w.fail = func(string, *tally) error { return nil }
	return w
}

// The world is the counter, with failures.
func (w *world) Lanes(s *follow.Stream) []*tally { return w.c.Lanes(s) }

func (w *world) Load(ctx context.Context, lanes []*tally) error {
	for _, l := range lanes {
		if err := w.fail("Load", l); err != nil {
			return err
		}
	}
	return w.c.Load(ctx, lanes)
}

func (w *world) Handle(ctx context.Context, l *tally) error {
	if err := w.fail("Handle", l); err != nil {
		l.Known = events.CodeOf(err) != events.CodeConflict
		return err
	}
	return w.c.Handle(ctx, l)
}

func (w *world) Record(ctx context.Context, l *tally, f *follow.Fault) error {
	if err := w.fail("Record", l); err != nil {
		return err
	}
	return w.c.Record(ctx, l, f)
}

func (w *world) Release(ctx context.Context, l *tally) (bool, error) {
	if err := w.fail("Release", l); err != nil {
		return false, err
	}
	return w.c.Release(ctx, l)
}

func (w *world) commit(stream events.Stream) follow.Delivery {
	w.t.Helper()
	at, ok := w.next[stream]
	if !ok {
		at = events.Start(stream)
	}
	c, err := w.store.Append(context.Background(), at, events.Commit{
		ID: fmt.Sprint(stream, at.Number()), Time: time.Now(), Events: []events.Event{{Name: "done", Schema: 1, Data: []byte(`{}`)}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.next[stream] = events.After(&c)
	return follow.Delivery{Stream: stream, Number: c.Number, Commit: &c, Sequence: fmt.Sprintf("%s#%d", stream, c.Number)}
}

func (w *world) options() follow.Options {
	return follow.Options{Limit: parallel.New(4), Attempts: 8, Pause: 10 * time.Millisecond, Now: time.Now}
}

func (w *world) handle(ds ...follow.Delivery) follow.Report {
	r := follow.Begin(w.store, ds, w.options())
	follow.Consume(context.Background(), r, w, r.Open())
	return r.End()
}

func (w *world) redrive(stream events.Stream) (follow.RedriveResult, error) {
	return follow.Redrive(context.Background(), w.store, stream, w, w.c.lane, w.options())
}

func (w *world) want(what string, r follow.Report, want string) {
	w.t.Helper()
	code := events.CodeOf(r.Err)
	if got := fmt.Sprintf("counted %d skipped %d held %d gaps %d faults %d retry %v %s", w.c.counts["done"], r.Skipped, r.Held, r.Gaps, len(r.Faults), r.Retry, code); got != want {
		w.t.Errorf("%s:\n got %s\nwant %s", what, got, want)
	}
}

// TestEveryCommitOnce, whatever order the deliveries come in, and however often.
func TestEveryCommitOnce(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		random, w := rand.New(rand.NewPCG(seed, 0)), newWorld(t)
		var ds []follow.Delivery
		for range 60 {
			ds = append(ds, w.commit(events.StreamOf("door", fmt.Sprint(random.IntN(3)))))
		}
		all := slices.Concat(ds, ds[:20])
		random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		for batch := range slices.Chunk(all, 1+random.IntN(9)) {
			for i := range batch {
				if random.IntN(5) == 0 {
					batch[i].Commit, batch[i].Err = nil, fmt.Errorf("damaged")
				}
			}
			if r := w.handle(batch...); r.Retry != nil || len(r.Faults) > 0 {
				t.Fatalf("seed %d: %+v", seed, r)
			}
		}
		if w.c.counts["done"] != 60 {
			t.Errorf("seed %d: counted %d of 60", seed, w.c.counts["done"])
		}
	}
}

// TestAGapIsReadByPages, also by several consumers of one batch.
func TestAGapIsReadByPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var last follow.Delivery
	for range 251 {
		last = w.commit("door/1")
	}
	w.want("a gap", w.handle(last), "counted 251 skipped 0 held 0 gaps 250 faults 0 retry [] ")
	if n := w.reads.Load(); n != 3 {
		t.Errorf("%d reads", n)
	}
	other := newWorld(t)
	r := follow.Begin(w.store, []follow.Delivery{last}, w.options())
	follow.Consume(t.Context(), r, other, r.Open())
	again := newWorld(t)
	follow.Consume(t.Context(), r, again, r.Open())
	if other.c.counts["done"] != 251 || again.c.counts["done"] != 251 || w.reads.Load() > 9 {
		t.Errorf("counted %v and %v", other.c.counts, again.c.counts)
	}
}

// TestFailures: a transient one gives back the first record that failed and all
// behind it; a permanent one parks the stream, and nothing else.
func TestFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		ds := []follow.Delivery{w.commit("door/1"), w.commit("door/2"), w.commit("door/2"), w.commit("door/3"), w.commit("door/2")}
		code := events.CodeBusy
		w.fail = func(method string, l *tally) error {
			if method == "Handle" && l.Name == "door/2" && l.Commit == 1 && (l.Stop == nil || code == events.CodeBusy) {
				return events.Errorf(code, "no")
			}
			return nil
		}
		r := w.handle(ds...)
		w.want("a transient failure", r, "counted 3 skipped 0 held 0 gaps 0 faults 0 retry [door/2#1 door/2#2 door/3#1 door/2#3] busy")
		if got := r.Err.Error(); got != `the counter, stream "door/2": busy: no` {
			t.Errorf("got %q", got)
		}
		code = "broken"
		r = w.handle(ds[1:]...)
		w.want("a permanent one", r, "counted 3 skipped 2 held 0 gaps 0 faults 1 retry [] ")
		if f := r.Faults[0]; f.Consumer != "counter" || f.Stream != "door/2" || f.Commit != 2 || f.Code != "broken" || f.Text != "broken: no" || f.Attempts != 1 {
			t.Errorf("got %+v", f)
		}
		w.want("while it is parked", w.handle(append(ds, w.commit("door/2"))...), "counted 3 skipped 3 held 3 gaps 0 faults 0 retry [] ")
		if out, err := w.redrive("door/2"); err != nil || out.Fault == nil || out.Fault.Attempts != 2 || out.Commit != 1 {
			t.Errorf("redriven without a fix: %+v, %v", out, err)
		}
		w.fail = func(string, *tally) error { return nil }
		if out, err := w.redrive("door/2"); err != nil || out != (follow.RedriveResult{Consumer: "counter", Stream: "door/2", Commit: 4}) {
			t.Errorf("redriven: %+v, %v", out, err)
		}
		w.want("after it", w.handle(w.commit("door/2")), "counted 7 skipped 0 held 0 gaps 0 faults 0 retry [] ")
	})
}

// TestAnotherWriter: a consumer that loses looks again, a bounded number of times.
func TestAnotherWriter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		lost, losses := 0, 7
		w.fail = func(method string, l *tally) error {
			if method == "Handle" && lost < losses {
				lost++
				return events.Errorf(events.CodeConflict, "another was first")
			}
			return nil
		}
		begun := time.Now()
		w.want("losses", w.handle(w.commit("door/1")), "counted 1 skipped 0 held 0 gaps 0 faults 0 retry [] ")
		if took := time.Since(begun); lost != 7 || took == 0 || took > 2*time.Second {
			t.Errorf("%d losses in %v", lost, took)
		}
		lost, losses = 0, 100
		w.want("too many", w.handle(w.commit("door/1")), "counted 1 skipped 0 held 0 gaps 0 faults 0 retry [door/1#2] conflict")
		if lost != 8 {
			t.Errorf("%d attempts", lost)
		}
	})
}

// TestWhatCannotBeLoaded is on record for that stream only, and met again.
func TestWhatCannotBeLoaded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ds := []follow.Delivery{w.commit("door/1"), w.commit("door/2"), w.commit("door/3"), {Sequence: "stray"}}
	w.fail = func(method string, l *tally) error {
		if method == "Load" && l.Name == "door/2" {
			return events.Errorf(events.CodeInternal, "it can't be read")
		}
		return nil
	}
	w.want("an item", w.handle(ds...), "counted 2 skipped 0 held 0 gaps 0 faults 2 retry [] ")
	if f := w.c.kept["door/2"].fault; f == nil || f.Commit != 1 || !strings.Contains(f.Text, "it can't be read") {
		t.Errorf("on record: %+v", f)
	}
	down := w.fail
	w.fail = func(method string, l *tally) error {
		if method == "Record" {
			return events.Errorf(events.CodeUnavailable, "no database")
		}
		return down(method, l)
	}
	w.want("nor its fault be kept", w.handle(ds[:3]...), "counted 2 skipped 2 held 0 gaps 0 faults 0 retry [door/2#1 door/3#1] unavailable")
}

// TestRedriveThatIsBrokenOff leaves the stream parked; another one ends it.
func TestRedriveThatIsBrokenOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var last follow.Delivery
		for range 130 {
			last = w.commit("door/1")
		}
		w.fail = func(method string, l *tally) error {
			if method == "Handle" && l.Stop == nil {
				return events.Errorf(events.CodeInternal, "a fault")
			}
			return nil
		}
		w.handle(last)
		for n, err := 1, error(nil); ; n++ {
			calls := 0
			w.fail = func(method string, _ *tally) error {
				if calls++; calls == n*20 {
					return events.Errorf(events.CodeUnavailable, "call %d", calls)
				}
				return nil
			}
			if _, err = w.redrive("door/1"); err == nil {
				break
			}
			if w.c.kept["door/1"].fault == nil || n > 20 {
				t.Fatalf("broken off: %v, %+v", err, w.c.kept)
			}
		}
		w.want("in the end", w.handle(last), "counted 130 skipped 1 held 0 gaps 0 faults 0 retry [] ")
		losses := 0
		w.fail = func(method string, _ *tally) error {
			if method == "Release" {
				losses++
				return events.Errorf(events.CodeConflict, "another was first")
			}
			return nil
		}
		if _, err := w.redrive("door/1"); events.CodeOf(err) != events.CodeConflict || losses != 8 {
			t.Errorf("%d losses, %v", losses, err)
		}
	})
}
