package view

import (
	"context"
	"errors"

	"daybook/events"
)

// projectRows posts streams to a view with a row for each. A stream whose first
// commit is in the batch is likely new: its row is written without a read, and
// read only if it is there.
func (b *batchRun) projectRows(ctx context.Context, v *projected, streams []*streamBatch) {
	rows := make([]*rowRun, len(streams))
	for i, s := range streams {
		rows[i] = &rowRun{batchRun: b, v: v, s: s, known: s.first == 1 && !b.probe}
	}
	b.loadRows(ctx, v, rows)
	each(b.slots, rows, func(r *rowRun) { r.run(ctx) })
}

// loadRows reads the items that are not known, many at a time. One that can't
// be read is left for its own attempt.
func (b *batchRun) loadRows(ctx context.Context, v *projected, rows []*rowRun) {
	var unknown []*rowRun
	var keys []string
	for _, r := range rows {
		if !r.known {
			unknown = append(unknown, r)
			keys = append(keys, r.key())
		}
	}
	items, err := getItems(ctx, v.table, keys)
	if err != nil {
		return
	}
	for i, r := range unknown {
		r.item, r.known = items[i], true
	}
}

// rowRun is the projection of one stream into its row.
type rowRun struct {
	*batchRun
	v       *projected
	s       *streamBatch
	item    *Item // as stored; nil: none
	known   bool  // item was read, or taken to be nil
	counted bool  // the deliveries of the stream are in the report
	pace
}

// pace is how a stream is projected: usually all at once, and not at all while
// it is parked.
type pace struct {
	redrive bool // although the stream is parked
	stay    bool // and it stays parked afterwards: more commits are to come
	single  bool // one commit at a time, to find the one that can't be applied
	// stop is the commit that can't be applied, found out without a fold.
	stop *foldError
}

// until is the last commit to apply at once.
func (p *pace) until(s *streamBatch, applied int64) int64 {
	if p.single {
		return applied + 1
	}
	return s.last
}

// slower takes note of a permanent fault of the commits behind applied, which
// were to be applied at once. It reports whether there is something left to try:
// one commit alone, then parking at it.
func (p *pace) slower(s *streamBatch, applied int64, err error) bool {
	switch {
	case p.stop != nil:
		return false
	case p.until(s, applied) > applied+1:
		p.single = true
	default:
		p.stop = &foldError{applied + 1, err}
	}
	return true
}

// parkedAfter is Parked of an item whose next commits were applied.
func (p *pace) parkedAfter(item *Item) int64 {
	if p.stay && item != nil {
		return item.Parked
	}
	return 0
}

// stopped is the fault found before, if it is of the commit behind applied.
func (p *pace) stopped(applied int64) *foldError {
	if p.stop != nil && p.stop.number != applied+1 {
		p.stop = nil
	}
	return p.stop
}

func (r *rowRun) key() string { return ItemKey(r.s.stream.ID()) }

// applied is the number of the last commit in the item.
func applied(item *Item) int64 {
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

func (r *rowRun) run(ctx context.Context) {
	for attempt := 1; ; {
		more, err := r.try(ctx)
		switch code := events.CodeOf(err); {
		case err == nil && more:
			attempt = 1
		case err == nil:
			return
		case code == events.CodeConflict && attempt < r.opts.Attempts:
			// Another projector was quicker, or the row is not new.
			r.item, r.known = nil, false
			if attempt > 1 && pause(ctx, attempt) != nil {
				r.fail(r.s, err)
				return
			}
			attempt++
		case events.Transient(err) || ctx.Err() != nil:
			r.fail(r.s, err)
			return
		case !r.slower(r.s, applied(r.item), err):
			r.recordAlone(ctx, r.v, r.s, r.stop)
			return
		}
	}
}

// try does the gate, the fold and the write once; more says that commits are
// left to apply.
func (r *rowRun) try(ctx context.Context) (more bool, err error) {
	if !r.known {
		if r.item, err = getItem(ctx, r.v.table, r.key()); err != nil {
			if !events.Transient(err) {
				r.recordAlone(ctx, r.v, r.s, &foldError{r.s.first, err})
				err = nil
			}
			return false, err
		}
		r.known = true
	}
	from := applied(r.item)
	if isParked(r.item) && !r.redrive {
		r.held(r.s, from)
		return false, nil
	}
	if r.s.last <= from {
		r.skip(from)
		return false, nil
	}
	next, fault, err := r.next(ctx, from)
	if err != nil {
		return false, err
	}
	if fault != nil {
		err = r.park(ctx, next, fault)
	} else {
		next.Parked = r.parkedAfter(r.item)
		err = r.v.table.Put(ctx, Write{Item: next}.over(r.item))
	}
	if err != nil {
		return false, err
	}
	if next.Commit > from {
		r.count(1, 0, 0)
	}
	r.skip(from)
	r.item = &next
	return fault == nil && next.Commit < r.s.last, nil
}

// next is the item with the next commits applied, up to one that can't be.
func (r *rowRun) next(ctx context.Context, from int64) (Item, *foldError, error) {
	if fault := r.stopped(from); fault != nil {
		return unchanged(r.item, r.key()), fault, nil
	}
	out, err := r.fold(ctx, r.v, r.s, rowState(r.item), from, r.until(r.s, from))
	if events.Transient(err) {
		return Item{}, nil, err
	}
	fault, _ := errors.AsType[*foldError](err)
	if fault != nil && fault.number != out.commit+1 {
		return Item{}, nil, fault // what went wrong is not the next commit
	}
	if out.commit == from {
		return unchanged(r.item, r.key()), fault, nil
	}
	next, err := r.v.rowItem(r.s.stream, out)
	return next, fault, err
}

// unchanged is the item as it is stored, or one that says nothing.
func unchanged(item *Item, key string) Item {
	if item == nil {
		return Item{Key: key}
	}
	return *item
}

// park stores the item as parked, and the record of why.
func (r *rowRun) park(ctx context.Context, next Item, fault *foldError) error {
	f := r.faultOf(r.v, r.s, fault)
	record, err := r.v.record(ctx, &f)
	if err != nil {
		return err
	}
	next.Parked = parkedCounted
	if err := r.v.table.Transact(ctx, []Write{Write{Item: next}.over(r.item), record}); err != nil {
		return err
	}
	r.parked(f)
	return nil
}

// skip counts the deliveries that were applied before.
func (r *rowRun) skip(from int64) {
	if !r.counted {
		r.counted = true
		r.count(0, r.s.skipped(from), 0)
	}
}
