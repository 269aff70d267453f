package view

import (
	"context"
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"daybook/events"
	"daybook/follow"
	"daybook/parallel"
)

// Report is the outcome of a batch.
type Report struct {
	follow.Report
	// Mismatches are the tables that the batch did not go to, since they were
	// filled by another declaration: they lack its commits, and say so.
	Mismatches []Mismatch

	Written int // items written: rows, and checkpoints of keyed views
}

// ProjectorOptions changes how a Projector works. The zero value is the default.
type ProjectorOptions struct {
	// Concurrency bounds the streams that are written at the same time, over
	// all views; default 16.
	Concurrency int
	// Attempts bounds how often a write that lost against another projector is
	// tried in all; default 8.
	Attempts int
	// Routed posts to every table that the control record lists, in place of
	// the newest version's alone: tables must be RoutedTables. The record is
	// read for each batch. Parked streams are listed and redriven by projectors
	// on one table of each view: see Pin.
	Routed bool
	// Now is the clock for faults and lag; default time.Now.
	Now func() time.Time
}

// Projector posts commits to views. It is safe for concurrent use, and any
// number of projectors may work on the same tables.
type Projector struct {
	store follow.History
	codec *events.Codec
	views []*tableView // unless routed
	opts  ProjectorOptions
	limit parallel.Limit // of the streams being written

	routes *routes // nil unless routed
	probe  bool    // streams are likely in the table already
}

// tableView is a view with one of its tables.
type tableView struct {
	*def
	table      Table
	generation int // of the table
	first      int // version that the installation began with; 0 stands for 1
}

// row is the answer of an item that has a Row.
func (v *tableView) row(item *Item) Row {
	row := v.def.row(item)
	row.Shape -= max(v.first, 1) - 1
	return row
}

// since returns the table with the version that its installation began with.
func (v *tableView) since(first int) *tableView {
	table := *v
	table.first = first
	return &table
}

// NewProjector returns a projector of the given views. An error says what is
// wrong with their declarations, all of it.
func NewProjector(store follow.History, codec *events.Codec, tables Tables, views []View, opts *ProjectorOptions) (*Projector, error) {
	p := &Projector{store: store, codec: codec}
	if opts != nil {
		p.opts = *opts
	}
	p.opts.Concurrency = orDefault(p.opts.Concurrency, 16)
	p.opts.Attempts = orDefault(p.opts.Attempts, 8)
	if p.opts.Now == nil {
		p.opts.Now = time.Now
	}
	p.limit = parallel.New(p.opts.Concurrency)
	var err error
	if p.opts.Routed {
		p.routes, err = newRoutes(codec, tables, views, p.opts.Now)
	} else {
		p.views, err = openViews(codec, tables, views)
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

// orDefault returns n, or the default when n was not set.
func orDefault[N int | time.Duration](n, standard N) N {
	if n <= 0 {
		return standard
	}
	return n
}

func openViews(codec *events.Codec, tables Tables, views []View) ([]*tableView, error) {
	defs, err := checkViews(codec, views)
	if err != nil {
		return nil, err
	}
	all := make([]*tableView, len(defs))
	for i, d := range defs {
		all[i] = &tableView{def: d, table: tables.Table(d.name, d.version), generation: generationOf(tables, d.name)}
	}
	return all, nil
}

// Project posts a batch to all views. Every row is written at most once for the
// batch. A stream that fails holds up no other; see Report for what to do about
// it. Deliveries of streams that no view follows count as done.
func (p *Projector) Project(ctx context.Context, batch []follow.Delivery) Report {
	return p.run(ctx, batch).end()
}

// end returns the report.
func (b *batchRun) end() Report {
	b.report.Report = b.Run.End()
	return b.report
}

func (p *Projector) run(ctx context.Context, batch []follow.Delivery) *batchRun {
	b := &batchRun{Projector: p, Run: follow.Begin(p.store, batch, p.following())}
	goal, err := p.targets(ctx)
	b.report.Mismatches = goal.mismatches
	if err != nil {
		b.Fail(b.Open(), err)
	}
	for _, views := range goal.phases {
		b.project(ctx, views)
	}
	return b
}

func (p *Projector) following() follow.Options {
	return follow.Options{Limit: p.limit, Attempts: p.opts.Attempts, Pause: conflictPause, Now: p.opts.Now}
}

// conflictPause is the first wait of a writer that lost against another.
const conflictPause = 8 * time.Millisecond

// targets returns what a batch is posted to.
func (p *Projector) targets(ctx context.Context) (goal, error) {
	if p.routes != nil {
		return p.routes.live(ctx)
	}
	return goal{phases: [2][]*tableView{1: p.views}}, nil
}

// project posts a batch to views, side by side. A stream that failed
// transiently waits, whole, for the next attempt.
func (b *batchRun) project(ctx context.Context, views []*tableView) {
	streams := b.Open()
	var wg sync.WaitGroup
	for _, v := range views {
		wg.Go(func() {
			if v.kind == KindKeyed {
				follow.Consume(ctx, b.Run, &keyedRun{batchRun: b, v: v}, streams)
			} else {
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
func (b *batchRun) task(v *tableView, s *follow.Stream) follow.Task {
	t := s.Task(v.about(), fmt.Sprintf("view %q", v.name), nil)
	t.Known = s.First == 1 && !b.probe // likely new
	return t
}

// about is what a fault says of the view.
func (v *tableView) about() follow.Fault {
	return follow.Fault{Consumer: v.name, Version: v.version, Generation: v.generation}
}

// next is the state of a stream with the next commits applied, up to one that can't
// be. Any other fault is an error.
func (b *batchRun) next(ctx context.Context, v *tableView, t *follow.Task, state jsontext.Value) (foldedState, *follow.CommitError, error) {
	if stop := t.Stopped(); stop != nil {
		return foldedState{commit: t.Commit}, stop, nil
	}
	out, err := v.fold(b.codec, state, t.Commit+1, t.Until(), func(n int64) (*events.Commit, error) { return t.At(ctx, n) })
	if events.Transient(err) {
		return out, nil, err
	}
	fault, _ := errors.AsType[*follow.CommitError](err)
	if fault != nil && fault.Number != out.commit+1 {
		return out, nil, fault // what went wrong is not the next commit
	}
	return out, fault, nil
}

// getItems returns the items of any number of different keys, in their order.
func getItems(ctx context.Context, t Table, keys []string) ([]*Item, error) {
	var all []*Item
	for chunk := range slices.Chunk(keys, maxGet) {
		items, err := t.Get(ctx, chunk)
		if err != nil {
			return nil, err
		}
		all = append(all, items...)
	}
	return all, nil
}

// getRows returns the items of keyed rows, or parts of them, by their names.
func (v *tableView) getRows(ctx context.Context, names []string) ([]*Item, error) {
	keys := make([]string, len(names))
	for i, name := range names {
		keys[i] = v.itemOf(name)
	}
	return getItems(ctx, v.table, keys)
}

// getItem returns the item of a key, nil when there is none.
func getItem(ctx context.Context, t Table, key string) (*Item, error) {
	items, err := t.Get(ctx, []string{key})
	if err != nil {
		return nil, err
	}
	return items[0], nil
}

// maxGet and maxTransact are the limits of Table.
const (
	maxGet      = 100
	maxTransact = 100
)
