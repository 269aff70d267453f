// Package view declares views: one query table each, with what events make of its
// rows and by which indexes they are found. It is the part that the author of a
// view uses: New declares a view with a row for each stream, NewKeyed one whose
// rows many streams feed, By and All its indexes. Describe and ShapeOf say what
// was declared.
//
// Packages below it work with declared views: projection posts commits to their
// tables, query answers from them, admin rebuilds, switches and verifies them, and
// driver is what a database implements. Package viewtest tests views and drivers.
//
// It imports packages events, events/schema, follow and view/driver and the
// standard library, never package aggregate: a view knows events, not the code
// that decided them.
package view
