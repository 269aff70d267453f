// Package aggregatetest tests an aggregate's decisions in the form Given (what
// happened), When (a command), Then (its outcome), without any store.
//
// It imports packages aggregate and events and the standard library.
package aggregatetest
