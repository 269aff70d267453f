package aggregate_test

import (
	"fmt"
	"strings"
	"testing"

	"daybook/aggregate"
	"daybook/events"
	"daybook/events/eventstest"
)

func TestBatchOnOneStreamSharesACommit(t *testing.T) {
	t.Parallel()
	var n calls
	store := &eventstest.Memory{Before: n.count}
	h := handler(t, store, nil)
	batch := []aggregate.Command{begin("1", "start")}
	for i := range 99 {
		batch = append(batch, add("1", int64(i+1), fmt.Sprint("c", i)))
	}
	batch[50] = begin("1", "again") // rejected in the middle
	batch[60].CommandID = "c57"     // another command under the id of a neighbour
	batch[70] = batch[69]           // a repeat within the batch
	check := func(replayed bool) {
		t.Helper()
		version := int64(0)
		for i, o := range h.HandleBatch(t.Context(), batch) {
			switch i {
			case 50:
				wantCode(t, o.Err, "counter-started")
			case 60:
				wantCode(t, o.Err, events.CodeKeyReused)
			case 70:
				if o.Err != nil || !o.Result.Replayed || o.Result.Version != version {
					t.Errorf("the repeat within the batch: %+v", o)
				}
			default:
				version++
				if o.Err != nil || o.Result.Version != version || o.Result.Replayed != replayed || o.Result.Started != (i == 0) {
					t.Errorf("command %d: %+v", i, o)
				}
			}
		}
	}
	check(false)
	if got := n.take(); got != "Append 1" {
		t.Errorf("a batch on one stream asked the store for %s", got)
	}
	check(true)
	// The one that was rejected is decided again, and confirmed by a read.
	if got := n.take(); got != "Read 1" {
		t.Errorf("the repeated batch asked the store for %s", got)
	}
	h = handler(t, store, nil)
	check(true)
	if got := n.take(); got != "Load 1, Append 1" {
		t.Errorf("the batch repeated cold asked the store for %s", got)
	}
}

func TestBatchOnManyStreams(t *testing.T) {
	t.Parallel()
	var n calls
	store := &eventstest.Memory{Before: n.count}
	h := handler(t, store, nil)
	var batch []aggregate.Command
	for i := range 100 {
		batch = append(batch, begin(fmt.Sprint(i), fmt.Sprint("start-", i)))
	}
	batch = append(batch, aggregate.Command{Name: "nonsense"}, add("", 1, ""))
	for i, o := range h.HandleBatch(t.Context(), batch) {
		switch {
		case i == 100:
			wantCode(t, o.Err, events.CodeUnknownCommand)
		case i == 101:
			wantCode(t, o.Err, events.CodeMalformed)
		case o.Err != nil || !o.Result.Started:
			t.Errorf("create %d: %+v", i, o)
		}
	}
	if got := n.take(); got != "Append 100, Started 1" {
		t.Errorf("a hundred creates asked the store for %s", got)
	}
	cold := handler(t, store, nil)
	for i, o := range cold.HandleBatch(t.Context(), batch[:100]) {
		if o.Err != nil || !o.Result.Replayed {
			t.Errorf("repeat %d: %+v", i, o)
		}
	}
	if got := n.take(); got != "Load 100, Started 1" {
		t.Errorf("the repeat asked the store for %s", got)
	}
}

func TestBatchOfSeveralActors(t *testing.T) {
	t.Parallel()
	store := &eventstest.Memory{}
	h := handler(t, store, nil)
	one, two := begin("1", "a"), add("1", 1, "b")
	one.Actor, two.Actor = "ann", "bob"
	for _, o := range h.HandleBatch(t.Context(), []aggregate.Command{one, two, add("1", 1, "c")}) {
		if o.Err != nil {
			t.Error(o.Err)
		}
	}
	commits, _ := store.Load(t.Context(), "counter/1", 0)
	if len(commits) != 3 || commits[0].Actor != "ann" || commits[1].Actor != "bob" || commits[2].Actor != "" {
		t.Errorf("commits do not keep who sent their commands: %+v", commits)
	}
}

// TestNoOpBehindARepeatIsConfirmed: a repeat needs no look at newer commits, a no-op of
// another actor behind it does.
func TestNoOpBehindARepeatIsConfirmed(t *testing.T) {
	t.Parallel()
	store := &eventstest.Memory{}
	h := handler(t, store, nil)
	repeat, noOp := begin("1", "a"), add("1", 0, "z")
	repeat.Actor, noOp.Actor = "ann", "bob"
	must(t, h, repeat)
	must(t, handler(t, store, nil), add("1", 1, "b")) // elsewhere
	got := h.HandleBatch(t.Context(), []aggregate.Command{repeat, noOp})
	if !got[0].Result.Replayed || got[1].Err != nil || got[1].Result.Version != 2 {
		t.Errorf("%+v, want a replay and version 2", got)
	}
}

func TestBatchTooLargeForOneCommit(t *testing.T) {
	t.Parallel()
	store := &eventstest.Memory{}
	h := handler(t, store, nil)
	batch := []aggregate.Command{begin("1", "a")}
	for i := range 30 {
		c := add("1", 1, fmt.Sprint(i))
		c.Payload = fmt.Appendf(nil, `{"by":1,"note":%q}`, strings.Repeat("x", 30_000))
		batch = append(batch, c)
	}
	tooLarge := add("1", 1, "huge")
	tooLarge.Payload = fmt.Appendf(nil, `{"by":1,"note":%q}`, strings.Repeat("x", 500_000))
	batch = append(batch, tooLarge, add("1", 1, "last"))
	for i, o := range h.HandleBatch(t.Context(), batch) {
		if i == 31 {
			wantCode(t, o.Err, events.CodeTooLarge)
		} else if o.Err != nil {
			t.Errorf("command %d: %v", i, o.Err)
		}
	}
	commits, _ := store.Load(t.Context(), "counter/1", 0)
	if last := commits[len(commits)-1]; last.Version != 32 || len(commits) > 6 {
		t.Errorf("%d commits, version %d", len(commits), last.Version)
	}
}
