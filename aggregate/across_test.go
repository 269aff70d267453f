package aggregate_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"daybook/aggregate"
	"daybook/events"
	"daybook/events/eventstest"
)

func TestSeveralStreams(t *testing.T) {
	t.Parallel()
	var n calls
	store := &eventstest.Memory{Before: n.count}
	h, other := club(t, store, nil), club(t, store, nil)
	must(t, h, cmd("earn", "ann", "", `{"by":100}`))
	n.take()
	r := must(t, h, cmd("give", "ann", "g1", `{"to":["cat","bob"],"each":10}`))
	if r.Version != 2 || r.Started || r.Token() != "member/ann@2" || fmt.Sprint(r.Others) != "[member/bob@1 member/cat@1]" {
		t.Errorf("answered %+v", r)
	}
	if got := n.take(); got != "Load 2, AppendAll 1" {
		t.Errorf("asked the store for %s", got)
	}
	again := must(t, h, cmd("give", "ann", "g1", `{"to":["cat","bob"],"each":10}`))
	if again.Replayed = !again.Replayed; fmt.Sprint(again) != fmt.Sprint(r) || n.take() != "" {
		t.Errorf("repeated %+v, at first %+v", again, r)
	}
	again = must(t, other, cmd("give", "ann", "g1", `{"to":["cat","bob"],"each":10}`))
	if again.Replayed = !again.Replayed; fmt.Sprint(again) != fmt.Sprint(r) {
		t.Errorf("repeated elsewhere %+v, at first %+v", again, r)
	}
	n.take()
	must(t, other, cmd("earn", "bob", "", `{"by":1}`))
	must(t, other, cmd("earn", "cat", "", `{"by":1}`))
	n.take()
	must(t, h, cmd("give", "ann", "g2", `{"to":["cat","bob"],"each":10}`))
	if got := n.take(); got != "AppendAll 2" {
		t.Errorf("one commit behind on two streams asked the store for %s", got)
	}
	_, err := h.Handle(t.Context(), cmd("give", "ann", "g3", `{"to":["cat","bob"],"each":1000}`))
	wantCode(t, err, "too-few-coins")
	if got := n.take(); got != "Read 3" {
		t.Errorf("a rejection asked the store for %s", got)
	}
	if r := must(t, h, cmd("give", "ann", "g4", `{"to":["cat","nobody"],"each":0}`)); r.Version != 3 || fmt.Sprint(r.Others) != "[member/cat@3]" {
		t.Errorf("nothing to do answered %+v", r)
	}
	version := int64(9)
	c := cmd("give", "ann", "g5", `{"to":["cat"],"each":1}`)
	c.ExpectedVersion = &version
	_, err = h.Handle(t.Context(), c)
	if e := wantCode(t, err, events.CodeVersionConflict); e.Version != 3 {
		t.Errorf("the conflict says version %d", e.Version)
	}
	_, err = h.Handle(t.Context(), cmd("earn", "cat", "g1", `{"by":1}`))
	wantCode(t, err, events.CodeKeyReused)
	if r := must(t, h, cmd("give", "ann", "g6", `{"to":["ann","bob"],"each":1}`)); r.Version != 5 {
		t.Errorf("the own stream among the others: %+v", r)
	}
}

func TestSeveralStreamsRefused(t *testing.T) {
	t.Parallel()
	h := club(t, &eventstest.Memory{}, nil)
	for code, c := range map[events.Code]aggregate.Command{
		events.CodeMalformed: cmd("give", "ann", "", `{"to":["\u0000"],"each":1}`),
		events.CodeTooLarge:  cmd("give", "ann", "", `{"to":[%s"x"],"each":0}`, hundred()),
	} {
		_, err := h.Handle(t.Context(), c)
		wantCode(t, err, code)
	}
	for _, name := range []string{"peek-wrong", "type-wrong", "write-wrong"} {
		_, err := h.Handle(t.Context(), cmd(name, "ann", "", `{"to":[],"each":0}`))
		wantCode(t, err, events.CodeInternal)
	}
	if r := must(t, h, cmd("earn", "ann", "", `{"by":99}`)); r.Version != 1 {
		t.Errorf("answered %+v", r)
	}
	// A hundred streams are as many as may be.
	r := must(t, h, cmd("give", "ann", "", `{"to":[%s],"each":1}`, strings.TrimSuffix(hundred(), ",")))
	if len(r.Others) != 99 || r.Version != 2 {
		t.Errorf("over 100 streams: %+v", r)
	}
}

// hundred names 99 members besides ann.
func hundred() string {
	var b strings.Builder
	for i := range 99 {
		fmt.Fprintf(&b, `"m%d",`, i)
	}
	return b.String()
}

// A batch keeps the order on each stream, whichever commands share it.
func TestBatchAcross(t *testing.T) {
	t.Parallel()
	store := &eventstest.Memory{}
	h := club(t, store, nil)
	batch := []aggregate.Command{
		cmd("earn", "ann", "1", `{"by":10}`),
		cmd("give", "ann", "2", `{"to":["bob"],"each":10}`),
		cmd("give", "bob", "3", `{"to":["cat"],"each":10}`),
		cmd("give", "bob", "4", `{"to":["dan"],"each":1}`), // bob has none left
		cmd("give", "cat", "5", `{"to":["ann"],"each":4}`),
		cmd("earn", "cat", "6", `{"by":1}`),
		cmd("earn", "cat", "7", `{"by":1}`),
		cmd("earn", "zoe", "8", `{"by":1}`),
		cmd("give", "nobody", "9", `{"to":["zoe"],"each":1}`), // none either
		{Name: "start-counter", ID: "1"},
	}
	for i, o := range h.HandleBatch(t.Context(), batch) {
		if i == 3 || i == 8 {
			wantCode(t, o.Err, "too-few-coins")
		} else if o.Err != nil {
			t.Errorf("command %d: %v", i, o.Err)
		}
	}
	for id, want := range map[string]int64{"ann": 4, "bob": 0, "cat": 8, "dan": 0, "zoe": 1} {
		if got := coinsOf(t, store, id); got != want {
			t.Errorf("%s has %d coins, want %d", id, got, want)
		}
	}
	cs, _ := store.Load(t.Context(), "member/cat", 0)
	if len(cs) != 3 {
		t.Errorf("cat has %d commits: those on one stream share none", len(cs))
	}
	for i, o := range h.HandleBatch(t.Context(), batch[:3]) {
		if o.Err != nil || !o.Result.Replayed {
			t.Errorf("repeat %d: %+v", i, o)
		}
	}
}

