package view

import (
	"bytes"
	"context"
	"encoding/json/jsontext"
	"errors"
	"maps"
	"slices"

	"daybook/events"
)

// projectKeyed posts streams to a view whose rows many streams feed. The row
// changes of a stream and its checkpoint are one transaction; streams share
// transactions, in which each row is written once.
func (b *batchRun) projectKeyed(ctx context.Context, v *projected, streams []*streamBatch) {
	run := &keyedRun{batchRun: b, v: v}
	units := make([]*unit, len(streams))
	for i, s := range streams {
		units[i] = &unit{s: s, known: s.first == 1 && !b.probe}
	}
	run.project(ctx, units)
}

// keyedRun is the projection of a batch into one keyed view.
type keyedRun struct {
	*batchRun
	v *projected
}

// unit is the projection of one stream.
type unit struct {
	s        *streamBatch
	item     *Item // checkpoint as stored; nil: none
	known    bool  // item was read, or taken to be nil
	counted  bool  // the deliveries of the stream are in the report
	attempts int
	pace
	bare bool // is parked without a word to the rows it contributes to

	next    Item               // checkpoint to store; its Key is "" when there is none
	changes map[string]*change // by the row's name
	fault   *foldError         // what the stream is parked at behind next; nil: nothing
}

// slower is that of pace, and as the last thing to try, to park bare.
func (u *unit) slower(applied int64, err error) bool {
	if u.pace.slower(u.s, applied, err) {
		return true
	}
	was := u.bare
	u.bare = true
	return !was
}

// change is what one stream changes in one row.
type change struct {
	parts  []part
	parked int64 // to the number of parked streams that contribute
}

// project posts units, which may be asked for again after a conflict.
func (k *keyedRun) project(ctx context.Context, units []*unit) {
	k.load(ctx, units)
	each(k.slots, units, func(u *unit) { k.prepare(ctx, u) })
	var group []*unit
	rows := map[string]bool{}
	for _, u := range units {
		if u.next.Key == "" {
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
}

// load reads the checkpoints that are not known, many at a time. One that can't
// be read is left for prepare.
func (k *keyedRun) load(ctx context.Context, units []*unit) {
	var unknown []*unit
	var keys []string
	for _, u := range units {
		if !u.known {
			unknown = append(unknown, u)
			keys = append(keys, checkpointKey(u.s.stream))
		}
	}
	items, err := getItems(ctx, k.v.table, keys)
	if err != nil {
		return
	}
	for i, u := range unknown {
		u.item, u.known = items[i], true
	}
}

// prepare does the gate and the fold of a unit: what it changes in the table.
func (k *keyedRun) prepare(ctx context.Context, u *unit) {
	u.next, u.changes, u.fault = Item{}, nil, nil
	if !u.known {
		item, err := getItem(ctx, k.v.table, checkpointKey(u.s.stream))
		switch {
		case events.Transient(err) || ctx.Err() != nil:
			k.fail(u.s, err)
			return
		case err != nil:
			k.recordAlone(ctx, k.v, u.s, &foldError{u.s.first, err})
			return
		}
		u.item, u.known = item, true
	}
	from := applied(u.item)
	if isParked(u.item) && !u.redrive {
		k.held(u.s, from)
		return
	}
	if u.s.last <= from {
		k.skip(u)
		return
	}
	for {
		err := k.plan(ctx, u, from)
		switch {
		case err == nil:
			return
		case events.Transient(err) || ctx.Err() != nil:
			k.fail(u.s, err)
			return
		case !u.slower(from, err):
			k.recordAlone(ctx, k.v, u.s, u.stop)
			return
		}
	}
}

// plan folds the next commits of a unit, up to one that can't be applied.
func (k *keyedRun) plan(ctx context.Context, u *unit, from int64) error {
	next := unchanged(u.item, checkpointKey(u.s.stream))
	fault := u.stopped(from)
	if fault == nil {
		out, err := k.fold(ctx, k.v, u.s, memoOf(u.item), from, u.until(u.s, from))
		if events.Transient(err) {
			return err
		}
		fault, _ = errors.AsType[*foldError](err)
		if fault != nil && fault.number != out.commit+1 {
			return fault // what went wrong is not the next commit
		}
		if out.commit > from {
			next = checkpoint(u.s.stream, out)
		}
	}
	switch {
	case fault == nil:
		next.Parked = u.parkedAfter(u.item)
	case u.bare:
		next.Parked = parkedUncounted
		if isParked(u.item) {
			next.Parked = u.item.Parked
		}
	default:
		next.Parked = parkedCounted
	}
	changes, err := k.v.changesOf(u.s.stream, u.item, &next)
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

// skip counts the deliveries that were applied before.
func (k *keyedRun) skip(u *unit) {
	if !u.counted {
		u.counted = true
		k.count(0, u.s.skipped(applied(u.item)), 0)
	}
}

// commit stores a group of units in one transaction, and does what its outcome
// asks for.
func (k *keyedRun) commit(ctx context.Context, group []*unit) {
	o := k.try(ctx, group)
	code := events.CodeOf(o.err)
	switch {
	case o.err == nil:
		k.count(o.written, 0, 0)
		for _, u := range o.left {
			k.done(ctx, u, o.parked)
		}
	case code == events.CodeConflict || code == events.CodeBusy:
		k.again(ctx, o.left, o.err)
	case events.Transient(o.err) || ctx.Err() != nil:
		for _, u := range o.left {
			k.fail(u.s, o.err)
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

// done goes on with a unit that is stored.
func (k *keyedRun) done(ctx context.Context, u *unit, parked *Fault) {
	k.skip(u)
	stored := u.next
	u.item, u.attempts = &stored, 0
	switch {
	case u.fault != nil:
		k.batchRun.parked(*parked)
	case stored.Commit < u.s.last:
		k.project(ctx, []*unit{u})
	}
}

// refuse goes on with a unit that can't be stored, for a reason that does not
// pass.
func (k *keyedRun) refuse(ctx context.Context, u *unit, err error) {
	if u.slower(applied(u.item), err) {
		k.project(ctx, []*unit{u})
		return
	}
	k.recordAlone(ctx, k.v, u.s, u.stop)
}

// again projects a group once more after another writer was quicker.
func (k *keyedRun) again(ctx context.Context, group []*unit, err error) {
	attempt := 0
	for _, u := range group {
		u.attempts++
		u.item, u.known = nil, false
		attempt = max(attempt, u.attempts)
	}
	if attempt < k.opts.Attempts {
		if err = pause(ctx, attempt); err == nil {
			k.project(ctx, group)
			return
		}
	}
	for _, u := range group {
		k.fail(u.s, err)
	}
}

// outcome is what became of a transaction.
type outcome struct {
	left    []*unit         // that were in it
	refused map[*unit]error // whose change of a row fails
	parked  *Fault          // of the one unit that stops at a fault
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
			f := k.faultOf(k.v, u.s, u.fault)
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
