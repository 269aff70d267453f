// Command projector is the Lambda function behind the stream of the events table:
// it posts commits to the query tables. See package functions for its environment.
package main

import (
	"log"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"daybook/functions"
)

func main() {
	log.SetFlags(0)
	config, err := functions.FromEnv(os.Getenv, functions.EnvEventsTable, functions.EnvViewPrefix)
	if err != nil {
		log.Fatal(err)
	}
	handler, err := functions.NewProjector(config)
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(handler)
}
