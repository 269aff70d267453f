// Package settings is how a command line tells a test that simulates what to do: a
// line of text in one environment variable.
//
// It imports the standard library only, so that the command line carries no tests.
package settings
