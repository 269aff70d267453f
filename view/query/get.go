package query

import (
	"context"
	"encoding/json/jsontext"
	"errors"
	"maps"
	"slices"
	"time"

	"daybook/events"
	"daybook/follow"
	"daybook/view"
	"daybook/view/driver"
	"daybook/view/internal/definition"
	"daybook/view/internal/routing"
)

// Get answers one row of a tenant ("" without tenants). It sees at least the commits that the tokens name: those
// that the view lacks are read and applied to the row in memory. Tokens of
// streams that do not feed the row say nothing about it. Tokens name no tenant: their
// streams are the tenant's.
//
// Codes: tenant-required; unknown-view; not-found; malformed for a token of a version that its
// stream does not have; busy when the view is further behind than is caught up
// in memory; and those of Table and events.Store. With not-found, Parked of the
// row says that it may be missing because a stream is parked.
func (qs *Queries) Get(ctx context.Context, tenant, name, key string, after []events.Token) (view.Row, error) {
	after, err := qs.scope(tenant, after)
	if err != nil {
		return view.Row{}, err
	}
	v, _, err := qs.table(ctx, name, "")
	if err != nil {
		return view.Row{}, err
	}
	if !v.ValidKey(key) {
		return view.Row{}, notFound()
	}
	wanted := newestTokens(v, after)
	if !v.Keyed {
		return qs.getRow(ctx, v, definition.ItemKey(tenant, key), wanted)
	}
	row, err := qs.getKeyed(ctx, v, tenant, key, wanted)
	if events.CodeOf(err) == events.CodeNotFound && !row.Parked {
		// The stream of this row is unknown while the view can't apply the event.
		parked, e := v.AnyParked(ctx, tenant)
		if e != nil {
			return view.Row{}, e
		}
		row.Parked = parked
	}
	row.Version = writes(v, row.Version)
	return row, err
}

// scope puts the streams of tokens in the tenant of a query. Its codes are
// tenant-required and malformed.
func (qs *Queries) scope(tenant string, after []events.Token) ([]events.Token, error) {
	if err := events.CheckTenant(qs.opts.Tenants, tenant); err != nil {
		return nil, err
	}
	scoped := slices.Clone(after)
	for i, t := range scoped {
		if t.Stream.Tenant() != "" {
			return nil, events.Malformed(paramAfter, notAToken)
		}
		scoped[i].Stream = t.Stream.In(tenant)
	}
	return scoped, nil
}

func notFound() error { return events.Errorf(events.CodeNotFound, "there is no such row") }

