package aggregate_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"daybook/aggregate"
	"daybook/aggregate/async"
	"daybook/aggregate/async/asynctest"

	"daybook/events"
	"daybook/events/eventstest"
)

// clock is a clock that a test moves.
type clock struct{ millis atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.millis.Store(time.Date(2026, 11, 3, 9, 15, 0, 0, time.UTC).UnixMilli())
	return c
}

func (c *clock) now() time.Time          { return time.UnixMilli(c.millis.Load()) }
func (c *clock) advance(d time.Duration) { c.millis.Add(d.Milliseconds()) }

// busyCounter stores a stream of n commands, one each step, whose ids are "c0",
// "c1" and so on.
func busyCounter(t *testing.T, store events.Store, c *clock, n int, step time.Duration) *aggregate.Handler {
	t.Helper()
	h := handler(t, store, &aggregate.Options{Now: c.now})
	must(t, h, begin("1", ""))
	for i := range n {
		must(t, h, add("1", 1, fmt.Sprint("c", i)))
		c.advance(step)
	}
	return h
}

// A repeat within a day is the first answer again, however many commands have
// come since, whether the stream is warm or not, and writes nothing.
func TestRepeatWithinADay(t *testing.T) {
	t.Parallel()
	for _, n := range []int{480, 5_000, 20_000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			var calls calls
			store, c := &eventstest.Memory{Before: calls.count}, newClock()
			warm := busyCounter(t, store, c, n, 23*time.Hour/time.Duration(n))
			calls.take()
			for name, h := range map[string]*aggregate.Handler{
				"warm": warm, "cold": handler(t, store, &aggregate.Options{Now: c.now}), "without a cache": handler(t, store, &aggregate.Options{Now: c.now, CacheBytes: -1}),
			} {
				for _, i := range []int{0, 1, n / 2, n - 200, n - 1} {
					if r := must(t, h, add("1", 1, fmt.Sprint("c", i))); !r.Replayed || r.Version != int64(i+2) {
						t.Fatalf("%s: the repeat of command %d answers %+v", name, i, r)
					}
				}
				_, err := h.Handle(t.Context(), add("1", 2, "c0"))
				wantCode(t, err, events.CodeKeyReused)
			}
			if got := calls.take(); strings.Contains(got, "Append") {
				t.Errorf("repeats write: %s", got)
			}
			if r := must(t, handler(t, store, &aggregate.Options{Now: c.now}), add("1", 1, "new")); r.Replayed || r.Version != int64(n+2) {
				t.Errorf("a new command answers %+v", r)
			}
		})
	}
}

// The older commands of a busy stream are read once while it is warm. A
// generated id needs none of them, nor does a stream with about a hundred commands a day.
func TestReadsOfARepeatableCommand(t *testing.T) {
	t.Parallel()
	var calls calls
	store, c := &eventstest.Memory{Before: calls.count}, newClock()
	busyCounter(t, store, c, 1_000, 80*time.Second)
	h := handler(t, store, &aggregate.Options{Now: c.now})
	step := func(name string, h *aggregate.Handler, id, commandID, want string) {
		t.Helper()
		calls.take()
		must(t, h, add(id, 1, commandID))
		if got := calls.take(); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	step("a generated id, cold", h, "1", "", "Load 1, Append 1")
	step("a command id", h, "1", "k1", "Append 1, Commits 2")
	step("another", h, "1", "k2", "Append 1")
	step("a repeat among the last, cold", handler(t, store, &aggregate.Options{Now: c.now}), "1", "c950", "Load 1")
	must(t, h, begin("2", "b"))
	for i := range 500 {
		must(t, h, add("2", 1, fmt.Sprint("c", i)))
		c.advance(15 * time.Minute)
	}
	step("a command id on an ordinary stream, cold", handler(t, store, &aggregate.Options{Now: c.now}), "2", "k", "Load 1, Append 1")
}

// The size of a snapshot is bounded, on busy streams too.
func TestSnapshotsStaySmall(t *testing.T) {
	t.Parallel()
	for _, s := range []struct {
		name string
		step time.Duration
		most int
	}{{"ordinary", 15 * time.Minute, 128}, {"busy", time.Second, 128}} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			store, c := &eventstest.Memory{}, newClock()
			busyCounter(t, store, c, 1_000, s.step)
			all, err := store.Load(t.Context(), "counter/1", 0)
			if err != nil {
				t.Fatal(err)
			}
			most := 0
			for _, c := range all {
				if c.Snapshot != nil {
					most = max(most, len(c.Snapshot.Commands))
				}
			}
			if most != s.most {
				t.Errorf("a snapshot carries up to %d commands, want %d", most, s.most)
			}
		})
	}
}

