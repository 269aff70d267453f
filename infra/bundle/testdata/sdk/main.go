// Command sdk is bare with the AWS SDK's clients for what package messaging calls:
// SQS, EventBridge and EventBridge Scheduler.
package main

import (
	"context"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

type handler struct {
	tables    *dynamodb.Client
	queues    *sqs.Client
	bus       *eventbridge.Client
	schedules *scheduler.Client
}

// Invoke uses what functions of Daybook use of the services, but for an empty
// event.
func (h handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	name := string(payload)
	if name == "{}" {
		return []byte("null"), nil
	}
	if _, err := h.tables.Query(ctx, &dynamodb.QueryInput{TableName: &name}); err != nil {
		return nil, err
	}
	if _, err := h.tables.PutItem(ctx, &dynamodb.PutItemInput{TableName: &name}); err != nil {
		return nil, err
	}
	if _, err := h.queues.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &name}); err != nil {
		return nil, err
	}
	if _, err := h.bus.PutEvents(ctx, &eventbridge.PutEventsInput{}); err != nil {
		return nil, err
	}
	if _, err := h.schedules.CreateSchedule(ctx, &scheduler.CreateScheduleInput{Name: &name}); err != nil {
		return nil, err
	}
	_, err := h.schedules.DeleteSchedule(ctx, &scheduler.DeleteScheduleInput{Name: &name})
	return nil, err
}

func main() {
	region := os.Getenv("AWS_REGION")
	credentials := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "x", SecretAccessKey: "x"}, nil
	})
	lambda.Start(handler{
		tables:    dynamodb.New(dynamodb.Options{Region: region, Credentials: credentials}),
		queues:    sqs.New(sqs.Options{Region: region, Credentials: credentials}),
		bus:       eventbridge.New(eventbridge.Options{Region: region, Credentials: credentials}),
		schedules: scheduler.New(scheduler.Options{Region: region, Credentials: credentials}),
	})
}
