package process_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"daybook/events"
	"daybook/follow"
	"daybook/process"
)

func same[T comparable](t testing.TB, what string, got, want []T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s\n got %v\nwant %v", what, got, want)
	}
}

func TestHandleInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newFulfilment(), newShop())
	w.opts.Parallel = 1
	ds := []follow.Delivery{w.commit("order/7", place("a", "b")), w.commit("order/7", note), w.commit("order/7", confirm), w.commit("user/1", note)}
	r := w.handle(ds...)
	same(t, "commands", w.sent(), []string{"reserve-stock a", "reserve-stock b", "confirm-order 7"})
	if r.Handled != 4 || r.Commands != 3 || r.Timers != 1 || r.Published != 1 || r.Gaps != 0 || r.Skipped != 0 {
		t.Errorf("got %+v", r)
	}
	if len(w.recorder.Timers()) > 0 {
		t.Errorf("the timer is still set: %v", w.recorder.Timers())
	}
	got := w.recorder.Requests()[0]
	if string(got.Payload) != `{"order":"7"}` || got.Actor != "process/fulfilment" || got.Causation != "order/7@1" || got.Correlation != "request 1 of order/7" {
		t.Errorf("got %+v", got)
	}
	e := w.recorder.Published()[0]
	if e.SpecVersion != "1.0" || e.Source != "daybook/shop" || e.Type != "com.example.shop.order-confirmed.v1" || e.Subject != "order/7" ||
		e.DataSchema != "urn:daybook:com.example.shop.order-confirmed.v1" || e.Sequence != "00000000000000000003" ||
		!e.Time.Equal(ds[2].Commit.Time) || e.Causation != "order/7@3" || string(e.Data) != `{"order":"7","products":["a","b"]}` {
		t.Errorf("got %+v", e)
	}
}

// TestAttributesOfCloudEvents: an id may hold characters that CloudEvents leaves
// out.
func TestAttributesOfCloudEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newShop())
	w.handle(w.commit("order/50% \ufffe😀\U0001ffff", place("a")), w.commit("order/50% \ufffe😀\U0001ffff", confirm))
	e := w.recorder.Published()[0]
	const subject = "order/50% %EF%BF%BE😀%F0%9F%BF%BF"
	if e.Subject != subject || e.Causation != subject+"@2" || strings.ContainsAny(e.Correlation, "\ufffe\U0001ffff") {
		t.Errorf("got %+v", e)
	}
}

// TestIDsStay: the ids of a reaction are stored by others, so they never change.
func TestIDsStay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newFulfilment(), newShop())
	w.opts.Parallel = 1
	w.handle(w.commit("order/7", place("a", "a")))
	var ids []string
	for _, e := range w.recorder.Done() {
		switch {
		case e.Command != nil:
			ids = append(ids, e.Command.CommandID)
		case e.Timer != nil:
			ids = append(ids, e.Timer.Name, e.Timer.Command.CommandID)
		}
	}
	w.handle(w.commit("order/7", confirm))
	ids = append(ids, w.recorder.Published()[0].ID)
	same(t, "ids", ids, wantIDs)
}

// wantIDs: timer, its command, two commands to one product, confirm-order, the
// integration event.
var wantIDs = []string{
	"e95788a1-ef80-8547-937f-0889925c59dd", "fdb9fcd0-6e83-8270-b4db-c08d19401d56",
	"73e4864d-b4fb-8553-ac67-83cbb7b8076d", "b384107b-ae40-89bd-97d5-71e1479d7e7a",
	"04838074-e766-8dce-94d9-a544a6c5cff5", "19b754d8-6d34-8e33-9853-245f4ca9cf6a",
}

func TestAMemoryGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newFulfilment())
	w.opts.Parallel = 1
	w.handle(w.commit("order/7", place("a", "b")))
	w.handle(w.commit("order/7", note))
	w.handle(w.commit("order/7", cancel))
	same(t, "commands", w.sent()[3:], []string{"release-stock a", "release-stock b"})
	if e := w.ledger.Entry("fulfilment", "order/7"); e.Commit != 3 || e.Revision != 2 || string(e.Memory) != `{"products":["a","b"]}` {
		t.Errorf("got %+v", e)
	}
}

