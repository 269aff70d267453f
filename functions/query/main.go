// Command query is the Lambda function behind everything that reads: it answers
// from the query tables. See package functions for its environment.
package main

import (
	"daybook/domain"
	"daybook/functions/start"
)

func main() { start.Query(domain.App()) }
