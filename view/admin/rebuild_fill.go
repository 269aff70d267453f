package admin

import (
	"context"
	"fmt"
	"sync"
	"time"

	"daybook/events"
	"daybook/internal/jitter"
	"daybook/parallel"
	"daybook/view"
	"daybook/view/driver"
	"daybook/view/internal/routing"
	"daybook/view/projection"
)

// fill is one Rebuilder's part in the filling of a table.
type fill struct {
	*Rebuilder
	state     TableState
	view      *routing.TableView
	projector *projection.Projector
	owner     string
	throttle  throttle
	began     time.Time
	keyed     chan struct{} // one worker at a time changes the rows of a keyed view

	mu       sync.Mutex
	done     []bool // by segment
	mine     []bool // worked on by this Rebuilder
	counted  Progress
	reported sync.Mutex
}

func newFill(r *Rebuilder, s TableState) (*fill, error) {
	v := r.routes.Table(s.Target)
	// Faults go to the table's own record: operators find them where live ones are.
	pinned := &routing.PinnedTables{Tables: r.tables, At: map[string]driver.Target{s.View: s.Target}}
	p, err := projection.New(r.store, r.codec, pinned, []view.View{v.Declared}, &projection.Options{
		Concurrency: r.opts.Concurrency, Attempts: 8, Refill: s.Fill > 1, Bulk: true, Now: r.opts.Now,
	})
	if err != nil {
		return nil, err
	}
	if s.Segments < 1 {
		return nil, events.Errorf(events.CodeInternal, "a fill of %d segments", s.Segments)
	}
	return &fill{
		Rebuilder: r, state: s, view: v, projector: p, began: time.Now(),
		owner: fmt.Sprintf("%016x", jitter.Uint64()), throttle: throttle{rate: r.opts.Rate}, keyed: make(chan struct{}, 1),
		done: make([]bool, s.Segments), mine: make([]bool, s.Segments), counted: Progress{Target: s.Target, Segments: s.Segments},
	}, nil
}

func (f *fill) progress() Progress {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.counted
	p.Elapsed = time.Since(f.began)
	return p
}

// count changes the progress and tells it.
func (f *fill) count(change func(p *Progress)) {
	f.mu.Lock()
	change(&f.counted)
	f.mu.Unlock()
	if f.opts.Progress != nil {
		f.reported.Lock()
		defer f.reported.Unlock()
		f.opts.Progress(f.progress())
	}
}

// run works on segments until all are done, by this worker or others.
func (f *fill) run(ctx context.Context) error {
	n := min(f.opts.Workers, f.state.Segments)
	first := jitter.Index(f.state.Segments) // another Rebuilder begins elsewhere
	return parallel.New(n).Until(ctx, n, func(ctx context.Context, i int) error { return f.work(ctx, first+i*f.state.Segments/n) })
}

// work takes one segment after the other.
func (f *fill) work(ctx context.Context, first int) error {
	for {
		open, worked := 0, false
		for i := range f.state.Segments {
			n := (first + i) % f.state.Segments
			if f.doneOrOwned(n) {
				continue
			}
			open++
			seg, err := f.acquire(ctx, n)
			if err != nil {
				return err
			}
			if seg == nil {
				continue
			}
			worked = true
			if err := seg.run(ctx); err != nil {
				return err
			}
		}
		if open == 0 {
			return nil
		}
		if worked {
			continue
		}
		// The remaining segments belong to other workers.
		if err := routing.Sleep(ctx, f.opts.Lease/4); err != nil {
			return err
		}
	}
}

// doneOrOwned reports whether a segment is done or worked on by this Rebuilder.
func (f *fill) doneOrOwned(n int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.done[n] || f.mine[n]
}

func (f *fill) setMine(n int, mine bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mine[n] = mine
}

func (f *fill) setDone(n int) {
	f.count(func(p *Progress) {
		if !f.done[n] {
			f.done[n] = true
			p.SegmentsDone++
		}
	})
}

// key is the key of a segment's control record.
func (f *fill) key(n int) string {
	return fmt.Sprintf("fill/%s/%s/%d/%d", f.state.View, f.state.Target, f.state.Fill, n)
}

func (f *fill) keys() []string {
	keys := make([]string, f.state.Segments)
	for n := range keys {
		keys[n] = f.key(n)
	}
	return keys
}

// records reads the records of all segments.
func (f *fill) records(ctx context.Context) (items []*driver.Item, err error) {
	err = f.retry(ctx, func() (err error) {
		items, err = routing.GetItems(ctx, f.routes.Control, f.keys())
		return err
	})
	return items, err
}

// totals adds up the segments, which are all done.
func (f *fill) totals(ctx context.Context) (commits, faults int64, err error) {
	items, err := f.records(ctx)
	if err != nil {
		return 0, 0, err
	}
	for _, item := range items {
		s, err := readSegment(item)
		if err != nil {
			return 0, 0, err
		}
		commits, faults = commits+s.Commits, faults+s.Faults
	}
	return commits, faults, nil
}

// clear deletes the segments' records.
func (f *fill) clear(ctx context.Context) error {
	items, err := f.records(ctx)
	if err != nil {
		return err
	}
	for _, item := range items {
		if item == nil {
			continue
		}
		err := f.retry(ctx, func() error {
			err := f.routes.Control.Put(ctx, driver.Write{Item: driver.Item{Key: item.Key}, Expect: item.Version, Delete: true})
			if events.CodeOf(err) == events.CodeConflict {
				return nil // another's doing
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// retry is Rebuilder.retry, counted.
func (f *fill) retry(ctx context.Context, do func() error) error {
	return f.Rebuilder.retry(ctx, func() { f.count(func(p *Progress) { p.Retries++ }) }, do)
}

// throttle spreads commits over time: rate a second, over all workers.
type throttle struct {
	rate float64
	mu   sync.Mutex
	next time.Time
}

// chunk is how many commits may go at once: a tenth of a second's.
func (p *throttle) chunk(most int) int {
	if p.rate <= 0 {
		return most
	}
	return max(1, min(most, int(p.rate/10)))
}

// wait waits until n more commits may go.
func (p *throttle) wait(ctx context.Context, n int) error {
	if p.rate <= 0 || n == 0 {
		return nil
	}
	p.mu.Lock()
	now := time.Now()
	if p.next.Before(now) {
		p.next = now
	}
	left := p.next.Sub(now)
	p.next = p.next.Add(time.Duration(float64(n) / p.rate * float64(time.Second)))
	p.mu.Unlock()
	if left <= 0 {
		return nil
	}
	return routing.Sleep(ctx, left)
}
