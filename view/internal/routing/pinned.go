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
	if t, ok := p.At[view]; ok && (p.AnyVersion || t.Version == version) {
		return p.Tables.Open(t)
	}
	return p.Tables.Table(view, version)
}

// targetOf is the table that tables open for a version of a view.
func targetOf(tables driver.Tables, view string, version int) driver.Target {
	if p, ok := tables.(*PinnedTables); ok && p.AnyVersion && p.At[view].Version > 0 {
		return p.At[view]
	}
	return driver.Target{View: view, Version: version, Generation: generationOf(tables, view)}
}

// generationOf is the generation of the table that tables open for a view.
func generationOf(tables driver.Tables, view string) int {
	if p, ok := tables.(*PinnedTables); ok && p.At[view].Generation > 0 {
		return p.At[view].Generation
	}
	return 1
}
