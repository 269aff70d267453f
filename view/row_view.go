package view

import (
	"encoding/json/jsontext"

	"daybook/events"
)

// RowView is a view with one row for each stream of an aggregate: the row's key
// is the aggregate's id, and its content is what the stream's events make of
// it. A row appears with the first event that the view handles.
//
// Its methods declare the view, return it again, and collect what is wrong for
// Err. They are not for concurrent use; a declared view is immutable.
type RowView[Row any] struct {
	declaration
	m    *machine[Row]
	hide func(Row) bool
}

// New declares a view with the given name that follows the given aggregate. Row
// is a struct; it must not declare "id" and "version", which every answered row
// has: its key, first, and its stream's version, last.
func New[Row any](name, aggregate string) *RowView[Row] {
	v := &RowView[Row]{declaration: declaration{newDefinition(false, name, []string{aggregate})}, m: newMachine[Row]()}
	declareRow[Row](v.def)
	v.def.Handled = v.m.events
	v.def.Missing = func() error { return v.m.missing(v.def) }
	v.def.Fold = v.m.fold
	v.def.Hides = func(row jsontext.Value) (bool, error) { return hides(v.hide, row) }
	return v
}

// On declares what an event makes of a row. E is the type of the event's newest
// schema version, which carries its stored name. apply is a pure function; a panic
// in it is a permanent fault of the stream in this view.
func (v *RowView[Row]) On[E events.Data](apply func(row Row, e E, m Meta) Row) *RowView[Row] {
	on(v.def, v.m, apply)
	return v
}

// Index declares an index: see By and All.
func (v *RowView[Row]) Index(name string, by IndexBy) *RowView[Row] {
	addIndex(v.def, name, by)
	return v
}

// Hide declares which rows no query returns. A hidden row is kept up to date
// and appears again when hidden says so.
func (v *RowView[Row]) Hide(hidden func(Row) bool) *RowView[Row] {
	setHide(v.def, &v.hide, hidden)
	return v
}

// Version raises the version of the view, 1 unless told. Every version has a
// table of its own, filled from all stored events; raise it when handlers, Row
// or indexes change what the rows hold.
func (v *RowView[Row]) Version(version int) *RowView[Row] {
	setVersion(v.def, version)
	return v
}
