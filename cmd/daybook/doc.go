// Command daybook is the operator's command line: it looks at streams and views,
// checks and redrives them, sends commands, and exports and imports events, on
// one machine, LocalStack and AWS alike.
//
//	go run ./cmd/daybook -help
//
// docs/cli.md describes every subcommand, docs/operate.md says when to type
// which. A file holds one subcommand; main.go lists them.
//
// It wires the other rooms and may import all of them but infra and functions.
package main
