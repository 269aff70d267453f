// Command localstack is the application of docs/privacy.md on one machine.
package main

import (
	"daybook/docs/samples/person"
	"daybook/localstack/run"
)

func main() { run.Main(person.App()) }
