package view

import (
	"bytes"
	"context"
	"encoding/json/jsontext"
	"maps"
	"slices"

	"daybook/events"
	"daybook/follow"
)

// keyedRun is the projection of a batch into a view whose rows many streams feed.
// The row changes of a stream and its checkpoint are one transaction; streams share
// transactions, in which each row is written once.
type keyedRun struct {
	*batchRun
	v *tableView
}

// unit is the projection of one stream: its item is the checkpoint.
type unit struct {
	position
	bare bool  // is parked without a word to the rows it contributes to
	err  error // what kept it from being stored

	next    Item                // checkpoint to store
	changes map[string]*change  // by the row's name
	fault   *follow.CommitError // what the stream is parked at behind next; nil: nothing
}

// Lanes implements follow.Consumer.
func (k *keyedRun) Lanes(s *follow.Stream) []*unit {
	if !k.v.follows(s.Name) {
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
	return k.v.load(ctx, ps)
}

// Record implements follow.Consumer.
func (k *keyedRun) Record(ctx context.Context, _ *unit, f *follow.Fault) error {
	return k.v.recordAlone(ctx, f)
}

// Release implements follow.Consumer.
func (k *keyedRun) Release(ctx context.Context, u *unit) (bool, error) {
	return k.v.release(ctx, &u.position)
}

// Handle implements follow.Consumer.
func (k *keyedRun) Handle(ctx context.Context, u *unit) error {
	return k.HandleAll(ctx, []*unit{u})[0]
}

// change is what one stream changes in one row.
type change struct {
	parts  []part
	parked int64 // to the number of parked streams that contribute
}

// HandleAll implements follow.Grouper.
func (k *keyedRun) HandleAll(ctx context.Context, units []*unit) []error {
	k.limit.Each(len(units), func(i int) { units[i].err = k.plan(ctx, units[i]) })
	var group []*unit
	rows := map[string]bool{}
	for _, u := range units {
		if u.err != nil {
			continue
		}
		if len(u.changes) == 0 || u.fault != nil {
			k.commit(ctx, []*unit{u}) // a checkpoint alone needs no transaction; parking has its own
			continue
		}
		added := 0
		for key := range u.changes {
			if !rows[key] {
				added++
			}
		}
		if len(group)+1+len(rows)+added > maxTransact {
			k.commit(ctx, group)
			group, rows = nil, map[string]bool{}
		}
		group = append(group, u)
		for key := range u.changes {
			rows[key] = true
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
	next := unchanged(u.item, checkpointKey(u.Name))
	out, fault, err := k.next(ctx, k.v, &u.Task, memoOf(u.item))
	if err != nil {
		return err
	}
	if out.commit > u.Commit {
		next = checkpoint(u.Name, out)
	}
	switch {
	case fault == nil:
		next.Parked = u.parkedAfter()
	case u.bare:
		next.Parked = parkedUncounted
		if u.Parked {
			next.Parked = u.item.Parked
		}
	default:
		next.Parked = parkedCounted
	}
	changes, err := k.v.changesOf(u.Name, u.item, &next)
	if err != nil {
		return err
	}
	u.next, u.changes, u.fault = next, changes, fault
	return nil
}

func memoOf(item *Item) jsontext.Value {
	if item == nil {
		return nil
	}
	return item.Memo
}

// changesOf returns what a stream changes, by the row's name, when its checkpoint
// changes: out of the rows it contributed to, into those it contributes to, and
// from the rows that counted it as parked to those that do.
func (d *def) changesOf(stream events.Stream, before, after *Item) (map[string]*change, error) {
	moved := !bytes.Equal(memoOf(before), memoOf(after))
	counted, counts := before != nil && before.Parked == parkedCounted, after.Parked == parkedCounted
	if !moved && counted == counts {
		return nil, nil
	}
	left, err := d.names(stream, memoOf(before))
	if err != nil {
		return nil, err
	}
	joined, err := d.names(stream, memoOf(after))
	if err != nil {
		return nil, err
	}
	changes := map[string]*change{}
	at := func(key string) *change {
		if changes[key] == nil {
			changes[key] = &change{}
		}
		return changes[key]
	}
	for _, key := range left {
		if c := at(key); moved {
			c.parts = append(c.parts, part{memo: memoOf(before), take: true})
		}
		if counted {
			at(key).parked--
		}
	}
	for _, key := range joined {
		if c := at(key); moved {
			c.parts = append(c.parts, part{memo: memoOf(after)})
		}
		if counts {
			at(key).parked++
		}
	}
	return changes, nil
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
	var writes []Write
	o.left = nil
	for _, u := range group {
		changed, err := k.v.changed(rows, u.changes)
		if err != nil {
			o.refused[u] = err
			continue
		}
		maps.Copy(rows, changed)
		o.left = append(o.left, u)
		writes = append(writes, Write{Item: u.next}.over(u.item))
		if u.fault != nil {
			f := u.Fault(u.fault)
			record, err := k.v.record(ctx, &f)
			if err != nil {
				o.err = err
				return o
			}
			o.parked, writes = &f, append(writes, record)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(rows)) {
		item, changed, err := k.v.keyedChange(key, before[key], rows[key])
		if err != nil {
			o.err = err
			return o
		}
		if changed {
			writes = append(writes, Write{Item: item}.over(rows[key].item))
		}
	}
	o.written, o.err = len(writes), k.write(ctx, writes)
	return o
}

// changed returns the rows that changes make of rows.
func (d *def) changed(rows map[string]keyedRow, changes map[string]*change) (map[string]keyedRow, error) {
	changed := map[string]keyedRow{}
	for key, c := range changes {
		row, err := rows[key].with(d, key, c)
		if err != nil {
			return nil, err
		}
		changed[key] = row
	}
	return changed, nil
}

// keyedChange is the item of a row that changed; changed is false if it did not.
func (d *def) keyedChange(key string, before, after keyedRow) (item Item, changed bool, err error) {
	switch {
	case after.streams != before.streams || !bytes.Equal(after.row, before.row):
		item, err = d.keyedItem(key, after)
		return item, true, err
	case after.parked != before.parked && after.item != nil:
		item = *after.item
		item.Version++
		item.Parked = after.parked
		return item, true, nil
	}
	return Item{}, false, nil
}

func (k *keyedRun) write(ctx context.Context, writes []Write) error {
	switch len(writes) {
	case 0:
		return nil
	case 1:
		return k.v.table.Put(ctx, writes[0])
	}
	return k.v.table.Transact(ctx, writes)
}

// rows reads the rows that a group changes.
func (k *keyedRun) rows(ctx context.Context, group []*unit) (map[string]keyedRow, error) {
	rows := map[string]keyedRow{}
	for _, u := range group {
		for key := range u.changes {
			rows[key] = keyedRow{}
		}
	}
	names := sortedKeys(rows)
	items, err := k.v.getRows(ctx, names)
	if err != nil {
		return nil, err
	}
	for i, name := range names {
		if rows[name], err = readKeyed(items[i]); err != nil {
			return nil, err
		}
	}
	return rows, nil
}
