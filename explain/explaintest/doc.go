// Package explaintest has jobs that got stuck, each in another way, with what an
// explanation has to say of each: for tests of all that leads a person or an agent
// to the cause.
//
// It imports package explain, inspecttest, the rooms that an application is
// declared with, and the standard library.
package explaintest
