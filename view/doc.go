// Package view defines views (one query table each), projects commits into
// them, and plans and answers queries. It holds the logic once; a Table is the
// small part that a database has to do, and package dynamo does it.
//
// A view is declared with New (a row for each stream) or NewKeyed (rows fed by
// many streams). NewProjector posts commits to the views' tables, NewQueries
// answers from them, and Fold says what a table should hold.
//
// It imports packages events and events/schema and the standard library, never
// package aggregate: a view knows events, not the code that decided them.
package view
