package admin

import (
	"context"

	"daybook/events"
	"daybook/view"
	"daybook/view/driver"
	"daybook/view/internal/routing"
)

// Unfilled returns, of each view whose newest declared version is newer than the
// one that answers, the table that `daybook rebuild` would fill first, unless its
// filling was begun. Live commits do not reach such a table. It only reads; codes
// are those of Table.
func Unfilled(ctx context.Context, codec *events.Codec, tables driver.RoutedTables, views []view.View) ([]driver.Target, error) {
	r, err := routing.New(codec, tables, views, nil)
	if err != nil {
		return nil, err
	}
	rec, err := routing.ReadRecord(ctx, r.Control)
	if err != nil {
		return nil, err
	}
	var all []driver.Target
	for _, name := range r.Names {
		route, newest := rec.Views[name], r.Newest(name)
		if route != nil && newest > route.Serving.Version && !route.Has(newest) {
			all = append(all, driver.Target{View: name, Version: newest, Generation: route.Highest[newest] + 1})
		}
	}
	return all, nil
}

// UnfilledText says in one sentence that t waits to be filled, and how to.
func UnfilledText(t driver.Target) string {
	return t.View + " " + t.String() + " is declared and not filled, so an older version answers: run the subcommands rebuild " +
		t.View + " and switch " + t.View
}
