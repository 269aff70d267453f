// Package messaging is the only room that speaks Amazon SQS, EventBridge and
// EventBridge Scheduler: it sends commands to the command queue and the
// dead-letter queue, sets timers, and publishes integration events.
//
// It sends four operations, so it has a struct for each input and answer in place of
// three modules of the AWS SDK, which lengthen each cold start by more
// than a tenth (docs/adr/0012-small-signed-calls.md has the measurement). Package
// internal/signedhttp signs, sends and repeats them, as it does DynamoDB's; the errors
// are translated to those of package events in one table. Every operation may
// reach the service twice, after a lost answer: each carries an id or a name that
// makes a duplicate harmless (a deduplication id, a name, an event's id).
//
// It may import packages events, aggregate, process and internal/signedhttp, the AWS
// SDK's core, net/http, and the standard library.
package messaging
