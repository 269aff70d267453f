// Command people is the operator's command line of the application of docs/privacy.md.
package main

import (
	"daybook/cli"
	"daybook/docs/samples/person"
)

func main() { cli.Main(person.App()) }
