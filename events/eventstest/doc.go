// Package eventstest helps to test what is built on package events: Memory, a
// Store in memory; Run, the conformance suite that every Store passes; and
// Golden, which keeps stored events readable.
//
// It imports package events, testing and the standard library.
package eventstest
