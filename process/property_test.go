package process_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"daybook/events"
	"daybook/follow"
	"daybook/process"
	"daybook/process/processtest"
)

// outcome is what the outside has come to: the commands that were accepted, and
// for each stream the integration events in the order of the first time. Timers
// are compared apart.
func outcome(r *processtest.Recorder) string {
	commands, published := map[string]bool{}, map[string][]string{}
	for _, e := range r.Done() {
		if c := e.Command; c != nil && answer(*c) == nil {
			commands[fmt.Sprintf("%s to %s because of %s: %s %s", c.Command, c.ID, c.Causation, c.CommandID, c.Payload)] = true
		}
		if e := e.Event; e != nil {
			what := fmt.Sprintf("%s %s", e.ID, e.Data)
			if !slices.Contains(published[e.Subject], what) {
				published[e.Subject] = append(published[e.Subject], what)
			}
		}
	}
	out := slices.Sorted(maps.Keys(commands))
	for _, stream := range slices.Sorted(maps.Keys(published)) {
		out = append(out, stream+": "+strings.Join(published[stream], ", "))
	}
	return strings.Join(out, "\n")
}

// sameTimers checks that the timers that should be set are, and that none is that
// never was: a runner that is late may set one again that was cancelled.
func sameTimers(t *rapid.T, got, want *processtest.Recorder) {
	is, ever := got.Timers(), map[string]bool{}
	for _, e := range want.Done() {
		if e.Timer != nil {
			ever[e.Timer.Name] = true
		}
	}
	for name, timer := range want.Timers() {
		if g, ok := is[name]; !ok || !g.At.Equal(timer.At) || g.Command.CommandID != timer.Command.CommandID {
			t.Errorf("timer %s is %+v, want %+v", timer.Label, g, timer)
		}
	}
	for name, timer := range is {
		if !ever[name] {
			t.Errorf("timer %s %s was never to be set", timer.Label, name)
		}
	}
}

// answer accepts or rejects a command permanently, by its id.
func answer(r process.Request) error {
	h := fnv.New32()
	h.Write([]byte(r.CommandID))
	if r.Command == "reserve-stock" && h.Sum32()%4 == 0 {
		return &events.Error{Code: "insufficient-stock", Message: "no", Rejected: true}
	}
	return nil
}

// TestAnyDeliveryDoesTheSame: records shuffled, doubled, dropped before the last
// of their stream, split at random between batches and runners that work at the
// same time, with faults before and after every call and batches that are broken
// off, come to what one runner does in order.
func TestAnyDeliveryDoesTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, newFulfilment(), newShop())
		w.opts.Attempts = 1_000_000
		// Some of the streams are fresh, so that they are handled without a look.
		fresh := rapid.IntRange(0, 40).Draw(rt, "fresh streams")
		var ds []follow.Delivery
		for i := range rapid.IntRange(1, 8).Draw(rt, "streams") {
			stream := events.StreamOf("order", fmt.Sprint(i))
			ds = append(ds, w.commit(stream, place(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 0, 4).Draw(rt, "products")...)))
			for _, e := range rapid.SliceOfN(rapid.SampledFrom([]events.Data{cancel, confirm, refuse, note, place("d")}), 0, 5).Draw(rt, "events") {
				ds = append(ds, w.commit(stream, e))
			}
		}
		if fresh > 20 {
			now := w.clock
			w.opts.Now = func() time.Time { return now }
		}
		seed := rapid.Uint64().Draw(rt, "seed")
		want := inOrder(t, w, ds)
		percent := rapid.IntRange(0, 25).Draw(rt, "percent of faults")
		runners := rapid.IntRange(1, 3).Draw(rt, "runners")
		synctest.Test(t, func(*testing.T) {
			w.disturbed(rt, seed, percent, runners, ds)
			if got, want := outcome(w.recorder), outcome(want); got != want {
				rt.Fatalf("came to\n%s\nwant\n%s", got, want)
			}
			sameTimers(rt, w.recorder, want)
		})
	})
}

// inOrder is what one runner comes to that gets each record once.
func inOrder(t testing.TB, w *world, ds []follow.Delivery) *processtest.Recorder {
	t.Helper()
	one := *w
	one.ledger, one.recorder = &processtest.Memory{}, &processtest.Recorder{Answer: answer}
	for _, d := range ds {
		one.handle(d)
	}
	return one.recorder
}

func (w *world) disturbed(t *rapid.T, seed uint64, percent, runners int, ds []follow.Delivery) {
	random := rand.New(rand.NewPCG(seed, 1))
	ds = disturb(random, ds)
	fail := faults(seed, percent)
	w.recorder = &processtest.Recorder{Answer: answer, Before: fail, After: fail}
	w.ledger.Before, w.ledger.After = fail, fail
	w.store.Before = func(string, events.Stream) error { return fail("") }
	var wg sync.WaitGroup
	var mu sync.Mutex
	for i := range runners {
		mine := ds[len(ds)*i/runners : len(ds)*(i+1)/runners]
		r, random := w.runner(), rand.New(rand.NewPCG(seed, uint64(i)+2))
		wg.Go(func() {
			if err := deliver(r, random, mine); err != nil {
				mu.Lock()
				defer mu.Unlock()
				t.Errorf("%v", err)
			}
		})
	}
	wg.Wait()
	w.store.Before = nil
}

// disturb drops, doubles, empties and shuffles deliveries; the last of each
// stream stays.
func disturb(random *rand.Rand, ds []follow.Delivery) []follow.Delivery {
	last := map[events.Stream]int64{}
	for _, d := range ds {
		last[d.Stream] = max(last[d.Stream], d.Number)
	}
	var out []follow.Delivery
	for _, d := range ds {
		// A commit that nobody handles does not make anyone look for others.
		if d.Number < last[d.Stream]-1 && random.IntN(6) == 0 {
			continue
		}
		if random.IntN(6) == 0 || d.Number == last[d.Stream] {
			d.Commit = nil
		}
		out = append(out, d)
		for random.IntN(4) == 0 {
			out = append(out, d)
		}
	}
	random.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// faults makes a part of all calls fail for transient reasons.
func faults(seed uint64, percent int) func(string) error {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(seed, 0))
	codes := []events.Code{events.CodeUnavailable, events.CodeBusy, events.CodeThrottled, events.CodeCanceled, events.CodeConflict}
	return func(string) error {
		mu.Lock()
		defer mu.Unlock()
		if random.IntN(100) >= percent {
			return nil
		}
		return events.Errorf(codes[random.IntN(len(codes))], "injected")
	}
}

func deliver(r *process.Runner, random *rand.Rand, queue []follow.Delivery) error {
	for rounds := 0; len(queue) > 0; rounds++ {
		if rounds > 10_000 {
			return fmt.Errorf("the runner does not get on")
		}
		n := 1 + random.IntN(min(len(queue), 9))
		ctx, stop := context.Background(), context.CancelFunc(func() {})
		if random.IntN(4) == 0 {
			ctx, stop = context.WithCancel(ctx) // killed at some point
			go func() { stop() }()
		}
		report := r.Handle(ctx, queue[:n])
		stop()
		if len(report.Faults) > 0 {
			return fmt.Errorf("faults: %+v", report.Faults)
		}
		if len(report.Retry) > n || (report.Err == nil) != (report.Retry == nil) {
			return fmt.Errorf("retry of %d in a batch of %d, %v", len(report.Retry), n, report.Err)
		}
		queue = slices.Concat(queue[n-len(report.Retry):n], queue[n:])
	}
	return nil
}
