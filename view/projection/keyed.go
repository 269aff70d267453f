package projection

import (
	"context"
	"maps"
	"slices"

	"daybook/events"
	"daybook/follow"
	"daybook/view/driver"
	"daybook/view/internal/definition"
	"daybook/view/internal/routing"
)

// keyedRun is the projection of a batch into a view whose rows many streams feed.
// The row changes of a stream and its checkpoint are one transaction; streams share
// transactions, in which each row is written once.
type keyedRun struct {
	*batchRun
	v *routing.TableView
}

// unit is the projection of one stream: its item is the checkpoint.
type unit struct {
	position
	bare bool  // is parked without a word to the rows it contributes to
	err  error // what kept it from being stored

	next    driver.Item // checkpoint to store
	changes map[definition.Name]*definition.Change
	fault   *follow.CommitError // what the stream is parked at behind next; nil: nothing
}

// Lanes implements follow.Consumer.
func (k *keyedRun) Lanes(s *follow.Stream) []*unit {
	if !k.v.Follows(s.Name) {
		return nil
	}
	return []*unit{k.lane(s)}
}

func (k *keyedRun) lane(s *follow.Stream) *unit {
	return &unit{position: position{Task: k.task(k.v, s)}}
}

// Load implements follow.Consumer.
func (k *keyedRun) Load(ctx context.Context, units []*unit) error {
	ps := make([]*position, len(units))
	for i, u := range units {
		ps[i] = &u.position
	}
	return load(ctx, k.v, ps)
}

// Record implements follow.Consumer.
func (k *keyedRun) Record(ctx context.Context, _ *unit, f *follow.Fault) error {
	return k.v.RecordAlone(ctx, f)
}

// Release implements follow.Consumer.
func (k *keyedRun) Release(ctx context.Context, u *unit) (bool, error) {
	return release(ctx, k.v, &u.position)
}

// Handle implements follow.Consumer.
func (k *keyedRun) Handle(ctx context.Context, u *unit) error {
	return k.HandleAll(ctx, []*unit{u})[0]
}

// HandleAll implements follow.Grouper.
func (k *keyedRun) HandleAll(ctx context.Context, units []*unit) []error {
	k.limit.Each(len(units), func(i int) { units[i].err = k.plan(ctx, units[i]) })
	var group []*unit
	rows := map[definition.Name]bool{}
	for _, u := range units {
		if u.err != nil {
			continue
		}
		if len(u.changes) == 0 || u.fault != nil {
			k.commit(ctx, []*unit{u}) // a checkpoint alone needs no transaction; parking has its own
			continue
		}
		added := 0
		for name := range u.changes {
			if !rows[name] {
				added++
			}
		}
		if len(group)+1+len(rows)+added > driver.MaxTransact {
			k.commit(ctx, group)
			group, rows = nil, map[definition.Name]bool{}
		}
		group = append(group, u)
		for name := range u.changes {
			rows[name] = true
		}
	}
	if len(group) > 0 {
		k.commit(ctx, group)
	}
	errs := make([]error, len(units))
	for i, u := range units {
		errs[i] = u.err
	}
	return errs
}

// plan folds the next commits of a unit, up to one that can't be applied.
func (k *keyedRun) plan(ctx context.Context, u *unit) error {
	next := storedOr(u.item, definition.CheckpointKey(u.Name))
	out, fault, err := k.next(ctx, k.v, &u.Task, definition.MemoOf(u.item))
	if err != nil {
		return err
	}
	if out.Commit > u.Commit {
		next = definition.Checkpoint(u.Name, out)
	}
	switch {
	case fault == nil:
		next.Parked = u.parkedAfter()
	case u.bare:
		next.Parked = definition.ParkedUncounted
		if u.Parked {
			next.Parked = u.item.Parked
		}
	default:
		next.Parked = definition.ParkedCounted
	}
	changes, err := k.v.ChangesOf(u.Name, u.item, &next)
	if err != nil {
		return err
	}
	u.next, u.changes, u.fault = next, changes, fault
	return nil
}