// older is a store whose snapshots are as an older program left them.
type older struct{ events.Store }

func (o older) plain(cs []events.Commit) []events.Commit {
	for i := range cs {
		if s := cs[i].Snapshot; s != nil {
			plain := &events.Snapshot{Schema: s.Schema, State: s.State}
			for _, r := range s.Commands[max(0, len(s.Commands)-128):] {
				plain.Commands = append(plain.Commands, events.CommandRecord{Key: r.Key, Digest: r.Digest, Version: r.Version, Started: r.Started})
			}
			cs[i].Snapshot = plain
		}
	}
	return cs
}

func (o older) Load(ctx context.Context, stream events.Stream, snapshot int) ([]events.Commit, error) {
	cs, err := o.Store.Load(ctx, stream, snapshot)
	return o.plain(cs), err
}

func (o older) Read(ctx context.Context, stream events.Stream, from int64, limit int) ([]events.Commit, error) {
	cs, err := o.Store.Read(ctx, stream, from, limit)
	return o.plain(cs), err
}

func (o older) Commits(ctx context.Context, stream events.Stream, numbers []int64) ([]*events.Commit, error) {
	cs, err := o.Store.Commits(ctx, stream, numbers)
	for i, c := range cs {
		if c != nil {
			cs[i] = &o.plain([]events.Commit{*c})[0]
		}
	}
	return cs, err
}

// Streams that an older program wrote are read as they are: the promise holds
// for the commands in them too.
func TestSnapshotsOfAnOlderProgram(t *testing.T) {
	t.Parallel()
	store, c := older{&eventstest.Memory{}}, newClock()
	busyCounter(t, store, c, 1_000, time.Minute)
	for _, i := range []int{0, 190, 191, 192, 500, 800, 999} {
		h := handler(t, store, &aggregate.Options{Now: c.now})
		if r := must(t, h, add("1", 1, fmt.Sprint("c", i))); !r.Replayed || r.Version != int64(i+2) {
			t.Errorf("the repeat of command %d answers %+v", i, r)
		}
	}
}

type noteCommand change

func (noteCommand) CommandName() string { return "note" }

// A time that a declaration gives holds for the command, or for all commands of
// the aggregate.
func TestIdempotentFor(t *testing.T) {
	t.Parallel()
	week := 7 * 24 * time.Hour
	note := func(count, noteCommand) aggregate.Decision { return aggregate.Emit(added{By: 1}) }
	definition := func() *aggregate.Definition[count] {
		return counter().Command(note, aggregate.IdempotentFor(week))
	}
	for name, d := range map[string]*aggregate.Definition[count]{"command": definition(), "aggregate": counter().IdempotentFor(week).Command(note)} {
		for _, command := range []string{"note", "add"} {
			store, c := &eventstest.Memory{}, newClock()
			cold := func() *aggregate.Handler {
				h, err := aggregate.NewHandler(store, []aggregate.Aggregate{d}, &aggregate.Options{Now: c.now})
				if err != nil {
					t.Fatal(err)
				}
				return h
			}
			h := cold()
			must(t, h, begin("1", ""))
			first := add("1", 1, "first")
			first.Name = command
			must(t, h, first)
			for range 400 {
				c.advance(25 * time.Minute)
				must(t, h, add("1", 1, ""))
			}
			c.advance(time.Minute - 400*time.Minute)
			long := name == "aggregate" || command == "note"
			for _, h := range []*aggregate.Handler{h, cold()} {
				if r := must(t, h, first); r.Replayed != long {
					t.Errorf("%s, %s: after %v the repeat answers %+v", name, command, 400*25*time.Minute, r)
				}
				if !long {
					break // it was executed, and is known now
				}
			}
		}
	}
	for _, bad := range []time.Duration{time.Hour, 31 * 24 * time.Hour, -1} {
		if counter().IdempotentFor(bad).Err() == nil || counter().Command(note, aggregate.IdempotentFor(bad)).Err() == nil {
			t.Errorf("%v is accepted", bad)
		}
	}
	described := definition().Describe()
	if i := slices.IndexFunc(described, func(c aggregate.Description) bool { return c.Name == "note" }); described[i].IdempotentFor != week || described[0].IdempotentFor != 24*time.Hour {
		t.Errorf("described: %v, %v", described[i].IdempotentFor, described[0].IdempotentFor)
	}
}