func TestGapsAreFilled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newFulfilment())
	w.opts.Parallel = 1
	w.commit("order/7", place("a"))
	w.commit("order/7", note)
	third := w.commit("order/7", cancel)
	r := w.handle(third)
	same(t, "commands", w.sent(), []string{"reserve-stock a", "confirm-order 7", "release-stock a"})
	if r.Gaps != 2 || r.Handled != 2 {
		t.Errorf("got %+v", r)
	}
	if r := w.handle(third, third); r.Skipped != 2 || r.Handled != 0 || r.Gaps != 0 {
		t.Errorf("a repeat is %+v", r)
	}
	if r := w.handle(follow.Delivery{Stream: "order/8", Number: 1, Commit: w.commit("order/8", place()).Commit, Err: errors.New("garbled")}); r.Gaps != 1 || r.Handled != 1 {
		t.Errorf("a garbled record is %+v", r)
	}
}

// TestWhatNobodyHandlesCostsNothing: neither a read nor a write.
func TestWhatNobodyHandlesCostsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newFulfilment(), newShop())
	reads := 0
	var ds []follow.Delivery
	for i := range 10 {
		ds = append(ds, w.commit("order/7", note), w.commit(events.Stream(fmt.Sprintf("user/%d", i)), note))
	}
	w.store.Before = func(string, events.Stream) error { reads++; return nil }
	w.handle(ds...)
	if calls := w.ledger.Calls(); len(calls) > 0 || reads > 0 {
		t.Errorf("%v calls of the ledger, %d reads", calls, reads)
	}
}

// TestAFreshStreamNeedsNoRead: one write for a handled commit, no read for the
// first of a stream that was just accepted, one for any number of others.
func TestAFreshStreamNeedsNoRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newFulfilment())
	w.opts.Now = func() time.Time { return w.clock }
	var ds []follow.Delivery
	for i := range 4 { // the clock is a second a commit
		ds = append(ds, w.commit(events.Stream(fmt.Sprintf("order/%d", i)), place("a")))
	}
	w.handle(ds...)
	if calls := w.ledger.Calls(); calls["Load"] != 0 || calls["Save"] != 4 {
		t.Errorf("four fresh streams cost %v", calls)
	}
	w.handle(ds...) // it was not the first time after all: ids make that harmless
	if calls := w.ledger.Calls(); calls["Save"] != 8 || len(w.recorder.Timers()) != 4 {
		t.Errorf("a quick repeat cost %v", calls)
	}
	before := len(w.recorder.Done())
	w.clock = w.clock.Add(time.Minute)
	w.handle(ds...)
	if calls := w.ledger.Calls(); calls["Load"] != 5 || calls["Save"] != 8 || len(w.recorder.Done()) != before {
		t.Errorf("a late repeat cost %v and did %v", calls, w.recorder.Done()[before:])
	}
}

func TestARejectionTakesTheOtherBranch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newFulfilment())
	w.opts.Parallel = 1
	w.recorder.Answer = rejects("reserve-stock", "b", "insufficient-stock")
	w.handle(w.commit("order/7", place("a", "b", "c")))
	same(t, "commands", w.sent(), []string{"reserve-stock a", "reserve-stock b", "reserve-stock c", "reject-order 7"})
	last := w.recorder.Requests()[3]
	if string(last.Payload) != `{"reason":"insufficient-stock of b"}` {
		t.Errorf("got %s", last.Payload)
	}
	if e := w.ledger.Entry("fulfilment", "order/7"); e.Commit != 1 || e.Revision != 2 || e.Rejections != nil {
		t.Errorf("got %+v", e)
	}
}

// TestTheBranchStays: what was rejected and acted on stays rejected, although it
// would be accepted now, and nothing of the group is sent again.
func TestTheBranchStays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, newFulfilment())
		w.opts.Parallel = 1
		w.recorder.Answer = func(r process.Request) error {
			if r.Command == "reject-order" {
				return events.Errorf(events.CodeUnavailable, "down")
			}
			return rejects("reserve-stock", "b", "insufficient-stock")(r)
		}
		d := w.commit("order/7", place("a", "b"))
		r := w.runner().Handle(t.Context(), []follow.Delivery{d})
		same(t, "retry", r.Retry, []string{"order/7#1"})
		w.recorder.Answer = nil
		before := len(w.sent())
		w.handle(d)
		same(t, "commands", w.sent()[before:], []string{"reject-order 7"})
	})
}

