package view_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"daybook/events"
	"daybook/events/eventstest"
	"daybook/view"
	"daybook/view/admin"
	"daybook/view/driver"
	"daybook/view/viewtest"
)

// endless makes a table of events up: streams of ten commits, as many as told,
// a thousand commits a page as DynamoDB's megabyte has.
type endless struct {
	*eventstest.Memory
	streams int
	renamed events.Event
}

func (e *endless) Scan(_ context.Context, segment, segments int, cursor string) ([]events.Commit, string, error) {
	var n int
	if cursor != "" {
		if _, err := fmt.Sscan(cursor, &n); err != nil {
			return nil, "", err
		}
	}
	var page []events.Commit
	for ; n < e.streams/segments && len(page) < 1000; n++ {
		for c := range int64(10) {
			page = append(page, events.Commit{
				Stream: events.StreamOf("user", fmt.Sprintf("%d-%d", segment, n)), Number: c + 1, Version: c + 1,
				Events: []events.Event{e.renamed},
			})
		}
	}
	if n == e.streams/segments {
		return page, "", nil
	}
	return page, fmt.Sprint(n), nil
}

// sink are tables that keep nothing but control records. Now and then they look
// at the heap, while nothing is written: what is left after a collection is
// what the rebuild holds.
type sink struct {
	*viewtest.Memory
	every int64 // puts

	writing sync.RWMutex
	puts    atomic.Int64
	highest uint64
}

func (s *sink) Open(t driver.Target) driver.Table { return &sinkTable{s.Memory.Open(t), s} }

type sinkTable struct {
	driver.Table
	s *sink
}

func (t *sinkTable) Put(context.Context, driver.Write) error {
	t.s.writing.RLock()
	n := t.s.puts.Add(1)
	t.s.writing.RUnlock()
	if n%t.s.every == 0 {
		t.s.writing.Lock()
		defer t.s.writing.Unlock()
		t.s.highest = max(t.s.highest, heap())
	}
	return nil
}

func heap() uint64 {
	var now runtime.MemStats
	runtime.GC()
	runtime.GC() // without what was made while the first one ran
	runtime.ReadMemStats(&now)
	return now.HeapAlloc
}

// Memory does not grow with the table: a fill of 25 times the events holds as
// much at its peak, give or take how many rows are under way.
func TestRebuildMemoryIsFlat(t *testing.T) {
	if testing.Short() {
		t.Skip("left out: half a million commits")
	}
	// Not parallel: it measures the heap of the process.
	peak := func(streams int) float64 {
		codec := newCodec()
		e, err := codec.Encode("user-renamed", userRenamed{Name: "somebody"})
		if err != nil {
			t.Fatal(err)
		}
		tables := &sink{Memory: viewtest.NewMemory(newUsers()), every: int64(streams) / 40}
		r, err := admin.NewRebuilder(&endless{&eventstest.Memory{}, streams, e}, codec, tables, []view.View{newUsers()},
			&admin.RebuildOptions{Segments: 8, Workers: 2})
		if err != nil {
			t.Fatal(err)
		}
		before := heap()
		p, err := r.Run(t.Context(), "users")
		if err != nil || p.Commits != int64(streams)*10 || tables.puts.Load() != int64(streams) {
			t.Fatalf("%+v, %d puts, %v", p, tables.puts.Load(), err)
		}
		return (float64(tables.highest) - float64(before)) / (1 << 20)
	}
	small, large := peak(2_000), peak(50_000)
	t.Logf("held at the peak: %.1f MiB for 20,000 commits, %.1f MiB for 500,000", small, large)
	if small <= 0 || large > 2*small+1 {
		t.Errorf("held at the peak: %.1f MiB for 20,000 commits, %.1f MiB for 500,000", small, large)
	}
}
