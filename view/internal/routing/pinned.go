package routing

import (
	"daybook/view/driver"
)

// PinnedTables opens one table of each view.
type PinnedTables struct {
	Tables driver.RoutedTables
	At     map[string]driver.Target // by view
}

// Table implements Tables.
func (p *PinnedTables) Table(view string, version int) driver.Table {
	if t, ok := p.At[view]; ok && t.Version == version {
		return p.Tables.Open(t)
	}
	return p.Tables.Table(view, version)
}

// generationOf is the generation of the table that tables open for a view.
func generationOf(tables driver.Tables, view string) int {
	if p, ok := tables.(*PinnedTables); ok && p.At[view].Generation > 0 {
		return p.At[view].Generation
	}
	return 1
}
