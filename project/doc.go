// Package project makes an application of the user's own, and adds aggregates,
// views and process managers to it: the subcommands init and new of the command
// line.
//
// Files that every project shares with Daybook (mains, cdk.json, the pinned CDK,
// go.sum, the sample shop) are read from the checkout of Daybook that the project
// is made from; templates has only what Daybook itself has no equal of. A generator
// never overwrites a file, and can be run twice.
//
// It imports packages daybook, events, view and process, and runs the go command.
package project
