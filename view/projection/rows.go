package projection

import (
	"context"

	"daybook/events"
	"daybook/follow"
	"daybook/view/driver"
	"daybook/view/internal/definition"
	"daybook/view/internal/routing"
)

// rowsRun is the projection of a batch into a view with a row for each stream. A
// stream whose first commit is in the batch is likely new: its row is written
// without a read, and read only if it is there.
type rowsRun struct {
	*batchRun
	v *routing.TableView
}

// position is what a view keeps of one stream.
type position struct {
	follow.Task
	item   *driver.Item // as stored; nil: none
	record *driver.Item // of a parked stream, for a redrive; nil: none
}

// Lanes implements follow.Consumer.
func (r *rowsRun) Lanes(s *follow.Stream) []*position {
	if !r.v.Follows(s.Name) {
		return nil
	}
	return []*position{r.lane(s)}
}

func (r *rowsRun) lane(s *follow.Stream) *position { return &position{Task: r.task(r.v, s)} }

// Load implements follow.Consumer.
func (r *rowsRun) Load(ctx context.Context, ps []*position) error { return load(ctx, r.v, ps) }

// load reads the items of streams. For a redrive it reads the record of the parked
// stream before: see release.
func load(ctx context.Context, v *routing.TableView, ps []*position) (err error) {
	keys := make([]string, len(ps))
	for i, p := range ps {
		keys[i] = v.ItemKeyOf(p.Name)
		if p.Redrive {
			if p.record, err = routing.GetItem(ctx, v.Table, definition.ParkedKey(p.Name)); err != nil {
				return err
			}
		}
	}
	items, err := routing.GetItems(ctx, v.Table, keys)
	if err != nil {
		return err
	}
	for i, p := range ps {
		p.setItem(items[i])
	}
	return nil
}

// setItem takes over the item that is stored.
func (p *position) setItem(item *driver.Item) {
	p.item, p.Commit, p.Parked = item, definition.LastCommit(item), definition.IsParked(item)
}

// parkedAfter is Parked of the item whose next commits were applied.
func (p *position) parkedAfter() int64 {
	if p.More && p.item != nil {
		return p.item.Parked
	}
	return 0
}

// Handle implements follow.Consumer.
func (r *rowsRun) Handle(ctx context.Context, p *position) error {
	next, fault, err := r.advance(ctx, p)
	switch {
	case err != nil:
		return err
	case fault != nil:
		err = r.park(ctx, p, next, fault)
	default:
		err = r.v.Table.Put(ctx, driver.Write{Item: next}.Over(p.item))
	}
	return r.stored(p, next, err)
}

// advance returns the item with the next commits applied, up to one that can't be.
func (r *rowsRun) advance(ctx context.Context, p *position) (next driver.Item, fault *follow.CommitError, err error) {
	out, fault, err := r.next(ctx, r.v, &p.Task, definition.RowState(p.item))
	if err != nil {
		return driver.Item{}, nil, err
	}
	next = storedOr(p.item, r.v.ItemKeyOf(p.Name))
	if out.Commit > p.Commit {
		if next, err = r.v.RowItem(p.Name, out); err != nil {
			return driver.Item{}, nil, err
		}
	}
	if fault == nil {
		next.Parked = p.parkedAfter()
	}
	return next, fault, nil
}

// stored takes over what advance returned and was written, unless that failed.
func (r *rowsRun) stored(p *position, next driver.Item, err error) error {
	if err != nil {
		p.Known = events.CodeOf(err) != events.CodeConflict
		return err
	}
	if next.Commit > p.Commit {
		r.written(1)
	}
	p.setItem(&next)
	return nil
}

// storedOr is the item as it is stored, or one that says nothing.
func storedOr(item *driver.Item, key string) driver.Item {
	if item == nil {
		return driver.Item{Key: key}
	}
	return *item
}

// park stores the item as parked, and the record of why.
func (r *rowsRun) park(ctx context.Context, p *position, next driver.Item, fault *follow.CommitError) error {
	f := p.Fault(fault)
	record, err := r.v.FaultRecord(ctx, &f)
	if err != nil {
		return err
	}
	next.Parked = definition.ParkedCounted
	if err := r.v.Table.Transact(ctx, []driver.Write{driver.Write{Item: next}.Over(p.item), record}); err != nil {
		return err
	}
	p.Park(f)
	return nil
}

// Record implements follow.Consumer.
func (r *rowsRun) Record(ctx context.Context, _ *position, f *follow.Fault) error {
	return r.v.RecordAlone(ctx, f)
}

// Release implements follow.Consumer.
func (r *rowsRun) Release(ctx context.Context, p *position) (bool, error) {
	return release(ctx, r.v, p)
}
