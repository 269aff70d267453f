package view_test

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"daybook/events"
	"daybook/events/eventstest"
	"daybook/view"
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

// sink are tables that keep nothing but control records.
type sink struct {
	*viewtest.Memory
	puts atomic.Int64
}

func (s *sink) Open(t view.Target) view.Table { return &sinkTable{s.Memory.Open(t), s} }

type sinkTable struct {
	view.Table
	s *sink
}

func (t *sinkTable) Put(context.Context, view.Write) error { t.s.puts.Add(1); return nil }

// Memory does not grow with the table: a fill of a hundred times the events
// holds as much at its peak, give or take what the garbage collector leaves.
func TestRebuildMemoryIsFlat(t *testing.T) {
	if testing.Short() {
		t.Skip("left out: a million commits")
	}
	// Not parallel: it measures the heap of the process.
	peak := func(streams int) float64 {
		codec := newCodec()
		e, err := codec.Encode("user-renamed", userRenamed{Name: "somebody"})
		if err != nil {
			t.Fatal(err)
		}
		tables := &sink{Memory: viewtest.NewMemory(newUsers())}
		r, err := view.NewRebuilder(&endless{&eventstest.Memory{}, streams, e}, codec, tables, []view.View{newUsers()},
			&view.RebuildOptions{Segments: 8, Workers: 2})
		if err != nil {
			t.Fatal(err)
		}
		runtime.GC()
		var before, now runtime.MemStats
		runtime.ReadMemStats(&before)
		highest := before.HeapAlloc
		stop := make(chan struct{})
		sampled := make(chan struct{})
		go func() {
			defer close(sampled)
			for {
				select {
				case <-stop:
					return
				case <-time.After(5 * time.Millisecond):
					runtime.GC() // what is left is what is held
					runtime.ReadMemStats(&now)
					highest = max(highest, now.HeapAlloc)
				}
			}
		}()
		p, err := r.Run(t.Context(), "users")
		close(stop)
		<-sampled
		if err != nil || p.Commits != int64(streams)*10 || tables.puts.Load() != int64(streams) {
			t.Fatalf("%+v, %d puts, %v", p, tables.puts.Load(), err)
		}
		return float64(highest-before.HeapAlloc) / (1 << 20)
	}
	small, large := peak(2_000), peak(100_000)
	t.Logf("held at the peak: %.1f MiB for 20,000 commits, %.1f MiB for 1,000,000", small, large)
	if large > small+8 {
		t.Errorf("held at the peak: %.1f MiB for 20,000 commits, %.1f MiB for 1,000,000", small, large)
	}
}
