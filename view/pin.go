package view

import (
	"context"
	"time"

	"daybook/events"
)

// Pin returns the views with one table each, for what works on one table of a
// view: the one that answers queries, or that of a target in at. The views are
// those of the tables' versions; what is built from both (a Projector to redrive
// with, a Verifier) stays on these tables, whatever is switched meanwhile.
//
// Codes: unknown-view; conflict for a version that is not declared here, or a
// table that does not get live commits; and those of Table.
func Pin(ctx context.Context, tables RoutedTables, views []View, at ...Target) (Tables, []View, error) {
	rec, err := readRecord(ctx, tables.Control())
	if err != nil {
		return nil, nil, err
	}
	p := &pinnedTables{tables: tables, at: map[string]Target{}}
	for _, t := range at {
		p.at[t.View] = t
	}
	chosen := make([]View, len(views))
	for i, v := range views {
		d := v.definition()
		route := rec.Views[d.name]
		if route == nil {
			route = newRoute(d, rec.version == 0)
		}
		t, asked := p.at[d.name]
		if !asked {
			t = route.Answering(time.Now())
		}
		if route.table(t) == nil {
			return nil, nil, events.Errorf(events.CodeConflict, "there is no table %s of %s", t, d.name)
		}
		for _, each := range d.versions() {
			if each.version == t.Version {
				chosen[i] = each
			}
		}
		if chosen[i] == nil {
			return nil, nil, events.Errorf(events.CodeConflict, "%s %s is not declared here: deploy or build its declaration", d.name, t)
		}
		p.at[d.name] = t
	}
	for _, t := range at {
		if rec.Views[t.View] == nil && !declares(views, t.View) {
			return nil, nil, unknownView()
		}
	}
	return p, chosen, nil
}

func declares(views []View, name string) bool {
	for _, v := range views {
		if v.definition().name == name {
			return true
		}
	}
	return false
}

// pinnedTables opens one table of each view.
type pinnedTables struct {
	tables RoutedTables
	at     map[string]Target
}

// Table implements Tables.
func (p *pinnedTables) Table(view string, version int) Table {
	if t, ok := p.at[view]; ok && t.Version == version {
		return p.tables.Open(t)
	}
	return p.tables.Table(view, version)
}

// generationOf is the generation of the table that tables open for a view.
func generationOf(tables Tables, view string) int {
	if p, ok := tables.(*pinnedTables); ok && p.at[view].Generation > 0 {
		return p.at[view].Generation
	}
	return 1
}

// Pinned returns the tables that Pin chose, sorted by view; nil for other Tables.
func Pinned(tables Tables) []Target {
	p, ok := tables.(*pinnedTables)
	if !ok {
		return nil
	}
	var all []Target
	for _, name := range sortedKeys(p.at) {
		all = append(all, p.at[name])
	}
	return all
}
