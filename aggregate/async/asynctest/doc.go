// Package asynctest is for tests of queued commands: a queue and statuses in memory,
// and RunStatuses, the conformance suite of async.Statuses.
//
// It imports packages aggregate, aggregate/async and events and the standard
// library.
package asynctest
