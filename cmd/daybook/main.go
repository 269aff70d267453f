// Command daybook is the operator's command line of the sample application.
//
//	go run ./cmd/daybook -help
//
// docs/cli.md describes every subcommand.
package main

import (
	"daybook/cli"
	"daybook/domain"
)

func main() { cli.Main(domain.App()) }
