package query

import (
	"context"
	"errors"
	"strconv"
	"time"

	"daybook/events"
	"daybook/follow"
	"daybook/view"
	"daybook/view/internal/definition"
	"daybook/view/internal/routing"
)

// Moment is a point in a stream's past: a version of it, or a time.
type Moment struct {
	Version int64     // 0: Time says which
	Time    time.Time // commits accepted at it belong to the past
}

// ParseMoment reads a moment as clients write it: a version, or a time in RFC
// 3339. Its error is malformed and names the parameter at.
func ParseMoment(text string) (Moment, error) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n > 0 && strconv.FormatInt(n, 10) == text {
		return Moment{Version: n}, nil
	}
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return Moment{Time: t}, nil
	}
	return Moment{}, events.Malformed(paramAt, `must be a version from 1, or a time in RFC 3339 such as 2026-01-31T12:00:00Z, its "+" percent-encoded`)
}

// At answers a row of a tenant ("" without tenants) as it was at a moment, for a view with a row for each stream.
// It reads the stream's events and not the view's table, a page at a time: the
// answer does not depend on how far the view is, and the cost grows with the
// stream up to that moment. A version within a commit is answered as if the
// commit had ended there. At a time, the stream's commits count up to the first
// that was accepted later.
//
// A row that the view can't compute up to the moment is answered as far as it
// can be, with Parked set.
//
// Codes: tenant-required; unknown-view; malformed for a view whose rows many streams feed, and
// for a version that the stream does not have yet; not-found when there was no
// row; and those of events.Store.
func (qs *Queries) At(ctx context.Context, tenant, name, key string, at Moment) (view.Row, error) {
	if err := events.CheckTenant(qs.opts.Tenants, tenant); err != nil {
		return view.Row{}, err
	}
	v, _, err := qs.table(ctx, name, "")
	if err != nil {
		return view.Row{}, err
	}
	if v.Keyed {
		return view.Row{}, events.Malformed(paramAt, "is for views with a row for each stream; many streams feed the rows of this one")
	}
	stream, err := events.ParseStream(string(events.StreamOf(v.Aggregates[0], key)))
	if err != nil {
		return view.Row{}, notFound() // no stream can have such a name
	}
	stream = stream.In(tenant)
	out, err := qs.foldUntil(ctx, v, stream, at)
	if err != nil && !isPermanent(err) {
		return view.Row{}, err
	}
	absent := view.Row{Parked: err != nil}
	if out.Commit == 0 {
		return absent, notFound()
	}
	item, itemErr := v.RowItem(stream, out)
	if itemErr != nil {
		return view.Row{}, itemErr
	}
	if item.Row == nil {
		return absent, notFound()
	}
	row := v.Row(&item)
	row.Parked = err != nil
	return row, nil
}

// foldUntil folds a stream's commits up to a moment. On a *follow.CommitError, folded is
// the state before the commit that failed.
func (qs *Queries) foldUntil(ctx context.Context, v *routing.TableView, stream events.Stream, at Moment) (definition.FoldState, error) {
	var out definition.FoldState
	for {
		page, err := qs.store.Read(ctx, stream, out.Commit+1, follow.ReadPage)
		if err != nil {
			return definition.FoldState{}, err
		}
		past, more := at.cut(page)
		if len(past) > 0 {
			next, err := continueFold(v.Definition, qs.codec, out, past)
			if err != nil {
				return next, err
			}
			out = next
		}
		switch {
		case !more:
			return out, nil
		case len(page) == follow.ReadPage:
		case out.Commit == 0, at.Version == 0:
			return out, nil
		default:
			return definition.FoldState{}, events.Malformed(paramAt, "names a version that the stream does not have")
		}
	}
}

// cut returns the commits of a page that belong to the past; more says that
// those behind the page may too.
func (m Moment) cut(page []events.Commit) (past []events.Commit, more bool) {
	for i := range page {
		c := page[i]
		switch {
		case m.Version == 0 && c.Time.After(m.Time):
			return page[:i], false
		case m.Version != 0 && c.Version >= m.Version:
			// The commit's events count up to the version.
			c.Events = c.Events[:max(0, m.Version-c.First()+1)]
			c.Version = m.Version
			return append(page[:i:i], c), false
		}
	}
	return page, true
}

// continueFold folds the next commits of a stream over what was folded before.
func continueFold(d *definition.Definition, codec *events.Codec, before definition.FoldState, commits []events.Commit) (definition.FoldState, error) {
	from := before.Commit + 1
	out, err := d.Fold(codec, before.State, from, before.Commit+int64(len(commits)), func(n int64) (*events.Commit, error) {
		return &commits[n-from], nil
	})
	if _, ok := errors.AsType[*follow.CommitError](err); ok && out.Commit == before.Commit {
		return before, err
	}
	return out, err
}
