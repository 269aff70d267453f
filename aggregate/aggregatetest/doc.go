// Package aggregatetest tests an aggregate's decisions in the form Given (what
// happened), When (a command), Then (its outcome), without any store. It
// also holds what tests of queued commands share: a queue and statuses in memory,
// and the conformance suite of aggregate.Statuses (RunStatuses).
//
// It imports packages aggregate and events and the standard library.
package aggregatetest
