package rehearse_test

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"daybook"
	"daybook/aggregate"
	"daybook/events"
	"daybook/internal/testdomain"
	"daybook/process"
	"daybook/rehearse"
	"daybook/view"
	"daybook/view/admin"
	"daybook/view/viewtest"
)

// commitsEach is the number of commits of a stream that endless makes up.
const commitsEach = 10

// endless makes a table of events up, a hundred commits a page. Now and then it looks
// at the heap, between two pages: what is left after a collection is held by who reads.
type endless struct {
	events.Store
	streams int
	renamed events.Event

	mu      sync.Mutex
	pages   int
	every   int
	highest uint64
}

func (e *endless) commit(s events.Stream, number int64) events.Commit {
	ev := e.renamed
	ev.Data = []byte(string(ev.Data)) // a page is memory of its own
	return events.Commit{Stream: s, Number: number, Version: number, ID: fmt.Sprint(s, number), Events: []events.Event{ev}, Size: 300}
}

func (e *endless) Scan(_ context.Context, segment, segments int, cursor string) (page []events.Commit, next string, err error) {
	n := segment
	if cursor != "" {
		_, _ = fmt.Sscan(cursor, &n)
	}
	e.look()
	for ; n < e.streams && len(page) < 100; n += segments {
		for k := range int64(commitsEach) {
			page = append(page, e.commit(events.StreamOf("member", fmt.Sprint("m", n)), k+1))
		}
	}
	if n < e.streams {
		next = fmt.Sprint(n)
	}
	return page, next, nil
}

func (e *endless) Read(_ context.Context, s events.Stream, from int64, limit int) (page []events.Commit, err error) {
	for k := from; k <= commitsEach && len(page) < limit; k++ {
		page = append(page, e.commit(s, k))
	}
	return page, nil
}

func (e *endless) look() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.pages++; e.pages%e.every == 0 {
		e.highest = max(e.highest, heap())
	}
}

// heap is what is held: the least of some looks, since each also sees what another part
// makes and drops while the collector runs.
func heap() uint64 {
	least := uint64(math.MaxUint64)
	for range 3 {
		var now runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&now)
		least = min(least, now.HeapAlloc)
	}
	return least
}

// handled is a ledger in which everything was handled.
type handled struct{ process.Ledger }

func (handled) Load(_ context.Context, keys []process.Key) (all []*process.Entry, err error) {
	for _, k := range keys {
		all = append(all, &process.Entry{Key: k, Commit: commitsEach})
	}
	return all, nil
}

// TestMemoryIsBounded: what a rehearsal holds does not grow with the events, even when
// every row would be added, and each event asks for a command that nothing proves.
func TestMemoryIsBounded(t *testing.T) {
	// Not parallel: it measures the heap of the process.
	nagger := process.New[struct{}]("nagger", "member").
		Sends(testdomain.DeactivateMember{}).
		On(func(m struct{}, _ testdomain.MemberRenamed, meta process.Meta) (struct{}, process.Reaction) {
			return m, process.Do(process.Send(meta.ID(), testdomain.DeactivateMember{}))
		})
	app := daybook.App{Name: "school", Aggregates: testdomain.Aggregates(), Views: []view.View{testdomain.Members}, Processes: []process.Reactor{nagger}}
	codec, err := aggregate.Codec(app.Aggregates)
	if err != nil {
		t.Fatal(err)
	}
	e, err := codec.Encode("member-renamed", testdomain.MemberRenamed{Name: strings.Repeat("x", 300)})
	if err != nil {
		t.Fatal(err)
	}
	peak := func(streams int) float64 {
		store := &endless{streams: streams, renamed: e, every: max(1, streams/100)}
		before := heap()
		r, err := rehearse.Run(t.Context(), app, rehearse.Sources{Events: store, Tables: viewtest.NewMemory(testdomain.Members), Ledger: handled{}},
			rehearse.Options{Segments: 4, Parallel: 2, Memory: 1 << 20, Patience: time.Nanosecond})
		if err != nil {
			t.Fatal(err)
		}
		all := int64(streams) * commitsEach
		if v := r.Views[0]; r.Events != all || v.Changes.Rows[admin.ChangeAdded] != int64(streams) || len(v.Samples) > 20 || r.Processes[0].Commands[rehearse.EffectUnproven] != all || len(r.Processes[0].Samples) > 20 {
			t.Errorf("%d events: %+v, %+v", r.Events, v.Changes, r.Processes)
		}
		return float64(store.highest-before) / (1 << 20)
	}
	small, large := peak(120), peak(1200)
	t.Logf("held at the peak: %.1f MiB for 1,200 events, %.1f MiB for 12,000", small, large)
	if small <= 0 || large > small+1.5 {
		t.Errorf("held at the peak: %.1f MiB for 1,200 events, %.1f MiB for 12,000", small, large)
	}
}
