package aggregate_test

import (
	"fmt"
	"testing"

	"daybook/aggregate"
	"daybook/events"
	"daybook/events/eventstest"
)

func TestSnapshotsKeepLoadsShort(t *testing.T) {
	t.Parallel()
	store := &eventstest.Memory{}
	h := handler(t, store, nil)
	must(t, h, begin("1", "start"))
	longest, largest := 0, 0
	for i := range 2000 {
		must(t, h, add("1", 1, fmt.Sprint("c", i)))
		tail, err := store.Load(t.Context(), "counter/1", 1)
		if err != nil {
			t.Fatal(err)
		}
		size := 0
		for _, c := range tail[1:] {
			size += c.Size
		}
		longest, largest = max(longest, len(tail)), max(largest, size)
	}
	// Snapshots wait until as many bytes gather as the last one has: state and
	// 128 commands of about 90 bytes in this store's JSON.
	if largest > 24<<10 || longest > 120 {
		t.Errorf("a load read up to %d commits and %d bytes", longest, largest)
	}
	cold := handler(t, store, nil)
	if r := must(t, cold, add("1", 1, "last")); r.Version != 2002 {
		t.Errorf("restored from a snapshot, the stream went on at version %d", r.Version)
	}
	if r := must(t, handler(t, store, nil), add("1", 1, "c1999")); !r.Replayed || r.Version != 2001 {
		t.Errorf("a repeat after a snapshot: %+v", r)
	}
}

func TestRememberedWindow(t *testing.T) {
	t.Parallel()
	store := &eventstest.Memory{}
	h := handler(t, store, nil)
	must(t, h, begin("1", "start"))
	const n = 700
	for i := range n {
		must(t, h, add("1", 1, fmt.Sprint("c", i)))
	}
	for _, state := range []string{"warm", "cold"} {
		if state == "cold" {
			h = handler(t, store, nil)
		}
		for back := 1; back <= 128; back++ {
			r := must(t, h, add("1", 1, fmt.Sprint("c", n-back)))
			if !r.Replayed || r.Version != int64(n-back+2) {
				t.Fatalf("%s: the repeat of %d commands ago answered %+v", state, back, r)
			}
		}
	}
}

func TestSnapshotOfAnotherStateSchemaIsIgnored(t *testing.T) {
	t.Parallel()
	store := &eventstest.Memory{}
	old := handler(t, store, &aggregate.Options{SnapshotBytes: 1})
	must(t, old, begin("1", "start"))
	for i := range 5 {
		must(t, old, add("1", 1, fmt.Sprint(i)))
	}
	raised, err := aggregate.NewHandler(store, []aggregate.Aggregate{counter().StateSchema(2)}, &aggregate.Options{SnapshotBytes: 1})
	if err != nil {
		t.Fatal(err)
	}
	if r := must(t, raised, add("1", 1, "x")); r.Version != 7 {
		t.Errorf("folded from the start: %+v", r)
	}
	tail, _ := store.Load(t.Context(), "counter/1", 2)
	if len(tail) != 1 || string(tail[0].Snapshot.State) != `{"started":true,"sum":6,"Padding":""}` {
		t.Errorf("the new schema version has no snapshot of its own: %+v", tail)
	}
}

type (
	noteKept added
	keepNote added
)

func (noteKept) EventName() string   { return "note-kept" }
func (keepNote) CommandName() string { return "keep" }

func TestSnapshotThatDoesNotFitIsLeftOut(t *testing.T) {
	t.Parallel()
	store := &eventstest.Memory{}
	type hoard struct{ Notes []string }
	d := aggregate.New[hoard]("hoard").
		Event(func(s hoard, e noteKept) hoard {
			s.Notes = append(s.Notes[:len(s.Notes):len(s.Notes)], e.Note)
			return s
		}).
		Command(func(_ hoard, c keepNote) aggregate.Decision { return aggregate.Emit(noteKept(c)) })
	h, err := aggregate.NewHandler(store, []aggregate.Aggregate{d}, nil)
	if err != nil {
		t.Fatal(err)
	}
	big := string(make([]byte, 50_000))
	for i := range 20 {
		c := aggregate.Command{Name: "keep", ID: "1", CommandID: fmt.Sprint(i), Payload: fmt.Appendf(nil, `{"by":1,"note":%q}`, spaces(big))}
		if _, err := h.Handle(t.Context(), c); err != nil {
			t.Fatalf("note %d: %v", i, err)
		}
	}
}

func spaces(s string) string {
	b := []byte(s)
	for i := range b {
		b[i] = ' '
	}
	return string(b)
}

func TestUnreadableStream(t *testing.T) {
	t.Parallel()
	store := &eventstest.Memory{}
	bad := events.Commit{ID: "x", Events: []events.Event{{Name: "counter-started", Schema: 9, Data: []byte(`{}`)}}}
	if _, err := store.Append(t.Context(), events.Start("counter/1"), bad); err != nil {
		t.Fatal(err)
	}
	_, err := handler(t, store, nil).Handle(t.Context(), add("1", 1, ""))
	wantCode(t, err, events.CodeInternal)
}

func TestCacheIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	var n calls
	store := &eventstest.Memory{Before: n.count}
	h := handler(t, store, &aggregate.Options{CacheBytes: 4096})
	for i := range 50 {
		must(t, h, begin(fmt.Sprint(i), ""))
	}
	n.take()
	must(t, h, add("49", 1, ""))
	if got := n.take(); got != "Append 1" {
		t.Errorf("the stream used last is cold: %s", got)
	}
	must(t, h, add("0", 1, ""))
	if got := n.take(); got != "Load 1, Append 1" {
		t.Errorf("the stream used first is still warm beyond the bound: %s", got)
	}
	none := handler(t, store, &aggregate.Options{CacheBytes: -1})
	must(t, none, add("0", 1, ""))
	n.take()
	must(t, none, add("0", 1, ""))
	if got := n.take(); got != "Load 1, Append 1" {
		t.Errorf("without a cache a stream stayed warm: %s", got)
	}
}
