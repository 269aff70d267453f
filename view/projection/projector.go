package projection

import (
	"context"
	"encoding/json/jsontext"
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"

	"daybook/events"
	"daybook/follow"
	"daybook/parallel"
	"daybook/view"
	"daybook/view/driver"
	"daybook/view/internal/definition"
	"daybook/view/internal/routing"
)

// Report is the outcome of a batch.
type Report struct {
	follow.Report
	// Mismatches are the tables that the batch did not go to, since they were
	// filled by another declaration: they lack its commits, and say so.
	Mismatches []driver.Mismatch

	Written int // items written: rows, and checkpoints of keyed views
	// Failed are the streams that failed for a transient reason, sorted.
	Failed []events.Stream
}

// Options changes how a Projector works. The zero value is the default.
type Options struct {
	// Concurrency bounds the streams that are written at the same time, over
	// all views; default 16.
	Concurrency int
	// Attempts bounds how often a write that lost against another projector is
	// tried in all; default 8.
	Attempts int
	// Routed posts to every table that the control record lists, in place of
	// the newest version's only: tables must be RoutedTables. The record is
	// read for each batch. Parked streams are listed and redriven by projectors
	// on one table of each view: see Pin.
	Routed bool
	// Refill says that the tables hold streams already: a row is read before it
	// is written, also one whose stream begins in the batch.
	Refill bool
	// Bulk stores the rows of new streams many per request, where the tables can: see
	// driver.Inserter.
	Bulk bool
	// Now is the clock for faults and lag; default time.Now.
	Now func() time.Time
}

// Projector posts commits to views. It is safe for concurrent use, and any
// number of projectors may work on the same tables.
type Projector struct {
	store follow.History
	codec *events.Codec
	views []*routing.TableView // unless routed
	opts  Options
	limit parallel.Limit // of the streams being written

	routes *routing.Routes // nil unless routed
}

// New returns a projector of the given views. An error says what is
// wrong with their declarations, all of it.
func New(store follow.History, codec *events.Codec, tables driver.Tables, views []view.View, opts *Options) (*Projector, error) {
	p := &Projector{store: store, codec: codec}
	if opts != nil {
		p.opts = *opts
	}
	p.opts.Concurrency = routing.OrDefault(p.opts.Concurrency, 16)
	p.opts.Attempts = routing.OrDefault(p.opts.Attempts, 8)
	if p.opts.Now == nil {
		p.opts.Now = time.Now
	}
	p.limit = parallel.New(p.opts.Concurrency)
	var err error
	if p.opts.Routed {
		p.routes, err = routing.New(codec, tables, views, p.opts.Now)
	} else {
		p.views, err = routing.Open(codec, tables, views)
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

// Project posts a batch to all views. Every row is written at most once for the
// batch. A stream that fails holds up no other; see Report for what to do about
// it. Deliveries of streams that no view follows count as done.
func (p *Projector) Project(ctx context.Context, batch []follow.Delivery) Report {
	b := &batchRun{Projector: p, Run: follow.Begin(p.store, batch, p.following())}
	goal, err := p.targets(ctx)
	b.report.Mismatches = goal.Mismatches
	if err != nil {
		b.Fail(b.Open(), err)
	}
	for _, views := range goal.Phases {
		b.project(ctx, views)
	}
	b.report.Report = b.End()
	if b.report.Err != nil {
		b.report.Failed = b.failed(batch)
	}
	return b.report
}

// failed returns the streams of a batch that failed transiently.
func (b *batchRun) failed(batch []follow.Delivery) (all []events.Stream) {
	for _, d := range batch {
		if b.Run.Failed(d.Stream) != nil {
			all = append(all, d.Stream)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (p *Projector) following() follow.Options {
	return follow.Options{Limit: p.limit, Attempts: p.opts.Attempts, Pause: routing.ConflictPause, Now: p.opts.Now}
}

// targets returns what a batch is posted to.
func (p *Projector) targets(ctx context.Context) (routing.Goal, error) {
	if p.routes != nil {
		return p.routes.Live(ctx)
	}
	return routing.Goal{Phases: [2][]*routing.TableView{1: p.views}}, nil
}

// project posts a batch to views, side by side. A stream that failed
// transiently waits, whole, for the next attempt.
func (b *batchRun) project(ctx context.Context, views []*routing.TableView) {
	streams := b.Open()
	var wg sync.WaitGroup
	for _, v := range views {
		wg.Go(func() {
			table, inserts := v.Table.(driver.Inserter)
			switch {
			case v.Keyed:
				follow.Consume(ctx, b.Run, &keyedRun{batchRun: b, v: v}, streams)
			case inserts && b.opts.Bulk:
				follow.Consume(ctx, b.Run, &bulkRun{&rowsRun{batchRun: b, v: v}, table}, streams)
			default:
				follow.Consume(ctx, b.Run, &rowsRun{batchRun: b, v: v}, streams)
			}
		})
	}
	wg.Wait()
}

// batchRun is the projection of one batch.
type batchRun struct {
	*Projector
	*follow.Run // nil for a redrive

	mu     sync.Mutex
	report Report
}

// written adds to the report.
func (b *batchRun) written(items int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.report.Written += items
}

// task is the work of a view on a stream.
func (b *batchRun) task(v *routing.TableView, s *follow.Stream) follow.Task {
	t := s.Task(v.About(), "view "+strconv.Quote(v.Name), nil)
	t.Known = s.First == 1 && !b.opts.Refill // likely new
	return t
}

// next is the state of a stream with the next commits applied, up to one that can't
// be. Any other fault is an error.
func (b *batchRun) next(ctx context.Context, v *routing.TableView, t *follow.Task, state jsontext.Value) (definition.FoldState, *follow.CommitError, error) {
	if stop := t.Stopped(); stop != nil {
		return definition.FoldState{Commit: t.Commit}, stop, nil
	}
	out, err := v.Fold(b.codec, state, t.Commit+1, t.Until(), func(n int64) (*events.Commit, error) { return t.At(ctx, n) })
	if events.Transient(err) {
		return out, nil, err
	}
	fault, _ := errors.AsType[*follow.CommitError](err)
	if fault != nil && fault.Number != out.Commit+1 {
		return out, nil, fault // what went wrong is not the next commit
	}
	return out, fault, nil
}
