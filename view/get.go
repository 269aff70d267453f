package view

import (
	"context"
	"encoding/json/jsontext"
	"errors"
	"time"

	"daybook/events"
	"daybook/follow"
)

// NewQueries returns the queries of the given views. An error says what is
// wrong with their declarations, all of it.
func NewQueries(store follow.History, codec *events.Codec, tables Tables, views []View, opts *QueriesOptions) (*Queries, error) {
	qs := &Queries{store: store, codec: codec, views: map[string]*tableView{}}
	if opts != nil {
		qs.opts = *opts
	}
	qs.opts.Wait = orDefault(qs.opts.Wait, 1500*time.Millisecond)
	qs.opts.CatchUp = orDefault(qs.opts.CatchUp, 1000)
	qs.opts.ReadBudget = orDefault(qs.opts.ReadBudget, 2000)
	if qs.opts.Now == nil {
		qs.opts.Now = time.Now
	}
	if qs.opts.Routed {
		var err error
		qs.routes, err = newRoutes(codec, tables, views, qs.opts.Now)
		if err != nil {
			return nil, err
		}
		return qs, nil
	}
	open, err := openViews(codec, tables, views)
	if err != nil {
		return nil, err
	}
	for _, v := range open {
		qs.views[v.name] = v
	}
	return qs, nil
}

// Get answers one row. It sees at least the commits that the tokens name: those
// that the view lacks are read and applied to the row in memory. Tokens of
// streams that do not feed the row say nothing about it.
//
// Codes: unknown-view; not-found; malformed for a token of a version that its
// stream does not have; busy when the view is further behind than is caught up
// in memory; and those of Table and events.Store. With not-found, Parked of the
// row says that it may be missing because a stream is parked.
func (qs *Queries) Get(ctx context.Context, view, key string, after []events.Token) (Row, error) {
	v, _, err := qs.table(ctx, view, "")
	if err != nil {
		return Row{}, err
	}
	if !v.validKey(key) {
		return Row{}, notFound()
	}
	wanted := v.newestTokens(after)
	if v.kind == KindRows {
		return qs.getRow(ctx, v, key, wanted[ItemKey(key)])
	}
	row, err := qs.getKeyed(ctx, v, key, wanted)
	if events.CodeOf(err) == events.CodeNotFound && !row.Parked {
		// Whose row it would be is unknown while the view can't apply the event.
		parked, e := v.anyParked(ctx)
		if e != nil {
			return Row{}, e
		}
		row.Parked = parked
	}
	row.Version = v.writes(row.Version)
	return row, err
}

func notFound() error { return events.Errorf(events.CodeNotFound, "there is no such row") }

func (qs *Queries) getRow(ctx context.Context, v *tableView, key string, want events.Token) (Row, error) {
	item, err := getItem(ctx, v.table, ItemKey(key))
	if err != nil {
		return Row{}, err
	}
	parked := isParked(item)
	if version(item) < want.Version && !parked {
		budget := qs.opts.CatchUp
		out, err := qs.catchUp(ctx, v, want, rowState(item), item, &budget)
		if err != nil && !isPermanent(err) {
			return Row{}, err
		}
		parked = err != nil
		if out.commit > lastCommit(item) {
			next, err := v.rowItem(want.Stream, out)
			if err != nil {
				parked = true
			} else {
				item = &next
			}
		}
	}
	if item == nil || item.Row == nil {
		return Row{Parked: parked}, notFound()
	}
	row := v.row(item)
	row.Parked = parked
	return row, nil
}

// isPermanent reports whether applying a commit failed, as opposed to reading it.
func isPermanent(err error) bool {
	_, ok := errors.AsType[*follow.CommitError](err)
	return ok && !events.Transient(err)
}

// catchUp applies the commits that an item lacks up to the version a token
// names. It takes what it reads off the budget, in commits; without one left it
// answers busy.
func (qs *Queries) catchUp(ctx context.Context, v *tableView, want events.Token, state jsontext.Value, item *Item, budget *int) (foldedState, error) {
	from := lastCommit(item) + 1
	var missing []events.Commit
	for at := version(item); at < want.Version; {
		if *budget <= 0 {
			return foldedState{}, &events.Error{Code: events.CodeBusy, Message: "the view is too far behind", RetryAfter: time.Second}
		}
		page, err := qs.store.Read(ctx, want.Stream, from+int64(len(missing)), follow.ReadPage)
		if err != nil {
			return foldedState{}, err
		}
		*budget -= len(page)
		missing = append(missing, page...)
		if len(missing) > 0 {
			at = missing[len(missing)-1].Version
		}
		if len(page) < follow.ReadPage && at < want.Version {
			return foldedState{}, noSuchVersion()
		}
	}
	return v.fold(qs.codec, state, from, from+int64(len(missing))-1, func(n int64) (*events.Commit, error) {
		return &missing[n-from], nil
	})
}

