// Command stack is the local stack that the tests start.
package main

import (
	"daybook/internal/testdomain"
	"daybook/localstack/run"
)

func main() { run.Main(testdomain.App()) }