// A command that was accepted from the queue is known to a caller, and the
// reverse, within the same time.
func TestOneTimeForQueueAndCaller(t *testing.T) {
	t.Parallel()
	store, c := &eventstest.Memory{}, newClock()
	statuses, queue := &asynctest.Statuses{}, &asynctest.Queue{}
	cold := func() *aggregate.Handler { return handler(t, store, &aggregate.Options{Now: c.now}) }
	queued := func(command aggregate.Command) async.Status {
		t.Helper()
		h := cold()
		m, err := async.Encode(h, command)
		if err != nil {
			t.Fatal(err)
		}
		if sent := async.NewSender(h, queue, statuses).Send(t.Context(), []aggregate.Command{command}); sent[0].Err != nil {
			t.Fatal(sent[0].Err)
		}
		async.NewWorker(h, statuses, queue, nil).Handle(t.Context(), []async.Delivery{{ID: "m-" + command.CommandID, Body: m.Body, Receives: 1}})
		s, err := statuses.Get(t.Context(), c.now(), "", command.CommandID)
		if err != nil || s == nil || s.State != async.StateAccepted {
			t.Fatalf("the status is %+v, error %v", s, err)
		}
		return *s
	}
	must(t, cold(), begin("1", "start"))
	queued(add("1", 1, "queued"))
	must(t, cold(), add("1", 1, "called"))
	h := cold()
	for i := range 480 {
		must(t, h, add("1", 1, fmt.Sprint(i)))
		c.advance(2 * time.Minute)
	}
	for _, h := range []*aggregate.Handler{h, cold()} {
		if r := must(t, h, add("1", 1, "queued")); !r.Replayed || r.Version != 2 {
			t.Errorf("a caller's repeat of what was queued answers %+v", r)
		}
	}
	if s := queued(add("1", 1, "called")); s.Result.Version != 3 {
		t.Errorf("a queued repeat of a caller's command comes to %+v", s.Result)
	}
	if at := must(t, h, add("1", 0, "")); at.Version != 483 {
		t.Errorf("the stream is at version %d, want 483", at.Version)
	}
}

// An instance whose clock is an hour behind stores commands that look an hour
// older than they are; their repeats are recognised for a day all the same.
func TestClocksThatDiffer(t *testing.T) {
	t.Parallel()
	store, c := &eventstest.Memory{}, newClock()
	c.advance(45 * time.Minute) // to a full hour, where rounding leaves no room
	instance := func(off time.Duration) *aggregate.Handler {
		return handler(t, store, &aggregate.Options{Now: func() time.Time { return c.now().Add(off) }})
	}
	slow := instance(-time.Hour)
	must(t, slow, begin("1", "start"))
	must(t, slow, add("1", 1, "first"))
	for i := range 400 {
		must(t, slow, add("1", 1, fmt.Sprint(i)))
		c.advance(3*time.Minute + 36*time.Second) // 24 hours in all
	}
	for _, h := range []*aggregate.Handler{instance(0), instance(-time.Hour), slow} {
		if r := must(t, h, add("1", 1, "first")); !r.Replayed || r.Version != 2 {
			t.Errorf("the repeat answers %+v", r)
		}
	}
}

// A repeat of a command over several streams is recognised on those that it wrote
// to, however busy they are.
func TestRepeatOverSeveralStreams(t *testing.T) {
	t.Parallel()
	store, c := &eventstest.Memory{}, newClock()
	h := club(t, store, &aggregate.Options{Now: c.now})
	for _, id := range []string{"ann", "bob"} {
		must(t, h, cmd("join", id, "join-"+id, `{"badge":%q}`, id))
	}
	must(t, h, cmd("earn", "ann", "wages", `{"by":1000}`))
	first := must(t, h, cmd("give", "ann", "gift", `{"to":["bob"],"each":5}`))
	for i := range 480 {
		must(t, h, cmd("earn", "ann", fmt.Sprint("a", i), `{"by":1}`))
		must(t, h, cmd("earn", "bob", fmt.Sprint("b", i), `{"by":1}`))
		c.advance(2 * time.Minute)
	}
	for _, h := range []*aggregate.Handler{h, club(t, store, &aggregate.Options{Now: c.now})} {
		again := must(t, h, cmd("give", "ann", "gift", `{"to":["bob"],"each":5}`))
		if !again.Replayed || again.Version != first.Version || !slices.Equal(again.Others, first.Others) {
			t.Errorf("the repeat answers %+v, first %+v", again, first)
		}
	}
}
