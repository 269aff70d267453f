package view

import (
	"cmp"
	"context"
	"encoding/json/jsontext"
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"daybook/events"
)

// Delivery is one record of a change stream: a hint that a commit was stored.
// Deliveries may come late, twice and in any order.
type Delivery struct {
	Stream   events.Stream
	Number   int64          // of the commit
	Commit   *events.Commit // as the record holds it; nil: it is read from the store
	Sequence string         // the record's sequence number, for Report.Retry
	Err      error          // why the record's commit could not be decoded; it is read from the store
}

// Report says what came of a batch.
type Report struct {
	// Retry holds the sequence numbers of the first delivery that failed for a
	// reason that may pass, and of all behind it; nil when none did.
	Retry []string
	// Err is the first of those reasons, for the log.
	Err error
	// Faults are the faults that do not pass; each parked its stream in its view.
	Faults []Fault
	// Mismatches are the tables that the batch did not go to, since they were
	// filled by another declaration: they lack its commits, and say so.
	Mismatches []Mismatch

	Written int           // items written: rows, and checkpoints of keyed views
	Skipped int           // deliveries that a view had applied before, counted by view
	Held    int           // deliveries that wait for a redrive, since a view parked their stream before, counted by view
	Gaps    int           // commits that a view read from the store to fill a gap
	Lag     time.Duration // from the acceptance of the oldest commit of the batch to the end of the projection
}

// Fault is a permanent fault: a view can't apply a commit of a stream. It parks
// the stream: the view holds its later commits back until it is redriven (see
// Projector.Redrive). Nothing else is held up.
type Fault struct {
	View    string
	Version int // of the view
	// Generation of the view's table, 1 unless the version was built again.
	Generation int
	Stream     events.Stream
	Commit     int64       // the number of the commit that can't be applied
	Code       events.Code // what kind of fault
	Text       string      // for operators; no data of events or rows
	Time       time.Time   // of the last attempt
	// Attempts counts how often the view tried the commit.
	Attempts int
	// Cause is the error itself, in the report of the run that met it alone: for
	// the stack of a panic.
	Cause error
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
	store History
	codec *events.Codec
	views []*projected // unless routed
	opts  ProjectorOptions
	slots chan struct{} // one for each stream being written

	routes *routes // nil unless routed
	probe  bool    // streams are likely in the table already
}

// projected is a view with one of its tables.
type projected struct {
	*def
	table      Table
	generation int // of the table
	first      int // version that the installation began with; 0 stands for 1
}

// row is the answer of an item that has a Row.
func (v *projected) row(item *Item) Row {
	row := v.def.row(item)
	row.Shape -= max(v.first, 1) - 1
	return row
}

// since returns the table with the version that its installation began with.
func (v *projected) since(first int) *projected {
	table := *v
	table.first = first
	return &table
}

