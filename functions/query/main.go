// Command query is the Lambda function behind everything that reads: it answers
// from the query tables. See package functions for its environment.
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
	handler, err := functions.NewQuery(config)
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(handler)
}
