// Command projector is the Lambda function behind the stream of the events table:
// it posts commits to the query tables. See package functions for its environment.
package main

import (
	"daybook/domain"
	"daybook/functions/start"
)

func main() { start.Projector(domain.App()) }
