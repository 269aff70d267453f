package dynamo

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json/v2"
	"fmt"
	"strings"
	"testing"
	"uuid"

	"pgregory.net/rapid"

	"daybook/aggregate"
	"daybook/events"
)

// ledger is a state that shows each event that is folded twice, left out, or
// folded in another order.
type ledger struct {
	Count int    `json:"count"`
	Sum   int    `json:"sum"`
	Chain string `json:"chain"` // a digest of all events in order
	Pad   string `json:"pad"`   // so that states have generated sizes
}

// The events say which state their command was decided on.
type (
	ledgerAdded struct {
		By   int    `json:"by"`
		Note string `json:"note"`
		Seen string `json:"seen"`
	}
	ledgerDoubled struct {
		Seen string `json:"seen"`
	}
)

func (ledgerAdded) EventName() string   { return "ledger-added" }
func (ledgerDoubled) EventName() string { return "ledger-doubled" }

type (
	writeLedger struct {
		Adds   []int  `json:"adds"`
		Note   string `json:"note"`
		Double bool   `json:"double"`
	}
	moveLedger struct {
		To string `json:"to"`
		By int    `json:"by"`
	}
)

func (writeLedger) CommandName() string { return "write-ledger" }
func (moveLedger) CommandName() string  { return "move-ledger" }

func (s ledger) seen() string { return fmt.Sprintf("%d %d %s", s.Count, s.Sum, s.Chain) }

func (s ledger) after(what string, sum, pad int) ledger {
	h := sha256.Sum256([]byte(s.Chain + "\n" + what))
	s.Count, s.Sum, s.Chain = s.Count+1, sum, hex.EncodeToString(h[:8])
	s.Pad = strings.Repeat(s.Chain[:1], pad*s.Count%997)
	return s
}

func (s ledger) added(e ledgerAdded, pad int) ledger {
	return s.after(fmt.Sprint("added ", e.By, e.Note), s.Sum+e.By, pad)
}

func (s ledger) doubled(pad int) ledger { return s.after("doubled", 2*s.Sum, pad) }

// ledgers returns the aggregate, at a schema version of its state.
func ledgers(schema, pad int) aggregate.Aggregate {
	return aggregate.New[ledger]("ledger").StateSchema(schema).
		Event(func(s ledger, e ledgerAdded) ledger { return s.added(e, pad) }).
		Event(func(s ledger, _ ledgerDoubled) ledger { return s.doubled(pad) }).
		Command(func(s ledger, c writeLedger) aggregate.Decision {
			var d aggregate.Decision
			for _, by := range c.Adds {
				e := ledgerAdded{By: by, Note: c.Note, Seen: s.seen()}
				s, d = s.added(e, pad), d.And(e)
			}
			if c.Double {
				d = d.And(ledgerDoubled{Seen: s.seen()})
			}
			return d
		}).
		Across(func(c moveLedger) []events.Stream { return []events.Stream{events.StreamOf("ledger", c.To)} },
			func(s ledger, c moveLedger, o *aggregate.Others) aggregate.Decision {
				to := events.StreamOf("ledger", c.To)
				other := o.State[ledger](to)
				return aggregate.Emit(ledgerAdded{By: -c.By, Seen: s.seen()}).
					On(to, aggregate.Emit(ledgerAdded{By: c.By, Seen: other.seen()}))
			})
}

// The state that a snapshot gives is the state that the events give, at every
// snapshot: what a handler decides on, in a store that really loads from snapshots,
// is at each commit the fold of all events before it, each once, in order.
func TestStateBySnapshotIsStateByEvents(t *testing.T) {
	t.Parallel()
	store, f := newStore(t)
	snapshots := 0
	rapid.Check(t, func(t *rapid.T) {
		pad := rapid.SampledFrom([]int{0, 1, 37}).Draw(t, "pad")
		run := &ledgerRun{t: t, ids: []string{uuid.New().String(), uuid.New().String()}, pad: pad}
		for i := range rapid.IntRange(1, 3).Draw(t, "handlers") {
			run.handler(NewEventStore(f.client, store.table), rapid.IntRange(1, 2).Draw(t, fmt.Sprint("schema ", i)))
		}
		for range rapid.IntRange(5, 25).Draw(t, "commands") {
			run.command()
		}
		for _, id := range run.ids {
			snapshots += run.check(store, events.StreamOf("ledger", id))
		}
	})
	if snapshots < 100 {
		t.Errorf("only %d snapshots were taken", snapshots)
	}
}

type ledgerRun struct {
	t        *rapid.T
	ids      []string
	pad      int
	handlers []*aggregate.Handler
	single   int // the only schema version of the state; 0 for several
}

// handler adds an instance of the program: one that keeps warm streams or none, and
// takes snapshots early or late.
func (r *ledgerRun) handler(store *EventStore, schema int) {
	h, err := aggregate.NewHandler(store, []aggregate.Aggregate{ledgers(schema, r.pad)}, &aggregate.Options{
		SnapshotBytes: rapid.SampledFrom([]int{1, 300, 1000, 4096}).Draw(r.t, "snapshot bytes"),
		CacheBytes:    rapid.SampledFrom([]int{-1, -1, 1 << 20}).Draw(r.t, "cache bytes"),
	})
	if err != nil {
		r.t.Fatal(err)
	}
	if len(r.handlers) == 0 {
		r.single = schema
	} else if r.single != schema {
		r.single = 0
	}
	r.handlers = append(r.handlers, h)
}

