package aggregate_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"daybook/aggregate"
	"daybook/events/eventstest"
)

// history is a random life of one stream under the handlers of instances whose
// clocks differ by up to an hour, and what its commands were answered.
type history struct {
	store    *eventstest.Memory
	clock    *clock
	hs       []*aggregate.Handler
	accepted []accepted
	commands int // of random ids, and those without
}

type accepted struct {
	command aggregate.Command
	at      time.Time // by the true clock
	result  aggregate.Result
}

func newHistory(t *rapid.T) *history {
	h := &history{store: &eventstest.Memory{}, clock: newClock()}
	snapshotBytes := rapid.SampledFrom([]int{1, 3_000, 4_096, 40_000}).Draw(t, "snapshot bytes")
	schema := rapid.IntRange(1, 2)
	for range rapid.IntRange(1, 3).Draw(t, "instances") {
		skew := time.Duration(rapid.IntRange(-30, 30).Draw(t, "clock is off by minutes")) * time.Minute
		d := counter().StateSchema(schema.Draw(t, "state schema"))
		handler, err := aggregate.NewHandler(h.store, []aggregate.Aggregate{d}, &aggregate.Options{
			Now:           func() time.Time { return h.clock.now().Add(skew) },
			SnapshotBytes: snapshotBytes,
			CacheBytes:    rapid.SampledFrom([]int{-1, 20_000, 1 << 20}).Draw(t, "cache bytes"),
		})
		if err != nil {
			t.Fatal(err)
		}
		h.hs = append(h.hs, handler)
	}
	return h
}

// handle handles commands as one batch and keeps those that were executed.
func (h *history) handle(t *rapid.T, on int, cs []aggregate.Command) []aggregate.Result {
	var rs []aggregate.Result
	for i, o := range h.hs[on%len(h.hs)].HandleBatch(t.Context(), cs) {
		if o.Err != nil {
			t.Fatalf("%s: %v", cs[i].CommandID, o.Err)
		}
		if cs[i].CommandID != "" && !o.Result.Replayed {
			h.accepted = append(h.accepted, accepted{cs[i], h.clock.now(), o.Result})
		}
		rs = append(rs, o.Result)
	}
	return rs
}

// burst handles many commands, in batches, some time apart.
func (h *history) burst(t *rapid.T) {
	n, batch := rapid.IntRange(1, 300).Draw(t, "commands"), rapid.SampledFrom([]int{1, 1, 1, 3, 40}).Draw(t, "in a batch")
	step := time.Duration(rapid.SampledFrom([]int{0, 1, 60, 600, 3600}).Draw(t, "seconds apart")) * time.Second
	on, keyed := rapid.IntRange(0, 8).Draw(t, "on"), rapid.IntRange(1, 4).Draw(t, "every so many has an id")
	for n > 0 {
		var cs []aggregate.Command
		for range min(n, batch) {
			id := ""
			if h.commands++; h.commands%keyed == 0 {
				id = fmt.Sprint("c", h.commands)
			}
			cs = append(cs, add("1", 1, id))
		}
		h.handle(t, on, cs)
		h.clock.advance(step)
		n -= batch
	}
}

// repeat sends an accepted command of the last 24 hours again: the first answer
// must come, and the stream stay as it is.
func (h *history) repeat(t *rapid.T) {
	on := rapid.IntRange(0, 8).Draw(t, "repeat on")
	first := h.accepted[rapid.IntRange(0, len(h.accepted)-1).Draw(t, "repeated")]
	if age := h.clock.now().Sub(first.at); age > 24*time.Hour {
		return
	}
	before, err := h.store.Load(t.Context(), "counter/1", 0)
	if err != nil {
		t.Fatal(err)
	}
	r := h.handle(t, on, []aggregate.Command{first.command})[0]
	if !r.Replayed || r.Version != first.result.Version || r.Started != first.result.Started {
		t.Fatalf("%s, accepted %v ago, %d commits of %d ago: answered %+v, first %+v",
			first.command.CommandID, h.clock.now().Sub(first.at), before[len(before)-1].Version-first.result.Version, len(before), r, first.result)
	}
	if after, err := h.store.Load(t.Context(), "counter/1", 0); err != nil || len(after) != len(before) {
		t.Fatalf("a repeat made %d commits of %d, error %v", len(after), len(before), err)
	}
}

// A repeat within 24 hours is recognised in any history: through bursts
// and quiet days, batches, warm and cold streams, snapshots of other state
// schemas, and instances whose clocks differ by up to an hour.
func TestRepeatsAreRecognisedWithinTheirTime(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		h := newHistory(t)
		h.handle(t, 0, []aggregate.Command{begin("1", "start")})
		for range rapid.IntRange(1, 4).Draw(t, "bursts") {
			h.burst(t)
			for range rapid.IntRange(0, 4).Draw(t, "repeats") {
				h.repeat(t)
			}
			h.clock.advance(time.Duration(rapid.SampledFrom([]int{0, 0, 5, 20, 24, 60}).Draw(t, "quiet hours")) * time.Hour)
			h.repeat(t)
		}
	})
}