func (qs *Queries) getRow(ctx context.Context, v *routing.TableView, itemKey string, wanted map[string]events.Token) (view.Row, error) {
	want := wanted[itemKey]
	item, err := routing.GetItem(ctx, v.Table, itemKey)
	if err != nil {
		return view.Row{}, err
	}
	parked := definition.IsParked(item)
	if definition.VersionOf(item) < want.Version && !parked {
		budget := qs.opts.CatchUp
		out, err := qs.catchUp(ctx, v, want, definition.RowState(item), item, &budget)
		if err != nil && !isPermanent(err) {
			return view.Row{}, err
		}
		parked = err != nil
		if out.Commit > definition.LastCommit(item) {
			next, err := v.RowItem(want.Stream, out)
			if err != nil {
				parked = true
			} else {
				item = &next
			}
		}
	}
	if item == nil || item.Row == nil {
		return view.Row{Parked: parked}, notFound()
	}
	row := v.Row(item)
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
func (qs *Queries) catchUp(ctx context.Context, v *routing.TableView, want events.Token, state jsontext.Value, item *driver.Item, budget *int) (definition.FoldState, error) {
	from := definition.LastCommit(item) + 1
	var missing []events.Commit
	for at := definition.VersionOf(item); at < want.Version; {
		if *budget <= 0 {
			return definition.FoldState{}, &events.Error{Code: events.CodeBusy, Message: "the view is too far behind", RetryAfter: time.Second}
		}
		page, err := qs.store.Read(ctx, want.Stream, from+int64(len(missing)), follow.ReadPage)
		if err != nil {
			return definition.FoldState{}, err
		}
		*budget -= len(page)
		missing = append(missing, page...)
		if len(missing) > 0 {
			at = missing[len(missing)-1].Version
		}
		if len(page) < follow.ReadPage && at < want.Version {
			return definition.FoldState{}, noSuchVersion()
		}
	}
	return v.Fold(qs.codec, state, from, from+int64(len(missing))-1, func(n int64) (*events.Commit, error) {
		return &missing[n-from], nil
	})
}

func noSuchVersion() error {
	return events.Malformed(paramAfter, "names a version that the stream does not have")
}

// wholeRows returns the rows of a tenant of the given keys, put together if they have
// parts; nil where there is none.
func wholeRows(ctx context.Context, v *routing.TableView, tenant string, keys []string) ([]*driver.Item, error) {
	var names []definition.Name
	for _, key := range keys {
		names = append(names, v.NamesOf(tenant, key)...)
	}
	parts, err := v.GetRows(ctx, names)
	if err != nil {
		return nil, err
	}
	each := max(1, v.Spread)
	rows := make([]*driver.Item, len(keys))
	for i, key := range keys {
		if rows[i], err = v.Assemble(tenant, key, parts[i*each:(i+1)*each]); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// getKeyed answers a row that many streams feed. A checkpoint and a row are
// written together but read one after the other; a checkpoint that is the same
// before and after the row was read belongs to what was read.
func (qs *Queries) getKeyed(ctx context.Context, v *routing.TableView, tenant, key string, wanted map[string]events.Token) (view.Row, error) {
	keys := slices.Sorted(maps.Keys(wanted))
	for attempt := 1; ; attempt++ {
		before, err := routing.GetItems(ctx, v.Table, keys)
		if err != nil {
			return view.Row{}, err
		}
		stored, err := v.GetRows(ctx, v.NamesOf(tenant, key))
		if err != nil {
			return view.Row{}, err
		}
		row := &keyedRead{v: v, tenant: tenant, key: key, stored: stored}
		behind := map[string]*driver.Item{}
		for i, k := range keys {
			switch {
			case definition.VersionOf(before[i]) >= wanted[k].Version:
			case definition.IsParked(before[i]):
				row.parked = true
			default:
				behind[k] = before[i]
			}
		}
		if len(behind) == 0 {
			return row.answer()
		}
		same, err := unchanged(ctx, v, behind)
		if err != nil {
			return view.Row{}, err
		}
		if same {
			return qs.caughtUp(ctx, row, wanted, behind)
		}
		if attempt == 8 {
			return view.Row{}, events.Errorf(events.CodeBusy, "the row changes too fast")
		}
	}
}

// unchanged reports whether checkpoints are still as they were read.
func unchanged(ctx context.Context, v *routing.TableView, checkpoints map[string]*driver.Item) (bool, error) {
	keys := slices.Sorted(maps.Keys(checkpoints))
	now, err := routing.GetItems(ctx, v.Table, keys)
	if err != nil {
		return false, err
	}
	for i, k := range keys {
		if definition.VersionOf(now[i]) != definition.VersionOf(checkpoints[k]) {
			return false, nil
		}
	}
	return true, nil
}

// keyedRead is a keyed row as it was read, to be caught up.
type keyedRead struct {
	v       *routing.TableView
	tenant  string
	key     string
	stored  []*driver.Item // the row, or its parts, nil where there is none
	parked  bool           // a commit that was asked for can't be applied
	changed bool           // since it was read
}

func (r *keyedRead) answer() (view.Row, error) {
	item, err := r.v.Assemble(r.tenant, r.key, r.stored)
	if err != nil {
		return view.Row{}, err
	}
	if item == nil || item.Row == nil {
		return view.Row{Parked: r.parked || definition.IsParked(item)}, notFound()
	}
	row := r.v.Row(item)
	row.Parked = row.Parked || r.parked
	if r.changed {
		row.Version = 0
	}
	return row, nil
}

// caughtUp answers a row with what the streams that are behind change in it.
func (qs *Queries) caughtUp(ctx context.Context, row *keyedRead, wanted map[string]events.Token, behind map[string]*driver.Item) (view.Row, error) {
	budget := qs.opts.CatchUp
	for _, k := range slices.Sorted(maps.Keys(behind)) {
		cp := behind[k]
		out, err := qs.catchUp(ctx, row.v, wanted[k], definition.MemoOf(cp), cp, &budget)
		if err != nil && !isPermanent(err) {
			return view.Row{}, err
		}
		row.parked = row.parked || err != nil
		if out.Commit <= definition.LastCommit(cp) {
			continue
		}
		if err := row.contribute(wanted[k].Stream, cp, &driver.Item{Memo: out.State}); err != nil {
			row.parked = true
		}
	}
	return row.answer()
}

// contribute changes the row as a stream whose memory changes does. On an error
// the row is as it was.
func (r *keyedRead) contribute(stream events.Stream, before, after *driver.Item) error {
	changes, err := r.v.ChangesOf(stream, before, after)
	if err != nil {
		return err
	}
	for i, name := range r.v.NamesOf(r.tenant, r.key) {
		if changes[name] == nil {
			continue
		}
		row, err := definition.ReadKeyed(r.stored[i])
		if err != nil {
			return err
		}
		if row, err = row.With(r.v.Definition, name, changes[name]); err != nil {
			return err
		}
		item, err := r.v.KeyedItem(name, row)
		if err != nil {
			return err
		}
		r.stored[i], r.changed = &item, true
	}
	return nil
}
