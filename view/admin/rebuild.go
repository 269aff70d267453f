package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"daybook/events"
	"daybook/internal/jitter"
	"daybook/view"
	"daybook/view/driver"
	"daybook/view/internal/routing"
)

// RebuildOptions changes how a Rebuilder works. The zero value is the default.
type RebuildOptions struct {
	// Segments is how many parts the events are read in, 1 to 10,000; default
	// 64. A fill keeps the number it was begun with.
	Segments int
	// Workers bounds the segments that this Rebuilder fills at the same time;
	// default 4. Any number of Rebuilders may share one fill.
	Workers int
	// Rate bounds the commits that this Rebuilder reads a second; default: no
	// bound.
	Rate float64
	// Chunk is how many commits are projected at a time, at most but for a
	// longer stream; default 500.
	Chunk int
	// Concurrency bounds the streams that are written at the same time;
	// default 8 for each worker, 32 at least.
	Concurrency int
	// Attempts bounds the attempts in a row at an operation that fails
	// transiently; default 12, with up to 10 s in between.
	Attempts int
	// Lease is how long a segment belongs to a worker that does not answer any
	// more; default 15 s. One that is only slow does no harm.
	Lease time.Duration
	// Join fills what is being filled and begins nothing.
	Join bool
	// Progress, when not nil, is told how far this Rebuilder is, now and then.
	// Calls don't overlap.
	Progress func(Progress)
	// Now is the clock for leases and switches; default time.Now.
	Now func() time.Time
}

// Progress says how far a fill is.
type Progress struct {
	Target       driver.Target
	Segments     int   // in all
	SegmentsDone int   // by any worker
	Commits      int64 // read by this Rebuilder
	Projected    int64 // of them, those of streams that the view follows
	Written      int64 // items
	Faults       int64 // permanent ones met
	Retries      int64 // of pages, after transient failures
	Elapsed      time.Duration
}

// Rebuilder builds tables of views from the events while commands and queries go
// on, and moves queries from one table to another. It is safe for concurrent
// use.
//
// A table is right when a fill has ended, because every commit reaches it: one
// that was stored before the table was listed in the control record is seen by
// the fill, which reads the events strongly consistently and after that; one
// that was stored later is delivered to a projector later still, and that reads
// the record for every batch. Both go through the same gate for each stream, in
// any order (docs/rebuild.md).
type Rebuilder struct {
	store  events.Store
	codec  *events.Codec
	tables driver.AdminTables
	routes *routing.Routes
	opts   RebuildOptions
}

