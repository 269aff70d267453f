package query

import (
	"context"

	"daybook/events"
	"daybook/view/internal/routing"
)

// table returns the table that answers a query of a view, for the whole of the
// answer: the one that a cursor was begun on, or, without one, the one that
// serves. stale says that it lacks commits which it won't get by itself.
func (qs *Queries) table(ctx context.Context, view, cursor string) (v *routing.TableView, stale bool, err error) {
	if qs.routes == nil {
		if v := qs.views[view]; v != nil {
			return v, false, nil
		}
		return nil, false, routing.UnknownView()
	}
	if qs.routes.Views[view] == nil {
		return nil, false, routing.UnknownView()
	}
	if cursor == "" {
		return qs.routes.Serving(ctx, view)
	}
	t, ok := cursorTarget(view, cursor)
	if !ok {
		return nil, false, events.Malformed(paramCursor, "is not a cursor of this query")
	}
	v, stale, err = qs.routes.Listed(ctx, t)
	if err == nil && v == nil {
		err = events.Malformed(paramCursor, "belongs to a table that is gone: begin again without it")
	}
	return v, stale, err
}

// cursorOf returns the cursor among the parameters of a query, "" for none. One
// that is given twice is refused later.
func cursorOf(params map[string][]string) string {
	if values := params[paramCursor]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// writes makes the number of a keyed row's writes one that no other table of the
// view answers: it is the row's entity tag. The first table's stays as it is.
func writes(v *routing.TableView, n int64) int64 {
	if n == 0 {
		return 0
	}
	table := int64((v.Version-1)*routing.MaxGenerations + v.Generation - 1)
	if v.Spread > 0 {
		return (n ^ table<<1) &^ (-1 << 63) // a hash, and odd
	}
	return n + table<<writesBits
}

// writesBits keeps a keyed row's version below 2^53, which JSON numbers hold
// exactly: 2^38 writes and 2^15 tables, of which each version has routing.MaxGenerations.
const writesBits = 38
