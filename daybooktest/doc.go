// Package daybooktest holds the checks of a whole application: what one test of it
// calls, and what would be forgotten if each folder had to ask for it.
package daybooktest
