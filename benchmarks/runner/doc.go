// Package runner sends each peer, in a process of its own, through the same scenarios
// on the same store, in turns.
package runner