// NewProjector returns a projector of the given views. An error says what is
// wrong with their declarations, all of it.
func NewProjector(store History, codec *events.Codec, tables Tables, views []View, opts *ProjectorOptions) (*Projector, error) {
	p := &Projector{store: store, codec: codec}
	if opts != nil {
		p.opts = *opts
	}
	p.opts.Concurrency = orDefault(p.opts.Concurrency, 16)
	p.opts.Attempts = orDefault(p.opts.Attempts, 8)
	if p.opts.Now == nil {
		p.opts.Now = time.Now
	}
	p.slots = make(chan struct{}, p.opts.Concurrency)
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

func openViews(codec *events.Codec, tables Tables, views []View) ([]*projected, error) {
	defs, err := checkViews(codec, views)
	if err != nil {
		return nil, err
	}
	all := make([]*projected, len(defs))
	for i, d := range defs {
		all[i] = &projected{def: d, table: tables.Table(d.name, d.version), generation: generationOf(tables, d.name)}
	}
	return all, nil
}

// Project posts a batch to all views. Every row is written at most once for the
// batch. A stream that fails holds up no other; see Report for what to do about
// it. Deliveries of streams that no view follows count as done.
func (p *Projector) Project(ctx context.Context, batch []Delivery) Report {
	b, streams := p.run(ctx, batch)
	return b.finish(batch, streams)
}

func (p *Projector) run(ctx context.Context, batch []Delivery) (*batchRun, []*streamBatch) {
	streams, stray := groupByStream(p.store, batch)
	b := &batchRun{Projector: p, failed: map[events.Stream]error{}}
	for _, d := range stray {
		b.report.Faults = append(b.report.Faults, Fault{
			Stream: d.Stream, Commit: d.Number, Code: events.CodeInternal, Time: p.opts.Now(), Attempts: 1,
			Text: "a record does not say which commit it is about",
		})
	}
	goal, err := p.targets(ctx)
	b.report.Mismatches = goal.mismatches
	for _, s := range streams {
		if err != nil {
			b.fail(s, err)
		}
	}
	for _, views := range goal.phases {
		b.project(ctx, views, streams)
	}
	return b, streams
}

// targets returns what a batch is posted to.
func (p *Projector) targets(ctx context.Context) (goal, error) {
	if p.routes != nil {
		return p.routes.live(ctx)
	}
	return goal{phases: [2][]*projected{1: p.views}}, nil
}

// project posts streams to views, side by side. A stream that has failed for a
// reason that may pass waits for the next attempt with the whole of it.
func (b *batchRun) project(ctx context.Context, views []*projected, streams []*streamBatch) {
	var left []*streamBatch
	for _, s := range streams {
		if b.failed[s.stream] == nil {
			left = append(left, s)
		}
	}
	var wg sync.WaitGroup
	for _, v := range views {
		var follows []*streamBatch
		for _, s := range left {
			if v.follows(s.stream) {
				follows = append(follows, s)
			}
		}
		if len(follows) == 0 {
			continue
		}
		wg.Go(func() {
			if v.kind == KindKeyed {
				b.projectKeyed(ctx, v, follows)
			} else {
				b.projectRows(ctx, v, follows)
			}
		})
	}
	wg.Wait()
}

// batchRun is the projection of one batch.
type batchRun struct {
	*Projector

	mu     sync.Mutex
	report Report
	failed map[events.Stream]error // for a reason that may pass
}

func (b *batchRun) finish(batch []Delivery, streams []*streamBatch) Report {
	r := b.report
	first := len(batch)
	for _, s := range streams {
		if err := b.failed[s.stream]; err != nil && s.index < first {
			first, r.Err = s.index, err
		}
	}
	for _, d := range batch[first:] {
		r.Retry = append(r.Retry, d.Sequence)
	}
	oldest := time.Time{}
	for _, d := range batch {
		if d.Commit != nil && (oldest.IsZero() || d.Commit.Time.Before(oldest)) {
			oldest = d.Commit.Time
		}
	}
	if !oldest.IsZero() {
		r.Lag = max(0, b.opts.Now().Sub(oldest))
	}
	// Not slices.SortFunc, of which a program has one for each type.
	sort.Slice(r.Faults, func(i, j int) bool {
		x, y := &r.Faults[i], &r.Faults[j]
		return cmp.Or(strings.Compare(x.View, y.View), strings.Compare(string(x.Stream), string(y.Stream))) < 0
	})
	return r
}

// count adds to the report.
func (b *batchRun) count(written, skipped, gaps int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.report.Written += written
	b.report.Skipped += skipped
	b.report.Gaps += gaps
}

// fail notes that the stream failed for a reason that may pass.
func (b *batchRun) fail(s *streamBatch, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failed[s.stream] == nil {
		b.failed[s.stream] = fmt.Errorf("stream %q: %w", s.stream, err)
	}
}

// fold applies the commits of a stream that a view lacks, up to number to, and
// counts those that were not in the batch.
func (b *batchRun) fold(ctx context.Context, v *projected, s *streamBatch, state jsontext.Value, applied, to int64) (folded, error) {
	gaps := int64(0)
	defer func() { b.count(0, 0, int(gaps)) }()
	furthest := applied
	return v.fold(b.codec, state, applied+1, to, func(n int64) (*events.Commit, error) {
		c, read, err := s.at(ctx, n, to)
		if read && err == nil && n > furthest {
			gaps++
		}
		furthest = max(furthest, n)
		return c, err
	})
}

// each calls f for every element, as many at a time as there are slots. A
// goroutine takes one element after the other: the stack that a request needs
// grows once, not with every element.
func each[T any](slots chan struct{}, all []T, f func(T)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(len(all), cap(slots)) {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(all)); i = next.Add(1) - 1 {
				slots <- struct{}{}
				f(all[i])
				<-slots
			}
		})
	}
	wg.Wait()
}

// pause waits before another attempt: a random time below 4 ms, doubled with
// each attempt up to 256 ms ("full jitter").
func pause(ctx context.Context, attempt int) error {
	limit := 4 * time.Millisecond << min(attempt, 6)
	select {
	case <-ctx.Done():
		return events.Wrap(events.CodeCanceled, ctx.Err(), "the request was given up")
	case <-time.After(rand.N(limit)):
		return nil
	}
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
func (v *projected) getRows(ctx context.Context, names []string) ([]*Item, error) {
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
