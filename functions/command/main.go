// Command command is the Lambda function behind POST /commands: it decides
// commands and appends their events. See package functions for its environment.
package main

import (
	"daybook/domain"
	"daybook/functions/start"
)

func main() { start.Command(domain.App()) }
