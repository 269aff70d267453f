// Package process holds what happens because of events: process managers, which
// react to events with commands and timers, and outboxes, which publish events to
// other systems as integration events.
//
// Both are reactors. A reactor is declared with New or NewOutbox, and run on the
// records of the change stream by a Runner. For every reactor and stream a Ledger
// keeps the last commit handled, what the reactor remembers of the stream, and
// why it can't go on, if it can't. Effects come first and the ledger after them:
// an effect may be repeated, and is harmless then, since every id is derived from
// what caused it.
//
// The package does nothing by itself: Commands, Timers and Publisher are what a
// deployment provides. It imports packages events and events/schema and the
// standard library, never package aggregate: it knows commands by name.
package process
