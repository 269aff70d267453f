// Package daybooktest holds the tests of a whole application: scenarios that reach
// its aggregates, views and processes at once, and the checks that would be
// forgotten if each folder had to ask for them.
package daybooktest
