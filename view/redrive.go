package view

import (
	"context"
	"errors"
	"slices"

	"daybook/events"
	"daybook/follow"
)

// Redrive catches a parked stream up in a view: it applies the commits that were
// held back, in order, from the events table, and lets later ones flow again. A
// commit that still can't be applied parks the stream again, with one more
// attempt. A stream that is not parked is caught up too.
//
// It may run beside projectors and other redrives, and again after it was broken
// off: every commit takes effect once. Memory does not grow with the stream.
//
// Codes: unknown-view; not-found for a stream that does not feed the view; and
// the transient ones of Table and events.Store.
func (p *Projector) Redrive(ctx context.Context, view string, stream events.Stream) (follow.RedriveResult, error) {
	v, err := p.view(view)
	if err != nil {
		return follow.RedriveResult{}, err
	}
	if !v.follows(stream) {
		return follow.RedriveResult{}, events.Errorf(events.CodeNotFound, "the view does not follow the stream")
	}
	return p.redrive(ctx, v, stream)
}

// RedriveView redrives the parked streams of a view, several at a time, and
// calls done with the result of each, one call at a time; nil for none. It goes
// on over streams whose redrive fails, and returns their errors joined.
func (p *Projector) RedriveView(ctx context.Context, view string, done func(follow.RedriveResult)) error {
	v, err := p.view(view)
	if err != nil {
		return err
	}
	return follow.RedriveParked(ctx, p.opts.Concurrency,
		func(after events.Stream, limit int) ([]follow.Fault, error) { return p.Parked(ctx, view, after, limit) },
		func(stream events.Stream) (follow.RedriveResult, error) { return p.redrive(ctx, v, stream) }, done)
}

// RedriveAll redrives the parked streams of all views: see RedriveView.
func (p *Projector) RedriveAll(ctx context.Context, done func(follow.RedriveResult)) error {
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

// redrive redrives one stream in a view.
func (p *Projector) redrive(ctx context.Context, v *tableView, stream events.Stream) (follow.RedriveResult, error) {
	b := &batchRun{Projector: p}
	if v.kind == KindKeyed {
		k := &keyedRun{batchRun: b, v: v}
		return follow.Redrive(ctx, p.store, stream, k, k.lane, p.following())
	}
	r := &rowsRun{batchRun: b, v: v}
	return follow.Redrive(ctx, p.store, stream, r, r.lane, p.following())
}

// itemKeyOf is the key of a stream's own item.
func (d *def) itemKeyOf(stream events.Stream) string {
	if d.kind == KindKeyed {
		return checkpointKey(stream)
	}
	return ItemKey(stream.ID())
}

// release ends the parking of a stream that was caught up: first in the items
// that say so, then the record. done is false when it has to be looked at again.
//
// The record was read before the item was found not parked, and the item before
// the stream was found to end: whoever parked the stream since then changed the
// record, and it stays.
func (v *tableView) release(ctx context.Context, p *position) (done bool, err error) {
	switch {
	case p.Parked:
		return false, v.unpark(ctx, p.Name, p.item)
	case p.record == nil:
		return true, nil
	}
	err = v.table.Put(ctx, Write{Item: Item{Key: p.record.Key}, Delete: true}.over(p.record))
	return err == nil, err
}

// unpark clears the mark of a stream without a commit to apply: it was parked
// for one that the store does not have.
func (v *tableView) unpark(ctx context.Context, stream events.Stream, item *Item) error {
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
