// Command process is the Lambda function behind the stream of the events table
// that runs process managers and outboxes: it reacts to events with commands,
// timers and integration events. See package functions for its environment.
package main

import (
	"daybook/domain"
	"daybook/functions/start"
)

func main() { start.Process(domain.App()) }
