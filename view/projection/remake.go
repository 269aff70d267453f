package projection

import (
	"context"

	"daybook/events"
	"daybook/follow"
	"daybook/view/driver"
	"daybook/view/internal/definition"
	"daybook/view/internal/routing"
)

// remakeAttempts bounds how often a stream's item is made again while projectors
// write it too.
const remakeAttempts = 8

// Remake makes what a view holds of one stream again from all its events, up to the
// commit that the view has applied: after its personal values were erased, copies of them
// are gone from the row, or from the rows that the stream contributes to. It reports
// whether anything was written. It may run beside projectors and again.
//
// In a keyed view the stream's old contribution is taken out of its rows with what can
// still be read of its memory: rows whose Take needs erased values come out wrong, and
// the view must be rebuilt.
//
// Codes: unknown-view; not-found for a stream that does not feed the view; internal for
// commits that the view can't apply; busy when projectors were always first; and the
// transient ones of Table and events.Store.
func (p *Projector) Remake(ctx context.Context, view string, stream events.Stream) (written bool, err error) {
	v, err := p.view(view)
	if err != nil {
		return false, err
	}
	if !v.Follows(stream) {
		return false, events.Errorf(events.CodeNotFound, "the view does not follow the stream")
	}
	for range remakeAttempts {
		item, err := routing.GetItem(ctx, v.Table, v.ItemKeyOf(stream))
		if err != nil || item == nil || item.Commit == 0 {
			return written, err
		}
		next, err := p.remade(ctx, v, stream, item)
		if err != nil || v.Same(item, &next) {
			return written, err
		}
		switch err := p.replace(ctx, v, stream, item, next); {
		case err == nil:
			written = true // and look again: a projector may have folded from the old item
		case events.CodeOf(err) != events.CodeConflict:
			return written, err
		}
	}
	return written, events.Errorf(events.CodeBusy, "projectors changed the row in each of %d attempts: try again later", remakeAttempts)
}

// remade is the item of a stream folded from its first commit.
func (p *Projector) remade(ctx context.Context, v *routing.TableView, stream events.Stream, item *driver.Item) (driver.Item, error) {
	t := follow.NewStream(p.store, stream, nil).Task(v.About(), v.Name, nil)
	t.Last = item.Commit
	out, err := v.Fold(p.codec, nil, 1, t.Last, func(n int64) (*events.Commit, error) { return t.At(ctx, n) })
	if err != nil {
		return driver.Item{}, err
	}
	next := definition.Checkpoint(stream, out)
	if !v.Keyed {
		if next, err = v.RowItem(stream, out); err != nil {
			return driver.Item{}, err
		}
	}
	next.Parked = item.Parked
	return next, nil
}

// replace puts an item in place of another, with the rows that it contributes to.
func (p *Projector) replace(ctx context.Context, v *routing.TableView, stream events.Stream, item *driver.Item, next driver.Item) error {
	if !v.Keyed {
		return v.Table.Put(ctx, driver.Write{Item: next}.Over(item))
	}
	changes, err := v.ChangesOf(stream, item, &next)
	if err != nil {
		return err
	}
	k := &keyedRun{batchRun: &batchRun{Projector: p}, v: v}
	u := &unit{position: position{Task: follow.Task{}, item: item}, next: next, changes: changes}
	o := k.try(ctx, []*unit{u})
	if refused := o.refused[u]; refused != nil {
		return refused
	}
	return o.err
}
