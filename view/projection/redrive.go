package projection

import (
	"context"
	"errors"
	"slices"

	"daybook/events"
	"daybook/follow"
	"daybook/view/driver"
	"daybook/view/internal/definition"
	"daybook/view/internal/routing"
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
	if !v.Follows(stream) {
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
		errs = append(errs, p.RedriveView(ctx, v.Name, done))
	}
	return errors.Join(errs...)
}

// redrive redrives one stream in a view.
func (p *Projector) redrive(ctx context.Context, v *routing.TableView, stream events.Stream) (follow.RedriveResult, error) {
	b := &batchRun{Projector: p}
	if v.Keyed {
		k := &keyedRun{batchRun: b, v: v}
		return follow.Redrive(ctx, p.store, stream, k, k.lane, p.following())
	}
	r := &rowsRun{batchRun: b, v: v}
	return follow.Redrive(ctx, p.store, stream, r, r.lane, p.following())
}

// release ends the parking of a stream that was caught up: first in the items
// that say so, then the record. done is false when it has to be looked at again.
//
// The record was read before the item was found not parked, and the item before
// the stream was found to end: whoever parked the stream since then changed the
// record, and it stays.
func release(ctx context.Context, v *routing.TableView, p *position) (done bool, err error) {
	switch {
	case p.Parked:
		return false, unpark(ctx, v, p.Name, p.item)
	case p.record == nil:
		return true, nil
	}
	err = v.Table.Put(ctx, driver.Write{Item: driver.Item{Key: p.record.Key}, Delete: true}.Over(p.record))
	return err == nil, err
}

// unpark clears the mark of a stream without a commit to apply: it was parked
// for one that the store does not have.
func unpark(ctx context.Context, v *routing.TableView, stream events.Stream, item *driver.Item) error {
	w := driver.Write{Item: *item, Delete: item.Version == 0}.Over(item)
	w.Item.Parked = 0
	writes := []driver.Write{w}
	if v.Keyed && item.Parked == definition.ParkedCounted {
		names, err := v.Names(stream, item.Memo)
		if err != nil {
			return err
		}
		rows, err := v.GetRows(ctx, names)
		if err != nil {
			return err
		}
		for _, row := range slices.DeleteFunc(rows, func(row *driver.Item) bool { return !definition.IsParked(row) }) {
			next := *row
			next.Version++
			next.Parked--
			writes = append(writes, driver.Write{Item: next}.Over(row))
		}
	}
	if len(writes) == 1 {
		return v.Table.Put(ctx, w)
	}
	return v.Table.Transact(ctx, writes)
}

// Parked lists the parked streams of a view in the order of their names, up to
// limit (1 to 1,000) of those behind after; "" begins. A full page says that
// there may be more. A stream that was parked or redriven within the last moment
// may be missing or still there.
//
// Codes: unknown-view; malformed for a limit; and those of Table.
func (p *Projector) Parked(ctx context.Context, view string, after events.Stream, limit int) ([]follow.Fault, error) {
	v, err := p.view(view)
	if err != nil {
		return nil, err
	}
	if limit < 1 || limit > maxParked {
		return nil, events.Malformed("limit", "must be from 1 to 1,000")
	}
	return v.Parked(ctx, after, limit)
}

// maxParked bounds a page of parked streams.
const maxParked = 1000

func (p *Projector) view(name string) (*routing.TableView, error) {
	if p.routes != nil {
		return nil, events.Errorf(events.CodeInternal, "a routed projector works on several tables of a view: use one on tables of Pin")
	}
	for _, v := range p.views {
		if v.Name == name {
			return v, nil
		}
	}
	return nil, events.Errorf(events.CodeUnknownView, "there is no view of this name")
}
