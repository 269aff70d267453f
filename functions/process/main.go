// Command process is the Lambda function behind the stream of the events table
// that runs process managers and outboxes: it reacts to events with commands,
// timers and integration events. See package functions for its environment.
package main

import (
	"log"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"daybook/functions"
)

func main() {
	log.SetFlags(0)
	config, err := functions.FromEnv(os.Getenv, functions.EnvEventsTable, functions.EnvClaimsTable, functions.EnvProcessesTable,
		functions.EnvViewPrefix)
	if err != nil {
		log.Fatal(err)
	}
	handler, err := functions.NewProcess(config)
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(handler)
}
