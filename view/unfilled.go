package view

import (
	"context"

	"daybook/events"
)

// Unfilled returns, of each view whose newest declared version is newer than the
// one that answers, the table that `daybook rebuild` would fill first, unless its
// filling was begun. Live commits do not reach such a table. It only reads; codes
// are those of Table.
func Unfilled(ctx context.Context, codec *events.Codec, tables RoutedTables, views []View) ([]Target, error) {
	r, err := newRoutes(codec, tables, views, nil)
	if err != nil {
		return nil, err
	}
	rec, err := readRecord(ctx, r.control)
	if err != nil {
		return nil, err
	}
	var all []Target
	for _, name := range r.names {
		route, newest := rec.Views[name], r.newest(name)
		if route != nil && newest > route.Serving.Version && !route.has(newest) {
			all = append(all, Target{View: name, Version: newest, Generation: route.Highest[newest] + 1})
		}
	}
	return all, nil
}

// UnfilledText says in one sentence that t waits to be filled, and how to.
func UnfilledText(t Target) string {
	return t.View + " " + t.String() + " is declared and not filled, so an older version answers: run daybook rebuild " +
		t.View + ", then daybook switch " + t.View
}

// has reports whether live commits reach a table of a version.
func (r *Route) has(version int) bool {
	for _, s := range r.Tables {
		if s.Version == version {
			return true
		}
	}
	return false
}
