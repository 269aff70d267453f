package routing

import (
	"daybook/view/driver"
)

// PinnedTables opens one table of each view.
type PinnedTables struct {
	Tables driver.RoutedTables
	At     map[string]driver.Target // by view
	// AnyVersion opens the pinned table for every version of its view.
	AnyVersion bool
}

// Table implements Tables.
func (p *PinnedTables) Table(view string, version int) driver.Table {
	if t, ok := p.pinned(view, version); ok {
		return p.Tables.Open(t)
	}
	return p.Tables.Table(view, version)
}

// pinned is the pinned table of a version of a view.
func (p *PinnedTables) pinned(view string, version int) (t driver.Target, ok bool) {
	t, ok = p.At[view]
	return t, ok && (p.AnyVersion || t.Version == version)
}

// targetOf is the table that tables open for a version of a view.
func targetOf(tables driver.Tables, view string, version int) driver.Target {
	if p, ok := tables.(*PinnedTables); ok {
		if t, pinned := p.pinned(view, version); pinned {
			return t
		}
	}
	return driver.Target{View: view, Version: version, Generation: 1}
}
