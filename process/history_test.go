package process_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"daybook/events"
	"daybook/follow"
	"daybook/process"
	"daybook/process/processtest"
)

// TestHistoryIsRememberedOnly: what was accepted before Since is not reacted to,
// and yet known afterwards.
func TestHistoryIsRememberedOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newFulfilment().Since(testNow.Add(2*time.Second)), newShop().Since(testNow.Add(2*time.Second)))
	w.opts.Parallel = 1
	first, second := w.commit("order/7", place("a")), w.commit("order/7", note)
	if r := w.handle(first, second); r.Handled != 0 || len(w.ledger.Calls()) > 0 {
		t.Errorf("history cost %v, %+v", w.ledger.Calls(), r)
	}
	w.handle(w.commit("order/7", cancel), w.commit("order/7", confirm))
	same(t, "commands", w.sent(), []string{"release-stock a"})
	if e := w.recorder.Published(); len(e) != 1 || string(e[0].Data) != `{"order":"7","products":["a"]}` {
		t.Errorf("got %v", e)
	}
}

// endless is a History of one stream of order-noted, and of order-placed at some
// numbers, that counts what is read.
type endless struct {
	commits int64
	placed  []int64
	reads   int
	most    int
}

func (h *endless) commit(n int64) *events.Commit {
	e := events.Event{Name: "order-noted", Schema: 1, Data: []byte(`{}`)}
	if slices.Contains(h.placed, n) {
		e = events.Event{Name: "order-placed", Schema: 1, Data: []byte(`{"products":["a"]}`)}
	}
	return &events.Commit{
		Stream: "order/7", Number: n, Version: n, Time: testNow.Add(time.Duration(n) * time.Second),
		Commands: []events.Command{{ID: "c"}}, Events: []events.Event{e},
	}
}

func (h *endless) Read(_ context.Context, _ events.Stream, from int64, limit int) ([]events.Commit, error) {
	h.reads++
	h.most = max(h.most, limit)
	time.Sleep(10 * time.Millisecond)
	var page []events.Commit
	for n := from; n <= h.commits && len(page) < limit; n++ {
		page = append(page, *h.commit(n))
	}
	return page, nil
}

func (h *endless) last() follow.Delivery {
	c := h.commit(h.commits)
	return follow.Delivery{Stream: c.Stream, Number: c.Number, Commit: c, Sequence: "1"}
}

func endlessRunner(t testing.TB, h *endless, ledger process.Ledger, recorder *processtest.Recorder, reactor process.Reactor) *process.Runner {
	t.Helper()
	r, err := process.NewRunner(h, newCodec(t), ledger, []process.Reactor{reactor}, recorder.Effects(), &process.Options{Fresh: -1})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestALongStreamThatWasNeverSeen is caught up in pages, over as many deliveries
// as the time of each allows, and reads no commit twice.
func TestALongStreamThatWasNeverSeen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &endless{commits: 100_000, placed: []int64{50_000, 100_000}}
		ledger, recorder := &processtest.Memory{}, &processtest.Recorder{}
		r := endlessRunner(t, h, ledger, recorder, newFulfilment())
		deliveries := 0
		for more := true; more; deliveries++ {
			ctx, stop := context.WithTimeout(t.Context(), 3*time.Second)
			report := r.Handle(ctx, []follow.Delivery{h.last()})
			stop()
			if len(report.Faults) > 0 || deliveries > 20 {
				t.Fatalf("delivery %d: %+v, %+v", deliveries, report, ledger.Entry("fulfilment", "order/7"))
			}
			more = len(report.Retry) > 0
		}
		if h.most > 100 || h.reads > 1100 || deliveries < 3 || len(recorder.Requests()) != 4 {
			t.Errorf("%d deliveries, %d reads of at most %d, %d commands", deliveries, h.reads, h.most, len(recorder.Requests()))
		}
		if e := ledger.Entry("fulfilment", "order/7"); e.Attempts != 0 || e.Revision > 120 {
			t.Errorf("got %+v", e)
		}
	})
}

