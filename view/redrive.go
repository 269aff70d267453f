package view

import (
	"context"
	"errors"
	"slices"
	"sync"

	"daybook/events"
)

// Redriven is what came of redriving one stream in one view.
type Redriven struct {
	View   string
	Stream events.Stream
	Commit int64  // the last commit that the view has applied
	Fault  *Fault // why the stream is parked again; nil: it is not
}

// Redrive catches a parked stream up in a view: it applies the commits that were
// held back, in order, from the events table, and lets later ones flow again. A
// commit that still can't be applied parks the stream again, with one more
// attempt. A stream that is not parked is caught up too.
//
// It may run beside projectors and other redrives, and again after it was broken
// off: every commit takes effect once. Memory does not grow with the stream.
//
// Codes: unknown-view; not-found for a stream that does not feed the view; and
// those of Table and events.Store that may pass.
func (p *Projector) Redrive(ctx context.Context, view string, stream events.Stream) (Redriven, error) {
	v, err := p.view(view)
	if err != nil {
		return Redriven{}, err
	}
	if !v.follows(stream) {
		return Redriven{}, events.Errorf(events.CodeNotFound, "the view does not follow the stream")
	}
	return p.redrive(ctx, v, stream)
}

// RedriveView redrives the parked streams of a view, several at a time, and
// calls done with what came of each, one call at a time; nil for none. It goes
// on over streams whose redrive fails, and returns their errors joined.
func (p *Projector) RedriveView(ctx context.Context, view string, done func(Redriven)) error {
	v, err := p.view(view)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	var errs []error
	slots := make(chan struct{}, cap(p.slots)) // its own: the projection within needs the others
	after := events.Stream("")
	for {
		page, err := p.Parked(ctx, view, after, readPage)
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
		each(slots, page, func(f Fault) {
			r, err := p.redrive(ctx, v, f.Stream)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				errs = append(errs, err)
			} else if done != nil {
				done(r)
			}
		})
		if len(page) < readPage {
			return errors.Join(errs...)
		}
		after = page[len(page)-1].Stream
	}
}

// RedriveAll redrives the parked streams of all views: see RedriveView.
func (p *Projector) RedriveAll(ctx context.Context, done func(Redriven)) error {
	if p.routes != nil {
		_, err := p.view("")
		return err
	}
	var errs []error
	for _, v := range p.views {
		errs = append(errs, p.RedriveView(ctx, v.name, done))
	}
	return errors.Join(errs...)
}

// redrive applies pages of commits until the stream has no more. The item stays
// parked until a page is the last, so that a redrive which is broken off leaves
// the stream parked. After that the stream is read once more: what was held back
// in between is applied too. Whatever comes later finds the item as it is.
func (p *Projector) redrive(ctx context.Context, v *projected, stream events.Stream) (Redriven, error) {
	for conflicts := 0; ; {
		record, err := getItem(ctx, v.table, parkedKey(stream)) // before the item: see release
		if err != nil {
			return Redriven{}, err
		}
		item, err := getItem(ctx, v.table, v.itemKeyOf(stream))
		if err != nil {
			return Redriven{}, err
		}
		s, last, err := p.nextPage(ctx, stream, applied(item)+1)
		if err != nil {
			return Redriven{}, err
		}
		if s == nil {
			done, err := v.release(ctx, stream, record, item)
			if events.CodeOf(err) == events.CodeConflict {
				if conflicts++; conflicts < p.opts.Attempts && pause(ctx, conflicts) == nil {
					continue // another was quicker: look again
				}
			}
			if done || err != nil {
				return Redriven{View: v.name, Stream: stream, Commit: applied(item)}, err
			}
			continue
		}
		fault, err := p.redrivePage(ctx, v, s, item, pace{redrive: true, stay: !last})
		if fault != nil || err != nil {
			return Redriven{View: v.name, Stream: stream, Commit: fault.before(), Fault: fault}, err
		}
	}
}

// before is the number of the last commit that was applied.
func (f *Fault) before() int64 {
	if f == nil {
		return 0
	}
	return f.Commit - 1
}

// itemKeyOf is the key of a stream's own item.
func (d *def) itemKeyOf(stream events.Stream) string {
	if d.kind == KindKeyed {
		return checkpointKey(stream)
	}
	return ItemKey(stream.ID())
}

// nextPage reads the next commits of a stream; nil when there are none. last
// says that the stream ended behind them. Of commits that can't be read it is
// the first alone, for the projection to stop at.
func (p *Projector) nextPage(ctx context.Context, stream events.Stream, from int64) (s *streamBatch, last bool, err error) {
	s = &streamBatch{source: source{store: p.store, stream: stream}, first: from, last: from}
	page, err := p.store.Read(ctx, stream, from, readPage)
	switch {
	case events.Transient(err):
		return nil, false, err
	case err != nil:
		return s, false, nil
	case len(page) == 0:
		return nil, true, nil
	}
	s.given = make(map[int64]*events.Commit, len(page))
	for i := range page {
		s.given[page[i].Number] = &page[i]
	}
	s.last = from + int64(len(page)) - 1
	return s, len(page) < readPage, nil
}

// redrivePage projects one page. It returns the fault that parks the stream
// again, if there is one.
func (p *Projector) redrivePage(ctx context.Context, v *projected, s *streamBatch, item *Item, at pace) (*Fault, error) {
	b := &batchRun{Projector: p, failed: map[events.Stream]error{}}
	if v.kind == KindKeyed {
		run := &keyedRun{batchRun: b, v: v}
		run.project(ctx, []*unit{{s: s, item: item, known: true, pace: at}})
	} else {
		run := &rowRun{batchRun: b, v: v, s: s, item: item, known: true, pace: at}
		run.run(ctx)
	}
	if err := b.failed[s.stream]; err != nil {
		return nil, err
	}
	if len(b.report.Faults) > 0 {
		return &b.report.Faults[0], nil
	}
	return nil, nil
}

// release ends the parking of a stream that was caught up: first in the items
// that say so, then the record. done is false when it has to be looked at again.
//
// The record was read before the item was found not parked, and the item before
// the stream was found to end: whoever parked the stream since then changed the
// record, and it stays.
func (v *projected) release(ctx context.Context, stream events.Stream, record, item *Item) (done bool, err error) {
	switch {
	case isParked(item):
		return false, v.unpark(ctx, stream, item)
	case record == nil:
		return true, nil
	}
	err = v.table.Put(ctx, Write{Item: Item{Key: record.Key}, Delete: true}.over(record))
	return err == nil, err
}

// unpark clears the mark of a stream without a commit to apply: it was parked
// for one that the store does not have.
func (v *projected) unpark(ctx context.Context, stream events.Stream, item *Item) error {
	w := Write{Item: *item, Delete: item.Version == 0}.over(item)
	w.Item.Parked = 0
	writes := []Write{w}
	if v.kind == KindKeyed && item.Parked == parkedCounted {
		names, err := v.names(stream, item.Memo)
		if err != nil {
			return err
		}
		rows, err := v.getRows(ctx, names)
		if err != nil {
			return err
		}
		for _, row := range slices.DeleteFunc(rows, func(row *Item) bool { return !isParked(row) }) {
			next := *row
			next.Version++
			next.Parked--
			writes = append(writes, Write{Item: next}.over(row))
		}
	}
	if len(writes) == 1 {
		return v.table.Put(ctx, w)
	}
	return v.table.Transact(ctx, writes)
}
