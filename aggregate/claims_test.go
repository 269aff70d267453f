package aggregate_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"daybook/aggregate"
	"daybook/events"
	"daybook/events/eventstest"
)

func TestClaims(t *testing.T) {
	t.Parallel()
	var n calls
	store := &eventstest.Memory{Before: n.count}
	h := club(t, store, nil)
	must(t, h, cmd("join", "ann", "1", `{"badge":"red"}`))
	must(t, h, cmd("join", "bob", "2", `{"badge":"blue"}`))
	n.take()
	_, err := h.Handle(t.Context(), cmd("change-badge", "bob", "3", `{"badge":"red"}`))
	e := wantCode(t, err, events.CodeAlreadyTaken)
	if len(e.Fields) != 1 || e.Fields[0].Path != "/payload/badge" || strings.Contains(e.Error(), "ann") || e.Rejected {
		t.Errorf("a taken value answers %v", e)
	}
	if got := n.take(); got != "Append 1, Read 1" {
		t.Errorf("a refusal asked the store for %s", got)
	}
	must(t, h, cmd("change-badge", "ann", "4", `{"badge":"green"}`))
	if r := must(t, h, cmd("change-badge", "bob", "3", `{"badge":"red"}`)); r.Replayed || r.Version != 2 {
		t.Errorf("when the value was free again: %+v", r)
	}
	n.take()
	if r := must(t, h, cmd("change-badge", "bob", "3", `{"badge":"red"}`)); !r.Replayed || n.take() != "" {
		t.Errorf("the repeat of a claim: %+v", r)
	}
	must(t, h, cmd("leave", "bob", "5", `{}`))
	must(t, h, cmd("join", "eve", "6", `{"badge":"red"}`))
	for _, name := range []string{"claim-nothing", "claim-badly", "write-elsewhere"} {
		_, err := h.Handle(t.Context(), cmd(name, "x", "", `{}`))
		wantCode(t, err, events.CodeInternal)
	}
}

// A decision on an old state is made again before a taken value counts.
func TestRefusalOnStaleState(t *testing.T) {
	t.Parallel()
	store := &eventstest.Memory{}
	h, other := club(t, store, nil), club(t, store, nil)
	must(t, h, cmd("join", "ann", "1", `{"badge":"red"}`))
	must(t, other, cmd("leave", "ann", "2", `{}`))
	must(t, other, cmd("join", "bob", "3", `{"badge":"blue"}`))
	_, err := h.Handle(t.Context(), cmd("change-badge", "ann", "4", `{"badge":"blue"}`))
	wantCode(t, err, "not-joined")

	// The value is taken and, when the stream is looked at again, the command
	// is one that was accepted already.
	must(t, h, cmd("join", "cat", "5", `{"badge":"grey"}`))
	moved := false
	late := &interposed{Store: store, read: func() {
		if !moved {
			moved = true
			must(t, other, cmd("leave", "cat", "6", `{}`))
		}
	}}
	stale := club(t, late, nil)
	must(t, stale, cmd("earn", "cat", "7", `{"by":1}`))
	_, err = stale.Handle(t.Context(), cmd("change-badge", "cat", "8", `{"badge":"blue"}`))
	wantCode(t, err, "not-joined")
	if !moved {
		t.Error("the refusal was not confirmed")
	}
}

// interposed does something before each Read.
type interposed struct {
	events.Store
	read func()
}

func (i *interposed) Read(ctx context.Context, stream events.Stream, from int64, limit int) ([]events.Commit, error) {
	i.read()
	return i.Store.Read(ctx, stream, from, limit)
}

func TestClaimsInABatch(t *testing.T) {
	t.Parallel()
	var n calls
	store := &eventstest.Memory{Before: n.count}
	h := club(t, store, nil)
	must(t, h, cmd("join", "ann", "", `{"badge":"red"}`))
	must(t, h, cmd("join", "bob", "", `{"badge":"blue"}`))
	n.take()
	batch := []aggregate.Command{
		cmd("earn", "bob", "1", `{"by":1}`),
		cmd("change-badge", "bob", "2", `{"badge":"red"}`), // taken
		cmd("change-badge", "bob", "3", `{"badge":"green"}`),
		cmd("change-badge", "bob", "4", `{"badge":"grey"}`),
		cmd("change-badge", "bob", "5", `{"badge":"red"}`), // taken
		cmd("earn", "bob", "6", `{"by":1}`),
		cmd("change-badge", "bob", "3", `{"badge":"green"}`), // a repeat
	}
	for i, o := range h.HandleBatch(t.Context(), batch) {
		if i == 1 || i == 4 {
			wantCode(t, o.Err, events.CodeAlreadyTaken)
		} else if o.Err != nil {
			t.Errorf("command %d: %v", i, o.Err)
		}
	}
	if got := n.take(); got != "Append 2" {
		t.Errorf("a batch with refused claims asked the store for %s", got)
	}
	held(t, store, "badge", map[string]events.Stream{"red": "member/ann", "blue": "", "green": "", "grey": "member/bob"})
	cs, err := store.Load(t.Context(), "member/bob", 0)
	if err != nil || len(cs) != 2 || cs[1].Version != 5 || len(cs[1].Commands) != 4 {
		t.Errorf("commits %+v, error %v", cs, err)
	}
	n.take()
	var many []aggregate.Command
	for i := range 250 {
		many = append(many, cmd("change-badge", "bob", fmt.Sprint("m", i), `{"badge":"b%d"}`, i))
	}
	for i, o := range h.HandleBatch(t.Context(), many) {
		if o.Err != nil {
			t.Fatalf("command %d: %v", i, o.Err)
		}
	}
	if got := n.take(); got != "Append 3" { // 99 values each
		t.Errorf("250 claims asked the store for %s", got)
	}
}

