// Package bus is an EventBridge event bus that lives in the process: PutEvents
// over the wire protocol (AWS JSON 1.1), by HTTP or straight through a transport
// of package wire. It is the local stack's way out for integration events and a
// test instrument, never part of a function.
//
// There are no rules: the detail of every event, for Daybook a CloudEvent in its
// structured form, goes to one Sink:
//
//   - a file (File): a line of JSON for each, appended and brought to the disk
//     before PutEvents answers;
//   - a webhook (Webhook): the event is kept in a FIFO queue before PutEvents
//     answers, one message group a subject, and posted from there as
//     application/cloudevents+json, in order for each subject, again with back-off
//     until the webhook answers 2xx. As on AWS, PutEvents takes an event whether or
//     not its consumer is up; the queue keeps it for 14 days.
//
// Both deliver at least once. Nothing is deduplicated: an event that is put twice
// arrives twice, as from EventBridge, so consumers look at its id.
//
// It imports the standard library and packages durable and wire.
package bus
