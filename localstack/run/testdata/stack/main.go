// Command stack is the local stack that the tests start.
package main

import (
	"daybook/domain"
	"daybook/localstack/run"
)

func main() { run.Main(domain.App()) }