func held(t *testing.T, store events.Store, name string, want map[string]events.Stream) {
	t.Helper()
	for value, stream := range want {
		h, err := store.Holders(t.Context(), []string{events.Claim{Name: name, Value: value}.Key("")})
		if err != nil || h[0].Stream != stream {
			t.Errorf("%s is held by %+v, want %q (error %v)", value, h, stream, err)
		}
	}
}

func TestOnceOnly(t *testing.T) {
	t.Parallel()
	var n calls
	store := &eventstest.Memory{Before: n.count}
	h := club(t, store, nil)
	first := must(t, h, cmd("earn-once", "ann", "once", `{"by":5}`))
	for i := range 400 {
		must(t, h, cmd("earn", "ann", fmt.Sprint(i), `{"by":1}`))
	}
	n.take()
	for _, h := range []*aggregate.Handler{h, club(t, store, nil)} {
		for range 2 {
			r := must(t, h, cmd("earn-once", "ann", "once", `{"by":5}`))
			if !r.Replayed || r.Version != first.Version || r.Started != first.Started {
				t.Fatalf("after 400 commands the repeat answers %+v, at first %+v", r, first)
			}
		}
	}
	for name, c := range map[string]aggregate.Command{
		"another payload": cmd("earn-once", "ann", "once", `{"by":6}`),
		"another stream":  cmd("earn-once", "bob", "once", `{"by":5}`),
		"another command": cmd("join-once", "bob", "once", `{"badge":"x"}`),
		"now rejected":    cmd("earn-once", "ann", "once", `{"by":-5}`),
		"now a no-op":     cmd("earn-once", "bob", "once", `{"by":0}`),
	} {
		if _, err := h.Handle(t.Context(), c); events.CodeOf(err) != events.CodeKeyReused {
			t.Errorf("%s under a spent id: %v", name, err)
		}
	}
	version := int64(7)
	again := cmd("earn-once", "ann", "once", `{"by":5}`)
	again.ExpectedVersion = &version
	if r := must(t, h, again); !r.Replayed {
		t.Errorf("with an expected version the repeat answers %+v", r)
	}
}

// A repeat whose decision is another by now gets its first answer.
func TestOnceOnlyRejectedByNow(t *testing.T) {
	t.Parallel()
	store := &eventstest.Memory{}
	h := club(t, store, nil)
	must(t, h, cmd("join-once", "ann", "once", `{"badge":"red"}`))
	for i := range 400 {
		must(t, h, cmd("earn", "ann", fmt.Sprint(i), `{"by":1}`))
	}
	if r := must(t, h, cmd("join-once", "ann", "once", `{"badge":"red"}`)); !r.Replayed || !r.Started || r.Version != 1 {
		t.Errorf("the repeat answers %+v", r)
	}
	batch := []aggregate.Command{cmd("earn", "ann", "x", `{"by":1}`), cmd("join-once", "ann", "once", `{"badge":"red"}`), cmd("earn-once", "ann", "y", `{"by":1}`)}
	for i, o := range h.HandleBatch(t.Context(), batch) {
		if o.Err != nil || o.Result.Replayed != (i == 1) {
			t.Errorf("command %d of a batch: %+v", i, o)
		}
	}
}

func TestOnceOnlyIsForgottenByTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := club(t, &eventstest.Memory{}, nil)
		must(t, h, cmd("earn-once", "ann", "once", `{"by":5}`))
		for i := range 400 {
			must(t, h, cmd("earn", "ann", fmt.Sprint(i), `{"by":1}`))
		}
		time.Sleep(events.OnceOnlyFor - 2*time.Second) // of the bubble's clock
		if r := must(t, h, cmd("earn-once", "ann", "once", `{"by":5}`)); !r.Replayed {
			t.Errorf("two seconds before the end: %+v", r)
		}
		time.Sleep(3 * time.Second)
		if r := must(t, h, cmd("earn-once", "ann", "once", `{"by":5}`)); r.Replayed {
			t.Errorf("after its time the id is still spent: %+v", r)
		}
	})
}