// TestHistoryIsNotReadOneByOne: a reactor without a memory skips it.
func TestHistoryIsNotReadOneByOne(t *testing.T) {
	t.Parallel()
	h := &endless{commits: 100_000, placed: []int64{1, 99_950, 100_000}}
	ledger, recorder := &processtest.Memory{}, &processtest.Recorder{}
	reactor := process.New[struct{}]("fulfilment", "order").Since(testNow.Add(99_900 * time.Second)).Sends(confirmOrder{}).
		React(func(placed, process.Meta) process.Reaction { return process.Do(process.Send("b", confirmOrder{})) })
	r := endlessRunner(t, h, ledger, recorder, reactor)
	if report := r.Handle(t.Context(), []follow.Delivery{h.last()}); report.Handled != 2 || report.Err != nil {
		t.Errorf("got %+v", report)
	}
	if h.reads > 20 || len(recorder.Requests()) != 2 {
		t.Errorf("%d reads, %d commands", h.reads, len(recorder.Requests()))
	}
}

// TestAMemoryOfAnotherSchemaIsFoldedAgain, without reactions.
func TestAMemoryOfAnotherSchemaIsFoldedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newFulfilment())
	w.handle(w.commit("order/7", place("a")), w.commit("order/7", note))
	before := len(w.recorder.Done())
	newer := process.New[basket]("fulfilment", "order").MemorySchema(2).Sends(confirmOrder{}, releaseStock{}).
		On(func(b basket, e placed, _ process.Meta) (basket, process.Reaction) {
			return basket{Products: append(b.Products, "new "+e.Products[0])}, process.Do(process.Send("1", confirmOrder{}))
		}).
		On(func(b basket, _ cancelled, m process.Meta) (basket, process.Reaction) { return b, release(b, m) })
	w.reactors = []process.Reactor{newer}
	w.handle(w.commit("order/7", cancel))
	same(t, "commands", w.sent()[len(w.sent())-1:], []string{"release-stock new a"})
	if len(w.recorder.Done()) != before+2 {
		t.Errorf("did %v", w.sent())
	}
	if e := w.ledger.Entry("fulfilment", "order/7"); e.MemorySchema != 2 || string(e.Memory) != `{"products":["new a"]}` {
		t.Errorf("got %+v", e)
	}
}

func TestSkip(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newFulfilment(), newShop())
	w.opts.Parallel = 1
	ds := []follow.Delivery{w.commit("order/7", place("a")), w.commit("order/7", note), w.commit("order/7", note)}
	skip := func(from, to int) error {
		var cs []events.Commit
		for _, d := range ds[from:to] {
			cs = append(cs, *d.Commit)
		}
		return w.runner().Skip(t.Context(), cs)
	}
	for range 2 {
		if err := skip(0, 2); err != nil {
			t.Fatal(err)
		}
	}
	if err := skip(2, 3); err != nil { // nothing that anybody handles: no entry
		t.Fatal(err)
	}
	if e := w.ledger.Entry("fulfilment", "order/7"); e.Revision != 1 || e.Commit != 1 {
		t.Errorf("got %+v", e)
	}
	ds = append(ds, w.commit("order/7", cancel), w.commit("order/7", confirm))
	w.handle(ds...)
	same(t, "commands", w.sent(), []string{"release-stock a"})
	if e := w.recorder.Published(); len(e) != 1 || string(e[0].Data) != `{"order":"7","products":["a"]}` {
		t.Errorf("got %v", e)
	}
	// Events that are still to be handled can't be jumped over.
	w.commit("order/8", place("b"))
	ds = []follow.Delivery{w.commit("order/8", cancel)}
	if err := skip(0, 1); events.CodeOf(err) != events.CodeConflict {
		t.Errorf("got %v", err)
	}
	if err := w.runner().Skip(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

// TestHistoryNeedNotBeReactedTo: a reaction that would be invalid is none.
func TestHistoryNeedNotBeReactedTo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, process.New[basket]("fulfilment", "order").Since(testNow.Add(time.Second)).Sends(releaseStock{}).
		On(func(b basket, e placed, m process.Meta) (basket, process.Reaction) {
			return basket{Products: e.Products}, process.Do(nil)
		}).
		On(func(b basket, _ cancelled, m process.Meta) (basket, process.Reaction) { return b, release(b, m) }))
	w.handle(w.commit("order/7", place("a")), w.commit("order/7", cancel))
	same(t, "commands", w.sent(), []string{"release-stock a"})
}
