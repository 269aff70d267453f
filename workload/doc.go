// Package workload makes commands that an application accepts from its declarations
// alone: the examples of their payloads, varied, and the commands that must come
// before on the same stream, found by trying.
//
// The load generator sends them to an installation, and the cost meter measures
// them. Package workload knows no store: who calls it hands over a function that
// handles a command.
package workload
