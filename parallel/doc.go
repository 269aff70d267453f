// Package parallel runs functions side by side, as many at a time as a limit has
// room for.
package parallel
