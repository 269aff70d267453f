// Package simulationtest tests an application by simulation: whole installations of
// it, each in one schedule that a seed fixes, with clients that race one another and
// with everything that may go wrong. docs/testing.md has it all.
package simulationtest
