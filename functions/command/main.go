// Command command is the Lambda function behind POST /commands: it decides
// commands and appends their events. See package functions for its environment.
package main

import (
	"log"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"daybook/functions"
)

func main() {
	log.SetFlags(0)
	config, err := functions.FromEnv(os.Getenv, functions.EnvEventsTable, functions.EnvClaimsTable, functions.EnvViewPrefix)
	if err != nil {
		log.Fatal(err)
	}
	handler, err := functions.NewCommand(config)
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(handler)
}
