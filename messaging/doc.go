// Package messaging is the only room that speaks Amazon SQS, EventBridge and
// EventBridge Scheduler: it sends commands to the command queue and the
// dead-letter queue, sets timers, and publishes integration events.
//
// It sends a handful of operations, so it has one small client of its own
// (call.go) in place of three modules of the AWS SDK, which would put the
// functions over their size (docs/adr/0012-small-signed-calls.md): a POST or
// DELETE of JSON, signed by the SDK's own signer, tried again with full jitter,
// its errors translated to those of package events in one table. Every operation
// may reach the service twice, after a lost answer: each carries what makes a
// repeat harmless there (a deduplication id, a name, an event's id).
//
// It may import packages events, aggregate and process, the AWS SDK's core and
// signer, net/http, and the standard library.
package messaging