// coinsOf sums up what the stream says, without the handler.
func coinsOf(t testing.TB, store events.Store, id string) int64 {
	t.Helper()
	cs, err := store.Load(t.Context(), memberStream(id), 0)
	if err != nil {
		t.Fatal(err)
	}
	var sum int64
	for _, c := range cs {
		for _, e := range c.Events {
			if e.Name == "coins-added" {
				v, err := events.Decode[coins](e)
				if err != nil {
					t.Fatal(err)
				}
				sum += v.By
			}
		}
	}
	return sum
}

func TestBusyAcrossNamesTheStream(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		memory := &eventstest.Memory{}
		other := club(t, memory, nil)
		h := club(t, memory, &aggregate.Options{Attempts: 3})
		must(t, other, cmd("earn", "ann", "", `{"by":5}`))
		rival := false
		memory.Before = func(method string, _ events.Stream) error {
			if method == "AppendAll" && !rival {
				rival = true
				must(t, other, cmd("earn", "bob", "", `{"by":1}`))
				rival = false
			}
			return nil
		}
		_, err := h.Handle(t.Context(), cmd("give", "ann", "", `{"to":["bob"],"each":1}`))
		if e := wantCode(t, err, events.CodeBusy); !strings.Contains(e.Message, "member/bob") || e.RetryAfter <= 0 {
			t.Errorf("busy says %v", e)
		}
	})
}

func TestClaimsAcross(t *testing.T) {
	t.Parallel()
	store := &eventstest.Memory{}
	h := club(t, store, nil)
	must(t, h, cmd("join", "ann", "", `{"badge":"red"}`))
	must(t, h, cmd("join", "bob", "", `{"badge":"blue"}`))
	must(t, h, cmd("swap-badges", "ann", "s", `{"to":["bob"],"each":0}`))
	held(t, store, "badge", map[string]events.Stream{"red": "member/bob", "blue": "member/ann"})
	if r := must(t, h, cmd("swap-badges", "ann", "s", `{"to":["bob"],"each":0}`)); !r.Replayed || r.Version != 2 {
		t.Errorf("repeated %+v", r)
	}
}

func TestOnceOnlyAcross(t *testing.T) {
	t.Parallel()
	store := &eventstest.Memory{}
	h := club(t, store, nil)
	must(t, h, cmd("earn", "ann", "", `{"by":9}`))
	once := cmd("give-once", "ann", "once", `{"to":["bob","cat"],"each":2}`)
	first := must(t, h, once)
	for i := range 400 {
		for _, id := range []string{"ann", "bob", "cat"} {
			must(t, h, cmd("earn", id, fmt.Sprint(id, i), `{"by":1}`))
		}
	}
	r := must(t, h, once)
	if !r.Replayed || r.Version != first.Version || len(r.Others) != 2 || r.Others[0].Version < first.Others[0].Version {
		t.Errorf("after 400 commands the repeat answers %+v, at first %+v", r, first)
	}
	if got := coinsOf(t, store, "bob"); got != 402 {
		t.Errorf("bob has %d coins", got)
	}
	_, err := h.Handle(t.Context(), cmd("give-once", "bob", "once", `{"to":["cat"],"each":2}`))
	wantCode(t, err, events.CodeKeyReused)
	_, err = h.Handle(t.Context(), cmd("give-once", "bob", "once", `{"to":["cat"],"each":2000}`))
	wantCode(t, err, events.CodeKeyReused)
}

// A rejection holds of all streams at one moment: coins that wander to and fro
// while the streams are read are not missed.
func TestRejectionAcrossIsOfOneMoment(t *testing.T) {
	t.Parallel()
	store := &eventstest.Memory{}
	other := club(t, store, nil)
	must(t, other, cmd("earn", "bob", "", `{"by":5}`))
	busy, moves := false, 0
	store.Before = func(method string, stream events.Stream) error {
		if busy || method != "Load" && method != "Read" || moves == 3 {
			return nil
		}
		busy = true
		defer func() { busy = false }()
		switch {
		case method == "Load" && stream == "member/bob", method == "Read" && stream == "member/bob":
			moves++
			must(t, other, cmd("give", "bob", "", `{"to":["ann"],"each":5}`))
		case method == "Read" && stream == "member/ann":
			moves++
			must(t, other, cmd("give", "ann", "", `{"to":["bob"],"each":5}`))
		}
		return nil
	}
	h := club(t, store, &aggregate.Options{Parallel: 1})
	if _, err := h.Handle(t.Context(), cmd("spend", "ann", "", `{"with":"bob","by":5}`)); err != nil {
		t.Errorf("the coins were always there: %v", err)
	}
	if moves != 3 {
		t.Errorf("the coins moved %d times", moves)
	}
}