func TestRejectionsThatAreFine(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newFulfilment())
	w.recorder.Answer = rejects("confirm-order", "7", "order-cancelled")
	if r := w.handle(w.commit("order/7", place("a"))); r.Declined != 1 || r.Commands != 1 {
		t.Errorf("got %+v", r)
	}
}

// TestCodeThatChangedInBetween: the first attempt's command stands, although the
// payload is another now.
func TestCodeThatChangedInBetween(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newFulfilment())
	w.recorder.Answer = func(r process.Request) error {
		if r.Command == "reserve-stock" {
			return events.Errorf(events.CodeKeyReused, "this id was used for another command")
		}
		return nil
	}
	if r := w.handle(w.commit("order/7", place("a"))); r.Superseded != 1 || r.Commands != 2 {
		t.Errorf("got %+v", r)
	}
}

func TestFaultsPark(t *testing.T) {
	t.Parallel()
	answering := func(err error) func(*world) {
		return func(w *world) { w.recorder.Answer = func(process.Request) error { return err } }
	}
	react := func(f func() process.Reaction) func(*world) {
		return func(w *world) {
			w.reactors = []process.Reactor{process.New[basket]("fulfilment", "order").Sends(reserve{}, confirmOrder{}, panics{}, unwritable{}, number(0)).
				React(func(placed, process.Meta) process.Reaction { return f() })}
		}
	}
	for name, test := range map[string]struct {
		change func(*world)
		code   events.Code
		text   string
	}{
		"an unnamed rejection": {
			func(w *world) {
				w.recorder.Answer = func(r process.Request) error {
					if r.Command == "confirm-order" {
						return &events.Error{Code: "order-unknown", Message: "secret", Rejected: true}
					}
					return nil
				}
			}, "order-unknown", "order-unknown: command confirm-order to 7 was rejected, which the reaction does not expect",
		},
		"a malformed command": {answering(events.Malformed("/payload/order", "must not be blank")), events.CodeMalformed, "command reserve-stock to a can't be handled"},
		"an unknown command":  {answering(events.Errorf(events.CodeUnknownCommand, "there is no such command")), events.CodeUnknownCommand, "no such command"},
		"a handler that panics": {
			react(func() process.Reaction { panic("a secret") }), events.CodeInternal, "the handler of order-placed panicked with a string at daybook/process_test/runner_test.go:",
		},
		"an Else that panics": {
			func(w *world) {
				react(func() process.Reaction {
					return process.Do(process.All(process.Send("a", reserve{})).Else(func(process.Rejection) process.Reaction { panic("no") }))
				})(w)
				w.recorder.Answer = rejects("reserve-stock", "a", "x")
			}, events.CodeInternal, "Else panicked",
		},
		"a payload that panics":      {react(func() process.Reaction { return process.Do(process.Send("b", panics{})) }), events.CodeInternal, "the reaction panicked"},
		"a step that is nil":         {react(func() process.Reaction { return process.Do(nil) }), events.CodeInternal, "nil"},
		"a command without a name":   {react(func() process.Reaction { return process.Do(process.Send("a", nameless{})) }), events.CodeInternal, "name"},
		"an id that is none":         {react(func() process.Reaction { return process.Do(process.Send("\x00", confirmOrder{})) }), events.CodeInternal, "id"},
		"a payload that is no JSON":  {react(func() process.Reaction { return process.Do(process.Send("b", unwritable{})) }), events.CodeInternal, "JSON"},
		"a payload that is a number": {react(func() process.Reaction { return process.Do(process.Send("b", number(7))) }), events.CodeInternal, "not a JSON object"},
		"a timer without a name":     {react(func() process.Reaction { return process.Do(process.After("", 1, process.Send("b", confirmOrder{}))) }), events.CodeInternal, "timer"},
		"a timer in the past":        {react(func() process.Reaction { return process.Do(process.After("t", -1, process.Send("b", confirmOrder{}))) }), events.CodeInternal, "before"},
		"a memory that is too large": {
			func(w *world) {
				w.reactors = []process.Reactor{process.New[basket]("fulfilment", "order").Sends(reserve{}, confirmOrder{}, panics{}, unwritable{}, number(0)).On(func(b basket, _ placed, _ process.Meta) (basket, process.Reaction) {
					return basket{Products: []string{strings.Repeat("x", process.MaxMemory)}}, process.Do(process.Send("b", confirmOrder{}))
				})}
			}, events.CodeTooLarge, "memory",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, newFulfilment())
			test.change(w)
			d, other := w.commit("order/7", place("a")), w.commit("order/7", note)
			r := w.runner().Handle(t.Context(), []follow.Delivery{d, other})
			if r.Retry != nil || r.Err != nil || len(r.Faults) != 1 {
				t.Fatalf("got %+v", r)
			}
			f := r.Faults[0]
			if f.Code != test.code || !strings.Contains(f.Text, test.text) || strings.Contains(f.Text, "secret") || f.Commit != 1 || f.Attempts != 1 || f.Stream != "order/7" {
				t.Errorf("got %+v, want code %s and %q", f, test.code, test.text)
			}
			if e := w.ledger.Entry("fulfilment", "order/7"); e.Fault == nil || e.Commit != 0 {
				t.Errorf("the entry is %+v", e)
			}
			done := len(w.recorder.Done())
			if r := w.handle(w.commit("order/7", place("b"))); r.Held != 1 || len(w.recorder.Done()) != done {
				t.Errorf("a later commit of a parked stream: %+v", r)
			}
		})
	}
}