func noSuchVersion() error {
	return events.Malformed(paramAfter, "names a version that the stream does not have")
}

// wholeRows returns the rows of the given keys, put together if they have parts;
// nil where there is none.
func (v *tableView) wholeRows(ctx context.Context, keys []string) ([]*Item, error) {
	var names []string
	for _, key := range keys {
		names = append(names, v.namesOf(key)...)
	}
	parts, err := v.getRows(ctx, names)
	if err != nil {
		return nil, err
	}
	each := max(1, v.spread)
	rows := make([]*Item, len(keys))
	for i, key := range keys {
		if rows[i], err = v.assemble(key, parts[i*each:(i+1)*each]); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// getKeyed answers a row that many streams feed. A checkpoint and a row are
// written together but read one after the other; a checkpoint that is the same
// before and after the row was read belongs to what was read.
func (qs *Queries) getKeyed(ctx context.Context, v *tableView, key string, wanted map[string]events.Token) (Row, error) {
	keys := sortedKeys(wanted)
	for attempt := 1; ; attempt++ {
		before, err := getItems(ctx, v.table, keys)
		if err != nil {
			return Row{}, err
		}
		stored, err := v.getRows(ctx, v.namesOf(key))
		if err != nil {
			return Row{}, err
		}
		row := &keyedRead{v: v, key: key, stored: stored}
		behind := map[string]*Item{}
		for i, k := range keys {
			switch {
			case version(before[i]) >= wanted[k].Version:
			case isParked(before[i]):
				row.parked = true
			default:
				behind[k] = before[i]
			}
		}
		if len(behind) == 0 {
			return row.answer()
		}
		same, err := v.unchanged(ctx, behind)
		if err != nil {
			return Row{}, err
		}
		if same {
			return qs.caughtUp(ctx, row, wanted, behind)
		}
		if attempt == 8 {
			return Row{}, events.Errorf(events.CodeBusy, "the row changes too fast")
		}
	}
}

// unchanged reports whether checkpoints are still as they were read.
func (v *tableView) unchanged(ctx context.Context, checkpoints map[string]*Item) (bool, error) {
	keys := sortedKeys(checkpoints)
	now, err := getItems(ctx, v.table, keys)
	if err != nil {
		return false, err
	}
	for i, k := range keys {
		if version(now[i]) != version(checkpoints[k]) {
			return false, nil
		}
	}
	return true, nil
}

// keyedRead is a keyed row as it was read, to be caught up.
type keyedRead struct {
	v       *tableView
	key     string
	stored  []*Item // the row, or its parts, nil where there is none
	parked  bool    // a commit that was asked for can't be applied
	changed bool    // since it was read
}

func (r *keyedRead) answer() (Row, error) {
	item, err := r.v.assemble(r.key, r.stored)
	if err != nil {
		return Row{}, err
	}
	if item == nil || item.Row == nil {
		return Row{Parked: r.parked || isParked(item)}, notFound()
	}
	row := r.v.row(item)
	row.Parked = row.Parked || r.parked
	if r.changed {
		row.Version = 0
	}
	return row, nil
}

// caughtUp answers a row with what the streams that are behind change in it.
func (qs *Queries) caughtUp(ctx context.Context, row *keyedRead, wanted map[string]events.Token, behind map[string]*Item) (Row, error) {
	budget := qs.opts.CatchUp
	for _, k := range sortedKeys(behind) {
		cp := behind[k]
		out, err := qs.catchUp(ctx, row.v, wanted[k], memoOf(cp), cp, &budget)
		if err != nil && !isPermanent(err) {
			return Row{}, err
		}
		row.parked = row.parked || err != nil
		if out.commit <= lastCommit(cp) {
			continue
		}
		if err := row.contribute(wanted[k].Stream, cp, &Item{Memo: out.state}); err != nil {
			row.parked = true
		}
	}
	return row.answer()
}

// contribute changes the row as a stream whose memory changes does. On an error
// the row is as it was.
func (r *keyedRead) contribute(stream events.Stream, before, after *Item) error {
	changes, err := r.v.changesOf(stream, before, after)
	if err != nil {
		return err
	}
	for i, name := range r.v.namesOf(r.key) {
		if changes[name] == nil {
			continue
		}
		row, err := readKeyed(r.stored[i])
		if err != nil {
			return err
		}
		if row, err = row.with(r.v.def, name, changes[name]); err != nil {
			return err
		}
		item, err := r.v.keyedItem(name, row)
		if err != nil {
			return err
		}
		r.stored[i], r.changed = &item, true
	}
	return nil
}
