// Package processtest helps to test process managers and outboxes: scenarios of
// one reactor (Given, When, Then), a Recorder of effects, a Ledger in memory, and
// the conformance suite of process.Ledger.
//
// It imports packages process and events and the standard library.
package processtest
