// Package aggregate defines aggregates and handles commands: load the state,
// decide, append the events, retry. Given, When and Then test an aggregate
// without any of it.
//
// Package aggregate/async queues commands, to handle them later.
//
// It imports package events and the standard library. Deciding and evolving are
// pure functions of the domain; clocks, ids and stores come in by Options.
package aggregate