// commit stores a group of units in one transaction, and does what its outcome
// asks for.
func (k *keyedRun) commit(ctx context.Context, group []*unit) {
	o := k.try(ctx, group)
	switch {
	case o.err == nil:
		k.written(o.written)
		for _, u := range o.left {
			stored := u.next
			u.setItem(&stored)
			if u.fault != nil {
				u.Park(*o.parked)
			}
		}
	case events.Transient(o.err) || ctx.Err() != nil:
		for _, u := range o.left {
			u.err, u.Known = o.err, events.CodeOf(o.err) != events.CodeConflict
		}
	case len(o.left) > 1:
		for _, u := range o.left { // to find whose fault it is
			k.commit(ctx, []*unit{u})
		}
	default:
		for _, u := range o.left {
			k.refuse(ctx, u, o.err)
		}
	}
	for u, err := range o.refused {
		k.refuse(ctx, u, err)
	}
}

// refuse goes on with a unit that can't be stored, for a reason that does not
// pass. The last thing to try is to park it bare.
func (k *keyedRun) refuse(ctx context.Context, u *unit, err error) {
	if u.err = err; u.fault == nil || u.bare {
		return
	}
	u.bare = true
	if u.err = k.plan(ctx, u); u.err == nil {
		k.commit(ctx, []*unit{u})
	}
}

// outcome is the result of writing some units in one transaction.
type outcome struct {
	left    []*unit         // that were in it
	refused map[*unit]error // whose change of a row fails
	parked  *follow.Fault   // of the one unit that stops at a fault
	written int
	err     error
}

// try writes the group's checkpoints and rows, and the record of a unit that is
// parked: such a unit is alone.
func (k *keyedRun) try(ctx context.Context, group []*unit) outcome {
	o := outcome{left: group, refused: map[*unit]error{}}
	rows, err := k.rows(ctx, group)
	if err != nil {
		o.err = err
		return o
	}
	before := maps.Clone(rows)
	var writes []driver.Write
	o.left = nil
	for _, u := range group {
		changed, err := k.v.Changed(rows, u.changes)
		if err != nil {
			o.refused[u] = err
			continue
		}
		maps.Copy(rows, changed)
		o.left = append(o.left, u)
		writes = append(writes, driver.Write{Item: u.next}.Over(u.item))
		if u.fault != nil {
			f := u.Fault(u.fault)
			record, err := k.v.FaultRecord(ctx, &f)
			if err != nil {
				o.err = err
				return o
			}
			o.parked, writes = &f, append(writes, record)
		}
	}
	for _, name := range slices.SortedFunc(maps.Keys(rows), definition.Name.Compare) {
		item, changed, err := k.v.KeyedChange(name, before[name], rows[name])
		if err != nil {
			o.err = err
			return o
		}
		if changed {
			writes = append(writes, driver.Write{Item: item}.Over(rows[name].Item))
		}
	}
	o.written, o.err = len(writes), k.write(ctx, writes)
	return o
}

func (k *keyedRun) write(ctx context.Context, writes []driver.Write) error {
	switch len(writes) {
	case 0:
		return nil
	case 1:
		return k.v.Table.Put(ctx, writes[0])
	}
	return k.v.Table.Transact(ctx, writes)
}

// rows reads the rows that a group changes.
func (k *keyedRun) rows(ctx context.Context, group []*unit) (map[definition.Name]definition.KeyedRow, error) {
	rows := map[definition.Name]definition.KeyedRow{}
	for _, u := range group {
		for name := range u.changes {
			rows[name] = definition.KeyedRow{}
		}
	}
	names := slices.SortedFunc(maps.Keys(rows), definition.Name.Compare)
	items, err := k.v.GetRows(ctx, names)
	if err != nil {
		return nil, err
	}
	for i, name := range names {
		if rows[name], err = definition.ReadKeyed(items[i]); err != nil {
			return nil, err
		}
	}
	return rows, nil
}
