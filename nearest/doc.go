// Package nearest finds the name that a mistyped one was meant to be: for
// messages about unknown commands, views and flags.
//
// It imports the standard library only.
package nearest
