// Package query answers from the tables of views: it reads the parameters of a
// query, plans it by the view's indexes, pages through the answer with cursors, and
// sees at least the commits that consistency tokens name.
//
// It imports view and view/driver, and neither view/projection nor view/admin.
package query
