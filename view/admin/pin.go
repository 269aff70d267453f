package admin

import (
	"context"
	"maps"
	"slices"
	"time"

	"daybook/events"
	"daybook/view"
	"daybook/view/driver"
	"daybook/view/internal/routing"
)

// Pin returns the views with one table each, for what works on one table of a
// view: the one that answers queries, or that of a target in at. The views are
// those of the tables' versions; what is built from both (a Projector to redrive
// with, a Verifier) stays on these tables, whatever is switched meanwhile.
//
// Codes: unknown-view; conflict for a version that is not declared here, or a
// table that does not get live commits; and those of Table.
func Pin(ctx context.Context, tables driver.RoutedTables, views []view.View, at ...driver.Target) (driver.Tables, []view.View, error) {
	rec, err := routing.ReadRecord(ctx, tables.Control())
	if err != nil {
		return nil, nil, err
	}
	p := &routing.PinnedTables{Tables: tables, At: map[string]driver.Target{}}
	for _, t := range at {
		p.At[t.View] = t
	}
	chosen := make([]view.View, len(views))
	for i, v := range views {
		d := v.Definition()
		route := rec.Views[d.Name]
		if route == nil {
			route = routing.NewRoute(d, rec.Version == 0)
		}
		t, asked := p.At[d.Name]
		if !asked {
			t = route.Answering(time.Now())
		}
		if route.Table(t) == nil {
			return nil, nil, events.Errorf(events.CodeConflict, "there is no table %s of %s", t, d.Name)
		}
		for _, each := range view.Versions(views[i : i+1]) {
			if each.Definition().Version == t.Version {
				chosen[i] = each
			}
		}
		if chosen[i] == nil {
			return nil, nil, events.Errorf(events.CodeConflict, "%s %s is not declared here: deploy or build its declaration", d.Name, t)
		}
		p.At[d.Name] = t
	}
	for _, t := range at {
		if rec.Views[t.View] == nil && !declares(views, t.View) {
			return nil, nil, routing.UnknownView()
		}
	}
	return p, chosen, nil
}

func declares(views []view.View, name string) bool {
	for _, v := range views {
		if v.Definition().Name == name {
			return true
		}
	}
	return false
}

// Pinned returns the tables that Pin chose, sorted by view; nil for other Tables.
func Pinned(tables driver.Tables) []driver.Target {
	p, ok := tables.(*routing.PinnedTables)
	if !ok {
		return nil
	}
	var all []driver.Target
	for _, name := range slices.Sorted(maps.Keys(p.At)) {
		all = append(all, p.At[name])
	}
	return all
}