type nameless struct{}

func (nameless) CommandName() string { return "" }

type unwritable struct {
	F func() `json:"f"`
}

func (unwritable) CommandName() string { return "write-nothing" }

type number int

func (number) CommandName() string { return "count" }

type panics struct{}

func (panics) CommandName() string { return "panic" }

func (panics) MarshalJSON() ([]byte, error) { panic("no") }

func TestAnEventOfANewerVersionParks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newFulfilment())
	newer, err := events.NewCodec(events.Type{Name: "order-placed", Upcasters: []events.Upcaster{nil}})
	if err != nil {
		t.Fatal(err)
	}
	old := w.codec
	w.codec = newer
	d := w.commit("order/7", place("a"))
	w.codec = old
	r := w.runner().Handle(t.Context(), []follow.Delivery{d})
	if len(r.Faults) != 1 || !strings.Contains(r.Faults[0].Text, "schema version 2, the newest known is 1") {
		t.Errorf("got %+v", r)
	}
}

func TestTransientFaultsAreRetriedThenReported(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, newFulfilment())
		ds := []follow.Delivery{
			w.commit("order/1", place("a")), w.commit("order/2", place("b")), w.commit("user/1", note),
			w.commit("order/3", place("a")), w.commit("order/2", cancel),
		}
		tries := 0
		w.recorder.Answer = func(r process.Request) error {
			if r.ID == "b" {
				tries++
				return events.Errorf(events.CodeBusy, "busy")
			}
			return nil
		}
		r := w.runner().Handle(t.Context(), ds)
		same(t, "retry", r.Retry, []string{"order/2#1", "user/1#1", "order/3#1", "order/2#2"})
		if tries != 1 || r.Handled != 2 || events.CodeOf(r.Err) != events.CodeBusy || !strings.Contains(r.Err.Error(), `"order/2"`) {
			t.Errorf("%d tries, %+v", tries, r)
		}
		if e := w.ledger.Entry("fulfilment", "order/2"); e.Attempts != 1 || e.Commit != 0 {
			t.Errorf("got %+v", e)
		}
		w.recorder.Answer = nil
		if r := w.handle(ds[1:]...); r.Handled != 2 || r.Skipped != 1 {
			t.Errorf("got %+v", r)
		}
	})
}

// TestTooManyAttemptsPark: so that the stream doesn't hold up the others for ever.
func TestTooManyAttemptsPark(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, newFulfilment())
		d := w.commit("order/7", place("a"))
		w.recorder.Before = unavailable
		begun := time.Now()
		for i := range 9 {
			if r := w.runner().Handle(t.Context(), []follow.Delivery{d}); len(r.Retry) != 1 || len(r.Faults) > 0 {
				t.Fatalf("attempt %d: %+v", i+1, r)
			}
		}
		r := w.runner().Handle(t.Context(), []follow.Delivery{d})
		if r.Retry != nil || len(r.Faults) != 1 || r.Faults[0].Code != events.CodeUnavailable || r.Faults[0].Attempts != 10 {
			t.Errorf("the last attempt: %+v", r)
		}
		if took := time.Since(begun); took < 12*time.Second || took > 26*time.Second {
			t.Errorf("ten deliveries lasted %v", took)
		}
		w.recorder.Before = nil
		out, err := w.runner().Redrive(t.Context(), "fulfilment", "order/7")
		if err != nil || out.Fault != nil || out.Commit != 1 {
			t.Errorf("got %+v, %v", out, err)
		}
	})
}

