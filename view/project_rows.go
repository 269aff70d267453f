package view

import (
	"context"

	"daybook/events"
	"daybook/follow"
)

// rowsRun is the projection of a batch into a view with a row for each stream. A
// stream whose first commit is in the batch is likely new: its row is written
// without a read, and read only if it is there.
type rowsRun struct {
	*batchRun
	v *tableView
}

// position is what a view keeps of one stream.
type position struct {
	follow.Task
	item   *Item // as stored; nil: none
	record *Item // of a parked stream, for a redrive; nil: none
}

// Lanes implements follow.Consumer.
func (r *rowsRun) Lanes(s *follow.Stream) []*position {
	if !r.v.follows(s.Name) {
		return nil
	}
	return []*position{r.lane(s)}
}

func (r *rowsRun) lane(s *follow.Stream) *position { return &position{Task: r.task(r.v, s)} }

// Load implements follow.Consumer.
func (r *rowsRun) Load(ctx context.Context, ps []*position) error { return r.v.load(ctx, ps) }

// load reads the items of streams. For a redrive it reads the record of the parked
// stream before: see release.
func (v *tableView) load(ctx context.Context, ps []*position) (err error) {
	keys := make([]string, len(ps))
	for i, p := range ps {
		keys[i] = v.itemKeyOf(p.Name)
		if p.Redrive {
			if p.record, err = getItem(ctx, v.table, parkedKey(p.Name)); err != nil {
				return err
			}
		}
	}
	items, err := getItems(ctx, v.table, keys)
	if err != nil {
		return err
	}
	for i, p := range ps {
		p.setItem(items[i])
	}
	return nil
}

// setItem takes over the item that is stored.
func (p *position) setItem(item *Item) {
	p.item, p.Commit, p.Parked = item, lastCommit(item), isParked(item)
}

// lastCommit is the number of the last commit in the item.
func lastCommit(item *Item) int64 {
	if item == nil {
		return 0
	}
	return item.Commit
}

func version(item *Item) int64 {
	if item == nil {
		return 0
	}
	return item.Version
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
	out, fault, err := r.next(ctx, r.v, &p.Task, rowState(p.item))
	if err != nil {
		return err
	}
	next := unchanged(p.item, ItemKey(p.Name.ID()))
	if out.commit > p.Commit {
		if next, err = r.v.rowItem(p.Name, out); err != nil {
			return err
		}
	}
	if fault != nil {
		err = r.park(ctx, p, next, fault)
	} else {
		next.Parked = p.parkedAfter()
		err = r.v.table.Put(ctx, Write{Item: next}.over(p.item))
	}
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

// unchanged is the item as it is stored, or one that says nothing.
func unchanged(item *Item, key string) Item {
	if item == nil {
		return Item{Key: key}
	}
	return *item
}

// park stores the item as parked, and the record of why.
func (r *rowsRun) park(ctx context.Context, p *position, next Item, fault *follow.CommitError) error {
	f := p.Fault(fault)
	record, err := r.v.record(ctx, &f)
	if err != nil {
		return err
	}
	next.Parked = parkedCounted
	if err := r.v.table.Transact(ctx, []Write{Write{Item: next}.over(p.item), record}); err != nil {
		return err
	}
	p.Park(f)
	return nil
}

// Record implements follow.Consumer.
func (r *rowsRun) Record(ctx context.Context, _ *position, f *follow.Fault) error {
	return r.v.recordAlone(ctx, f)
}

// Release implements follow.Consumer.
func (r *rowsRun) Release(ctx context.Context, p *position) (bool, error) { return r.v.release(ctx, p) }