// command has one of the instances handle one command, or some on a stream that may
// share a commit.
func (r *ledgerRun) command() {
	draw := func() aggregate.Command {
		id := rapid.SampledFrom(r.ids).Draw(r.t, "id")
		if id == r.ids[0] && rapid.IntRange(0, 5).Draw(r.t, "moves") == 0 {
			return aggregate.Command{Name: "move-ledger", ID: id, Payload: fmt.Appendf(nil, `{"to":%q,"by":%d}`, r.ids[1], rapid.IntRange(1, 9).Draw(r.t, "by"))}
		}
		payload, err := json.Marshal(writeLedger{
			Adds: rapid.SliceOfN(rapid.IntRange(-5, 5), 1, 4).Draw(r.t, "adds"),
			Note: strings.Repeat("note ", rapid.SampledFrom([]int{0, 1, 100, 400}).Draw(r.t, "note")), Double: rapid.Bool().Draw(r.t, "double"),
		})
		if err != nil {
			r.t.Fatal(err)
		}
		return aggregate.Command{Name: "write-ledger", ID: id, Payload: payload}
	}
	batch := make([]aggregate.Command, rapid.SampledFrom([]int{1, 1, 1, 4}).Draw(r.t, "batch"))
	for i := range batch {
		batch[i] = draw()
	}
	h := r.handlers[rapid.IntRange(0, len(r.handlers)-1).Draw(r.t, "handler")]
	for i, o := range h.HandleBatch(r.t.Context(), batch) {
		if o.Err != nil {
			r.t.Fatalf("%+v: %v", batch[i], o.Err)
		}
	}
}

// check folds the stream's events itself and compares the state before each event
// with what its command was decided on, and the state after each commit with its
// snapshot. It returns the number of snapshots.
func (r *ledgerRun) check(store *EventStore, stream events.Stream) (snapshots int) {
	cs, err := store.Load(r.t.Context(), stream, 0)
	if err != nil {
		r.t.Fatal(err)
	}
	var s ledger
	last := int64(0)
	for i := range cs {
		c := &cs[i]
		for _, e := range c.Events {
			var got ledgerAdded // has the members of both
			if err := json.Unmarshal(e.Data, &got); err != nil {
				r.t.Fatal(err)
			}
			if got.Seen != s.seen() {
				r.t.Fatalf("commit %d of %s was decided on %q, the events before it give %q", c.Number, stream, got.Seen, s.seen())
			}
			if e.Name == "ledger-doubled" {
				s = s.doubled(r.pad)
			} else {
				s = s.added(got, r.pad)
			}
		}
		r.checkDistance(cs, c, last)
		if c.Snapshot != nil {
			snapshots, last = snapshots+1, c.Number
			r.checkSnapshot(cs, i, s)
		}
	}
	return snapshots
}

// checkDistance: a commit says how far back the last snapshot lies.
func (r *ledgerRun) checkDistance(cs []events.Commit, c *events.Commit, last int64) {
	if at := c.Number - c.SnapshotDistance; c.SnapshotDistance != 0 && cs[at-1].Snapshot == nil {
		r.t.Errorf("commit %d says that commit %d carries a snapshot", c.Number, at)
	}
	if want := c.Number - last; r.single > 0 && last > 0 && c.SnapshotDistance != want {
		r.t.Errorf("commit %d says %d, the last snapshot lies %d back", c.Number, c.SnapshotDistance, want)
	}
}

// checkSnapshot: the snapshot of the commit at i is the state s, and what it gives
// with the events behind it is what all events give.
func (r *ledgerRun) checkSnapshot(cs []events.Commit, i int, s ledger) {
	want, err := json.Marshal(s, json.Deterministic(true))
	if err != nil {
		r.t.Fatal(err)
	}
	if got := cs[i].Snapshot.State; string(got) != string(want) {
		r.t.Fatalf("the snapshot of commit %d is %s, the events give %s", cs[i].Number, got, want)
	}
	of := ledgers(cs[i].Snapshot.Schema, r.pad)
	short, _, err := aggregate.NewReplay(of, cs[i].Snapshot)
	if err != nil {
		r.t.Fatal(err)
	}
	var all []events.Event
	for j := range cs {
		if all = append(all, cs[j].Events...); j > i {
			if err := short.Add(cs[j].Events); err != nil {
				r.t.Fatal(err)
			}
		}
	}
	whole, err := aggregate.Fold(of, all)
	if err != nil {
		r.t.Fatal(err)
	}
	if got, err := short.State(); err != nil || string(got) != string(whole) {
		r.t.Fatalf("from the snapshot of commit %d on, events give %s; all events give %s (error %v)", cs[i].Number, got, whole, err)
	}
}
