// Package cli is the operator's command line of an application: it looks at streams
// and views, checks and redrives them, sends commands, and exports and imports
// events, on one machine, LocalStack and AWS alike. A main hands it the
// application: cmd/daybook is the sample's.
//
// docs/cli.md describes every subcommand, docs/operate.md says when to type
// which. A file holds one subcommand; cli.go lists them.
//
// It wires the other rooms and may import all of them but infra.
package cli
