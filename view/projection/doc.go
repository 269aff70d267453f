// Package projection posts commits to the tables of views: exactly once in effect,
// whatever is delivered twice, late or out of order. A stream that a view can't
// apply is parked and redriven here too, by the same steps. Fold says what a table
// should hold.
//
// It imports view and view/driver, and neither view/query nor view/admin.
package projection