// TestALedgerThatIsDownParksNothing: a reaction that can't be recorded is retried.
func TestALedgerThatIsDownParksNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, newFulfilment())
		w.opts.Attempts = 2
		d := w.commit("order/7", place("a"))
		for _, method := range []string{"Load", "Save"} {
			w.ledger.Before = func(m string) error {
				if m == method {
					return unavailable(m)
				}
				return nil
			}
			for range 5 {
				if r := w.runner().Handle(t.Context(), []follow.Delivery{d}); len(r.Retry) != 1 || len(r.Faults) > 0 {
					t.Fatalf("%s fails: %+v", method, r)
				}
			}
		}
		w.ledger.Before = nil
		w.handle(d)
	})
}

// TestTheTimeRunsOut: a runner ends before its context, and writes down what came
// of it.
func TestTheTimeRunsOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, newFulfilment())
		w.opts.Concurrency = 1
		ds := []follow.Delivery{w.commit("order/1", place("a")), w.commit("order/2", place("a"))}
		r, err := process.NewRunner(w.store, w.codec, w.ledger, w.reactors, process.Effects{Commands: hanging{}, Timers: w.recorder}, &w.opts)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
		defer stop()
		report := r.Handle(ctx, ds)
		if len(report.Retry) != 2 || len(report.Faults) > 0 || ctx.Err() != nil {
			t.Errorf("got %+v, %v", report, ctx.Err())
		}
		// The one that took the time is to blame, not the one that waited.
		for stream, attempts := range map[events.Stream]int{"order/1": 1, "order/2": 0} {
			if e := w.ledger.Entry("fulfilment", stream); e.Attempts != attempts {
				t.Errorf("%s: %+v", stream, e)
			}
		}
	})
}

// hanging handles no command before the time is over.
type hanging struct{}

func (hanging) Handle(ctx context.Context, _ process.Request) error {
	<-ctx.Done()
	return events.Wrap(events.CodeCanceled, ctx.Err(), "the request was given up")
}

// TestAHungRunnerWakesUpLate: the one that took over was done long ago.
func TestAHungRunnerWakesUpLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, newFulfilment())
		d := w.commit("order/7", place("a"))
		hung := make(chan struct{})
		w.recorder.Before = func(method string) error {
			if method == "Handle" {
				w.recorder.Before = nil
				<-hung
			}
			return nil
		}
		late := make(chan process.Report)
		go func() { late <- w.runner().Handle(context.Background(), []follow.Delivery{d}) }()
		synctest.Wait()
		w.handle(d)
		w.handle(w.commit("order/7", cancel))
		entry := w.ledger.Entry("fulfilment", "order/7")
		close(hung)
		if r := <-late; r.Err != nil || len(r.Faults) > 0 || r.Handled != 0 {
			t.Errorf("got %+v", r)
		}
		if e := w.ledger.Entry("fulfilment", "order/7"); e.Revision != entry.Revision || e.Commit != 2 {
			t.Errorf("the late one wrote %+v over %+v", e, entry)
		}
		ids := map[string]bool{}
		for _, r := range w.recorder.Requests() {
			ids[r.CommandID] = true
		}
		if len(ids) != 3 {
			t.Errorf("%d different commands were sent: %v", len(ids), w.sent())
		}
	})
}

func TestStrayRecordsAreFaults(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newFulfilment())
	r := w.runner().Handle(t.Context(), []follow.Delivery{{Sequence: "1", Err: errors.New("no keys")}})
	if len(r.Faults) != 1 || r.Retry != nil {
		t.Errorf("got %+v", r)
	}
}

func TestEffectsThatAreNotWired(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, newFulfilment())
		r, err := process.NewRunner(w.store, w.codec, w.ledger, w.reactors, process.Effects{}, &w.opts)
		if err != nil {
			t.Fatal(err)
		}
		if r := r.Handle(t.Context(), []follow.Delivery{w.commit("order/7", place("a"))}); len(r.Retry) != 1 || events.CodeOf(r.Err) != events.CodeUnavailable {
			t.Errorf("got %+v", r)
		}
	})
}
