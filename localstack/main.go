// Command localstack is the sample application on one machine: the API, the functions, the event
// source mappings and an embedded DynamoDB, SQS, EventBridge Scheduler and
// EventBridge in one process.
//
//	go run ./localstack
//
// It prints where to send requests. Ctrl-C stops it. See -help for its flags.
//
// Callers are not authenticated: events carry the actor "local", or what the
// header X-Daybook-Actor says, and callers have all scopes, or those that the header
// X-Daybook-Scopes says. The data directory holds the embedded DynamoDB
// (dynamodb), with what the embedded queue and timers keep; how far the projector
// and the process function are in the stream (checkpoints, checkpoints-process);
// batches that they gave up (on-failure), laid out as Lambda writes them to S3; and
// integration events (outbox.jsonl), unless -outbox says otherwise.
package main

import (
	"daybook/domain"
	"daybook/localstack/run"
)

func main() { run.Main(domain.App(), domain.Demo) }