// NewRebuilder returns a Rebuilder of the given views. store's Scan must be
// strongly consistent. An error says what is wrong with the declarations.
func NewRebuilder(store events.Store, codec *events.Codec, tables driver.AdminTables, views []view.View, opts *RebuildOptions) (*Rebuilder, error) {
	r := &Rebuilder{store: store, codec: codec, tables: tables}
	if opts != nil {
		r.opts = *opts
	}
	o := &r.opts
	o.Segments = min(routing.OrDefault(o.Segments, 64), maxFillSegments)
	o.Workers = routing.OrDefault(o.Workers, 4)
	o.Chunk = routing.OrDefault(o.Chunk, 500)
	o.Concurrency = routing.OrDefault(o.Concurrency, max(32, 8*o.Workers))
	o.Attempts = routing.OrDefault(o.Attempts, 12)
	o.Lease = routing.OrDefault(o.Lease, 15*time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	var err error
	r.routes, err = routing.New(codec, tables, views, o.Now)
	if err != nil {
		return nil, err
	}
	return r, nil
}

// maxFillSegments bounds the control records of one fill.
const maxFillSegments = 10_000

// Run builds a table of the view and returns when it is right, and can be
// switched to: it begins a rebuild (Begin), or goes on with the one that was
// begun, and fills. A Run that was cut off in any way, kill -9 too, is simply
// run again; several may run at the same time.
//
// Codes: unknown-view; conflict, saying what to do, where nothing can be begun;
// unavailable when the table of a new version was not deployed, or when
// projectors run that don't know the version; and those of Table and
// events.Store.
func (r *Rebuilder) Run(ctx context.Context, view string) (Progress, error) {
	s, err := r.Begin(ctx, view)
	if err != nil {
		return Progress{}, err
	}
	f, err := newFill(r, s)
	if err != nil {
		return Progress{}, err
	}
	if err := f.run(ctx); err != nil {
		return f.progress(), err
	}
	return f.progress(), r.finish(ctx, f)
}

// Begin makes the table that the view is to have next and lists it in the
// control record, so that live commits reach it. That is, in this order: one
// that is being filled; the table of the newest declared version, when an older
// one answers; the very table that answers, when it lacks commits; else the next
// generation of the version that answers. A table that was filled by another
// declaration is left as it is: the next generation is made beside it.
func (r *Rebuilder) Begin(ctx context.Context, view string) (TableState, error) {
	if r.routes.Views[view] == nil {
		return TableState{}, routing.UnknownView()
	}
	var begun TableState
	err := r.change(ctx, func(rec *routing.Record) error {
		route := rec.Views[view]
		s, err := r.next(route, view)
		if err != nil {
			return err
		}
		old := route.Table(s.Target)
		if old == nil || old.Missed || old.Fill == 0 {
			if r.opts.Join {
				return events.Errorf(events.CodeConflict, "view %q is not being filled", view)
			}
			s.Fill, s.Segments, s.Complete, s.Missed = s.Fill+1, r.opts.Segments, false, false
		}
		if old == nil {
			v := r.routes.Views[view][s.Version]
			if err := r.tables.Create(ctx, s.Target, v.Describe().TableIndexes()); err != nil {
				return fmt.Errorf("the table of %s %s: %w", view, s.Target, err)
			}
			s.Shape, rec.NewShapes[s.Target] = r.routes.ShapeOf(v), true
			route.Add(s)
		} else {
			*old = s
		}
		begun = s
		return nil
	})
	return begun, err
}

// next chooses the table to fill.
func (r *Rebuilder) next(route *Route, view string) (TableState, error) {
	var newer *TableState
	for i, s := range route.Tables {
		switch known := r.routes.Knows(s); {
		case known && s.Fill > 0 && !s.Complete:
			return s, nil
		case known && s.Compare(route.Serving) > 0:
			newer = &route.Tables[i]
		}
	}
	t := driver.Target{View: view, Version: max(r.routes.Newest(view), route.Serving.Version)}
	serving := route.Table(route.Serving)
	switch {
	case newer != nil && newer.Version == t.Version && newer.Right():
		return TableState{}, events.Errorf(events.CodeConflict,
			"%s %s is built already: switch to it, or drop it and rebuild", view, newer.Target)
	case newer != nil && newer.Version == t.Version:
		return *newer, nil
	case r.routes.Views[view][t.Version] == nil:
		return TableState{}, events.Errorf(events.CodeConflict,
			"%s is answered by %s, which is not declared here: deploy its declaration", view, route.Serving)
	case serving != nil && serving.Version == t.Version && !serving.Right() && r.routes.Knows(*serving):
		return *serving, nil
	}
	t.Generation = route.Highest[t.Version] + 1
	if t.Generation > routing.MaxGenerations {
		return TableState{}, events.Errorf(events.CodeConflict, "a version is built at most %d times: raise the version", routing.MaxGenerations)
	}
	return TableState{Target: t}, nil
}

// change changes the control record: with what others change at the same time,
// not against it. f may be called again.
func (r *Rebuilder) change(ctx context.Context, f func(rec *routing.Record) error) error {
	return r.retry(ctx, nil, func() error {
		rec, err := routing.ReadRecord(ctx, r.routes.Control)
		if err != nil {
			return err
		}
		r.routes.Adopt(rec)
		if err := f(rec); err != nil {
			return permanentError{err}
		}
		return r.routes.Write(ctx, rec)
	})
}

// permanentError is an error that no retry can fix, whatever its code.
type permanentError struct{ error }

// retry does something until it succeeds, fails for a permanent reason,
// or has failed too often in a row. again, when not nil, is called before each
// attempt but the first.
func (r *Rebuilder) retry(ctx context.Context, again func(), do func() error) error {
	for attempt := 1; ; attempt++ {
		err := do()
		if no, ok := err.(permanentError); ok {
			return no.error
		}
		if err == nil || !events.Repeatable(err) || ctx.Err() != nil || attempt >= r.opts.Attempts {
			return err
		}
		if again != nil {
			again()
		}
		if err := routing.Sleep(ctx, jitter.Below(min(20*time.Millisecond<<min(attempt, 10), 10*time.Second))); err != nil {
			return err
		}
	}
}

// finish notes that a fill has read all segments: from now on the table is
// right, unless a projector has passed it by.
func (r *Rebuilder) finish(ctx context.Context, f *fill) error {
	commits, faults, err := f.totals(ctx)
	if err != nil {
		return err
	}
	err = r.change(ctx, func(rec *routing.Record) error {
		s := rec.Views[f.state.View].Table(f.state.Target)
		if s == nil {
			return events.Errorf(events.CodeConflict, "%s %s was dropped", f.state.View, f.state.Target)
		}
		if s.Fill != f.state.Fill || s.Complete {
			return errUnchanged
		}
		if s.Missed {
			return events.Errorf(events.CodeUnavailable,
				"a projector runs that does not declare %s %s: deploy it, then rebuild again", s.View, s.Target)
		}
		s.Complete, s.Commits, s.Faults = true, commits, faults
		return nil
	})
	if err != nil && !errors.Is(err, errUnchanged) {
		return err
	}
	return f.clear(ctx)
}

// errUnchanged leaves the control record as it is.
var errUnchanged = errors.New("nothing to change")
