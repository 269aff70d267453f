// Package schedule is an EventBridge Scheduler that lives in the process: one-time
// schedules that send a message to an SQS queue, over the wire protocol (REST
// JSON), by HTTP or straight through a transport of package wire. It is the local
// stack's timer and a test instrument, never part of a function.
//
// The supported part behaves as EventBridge Scheduler does, with its errors:
// at(…) expressions in a time zone, groups, client tokens, retries with back-off
// until the retry policy ends them, ActionAfterCompletion. It fires at the second
// where AWS fires within the minute. The rest is refused by name:
// recurring schedules, flexible windows, other targets than queues.
//
// A schedule is in a DynamoDB table (Table) before it is acknowledged: what the
// database survives the schedule survives (docs/adr/0015). One that fell due while
// the process was down fires at the next start, however long that took. A schedule
// that was sent but not yet removed when the process ended fires again, as it may
// on AWS. The table's partition key `schedule` is group and name with a slash
// between, and `d` is the schedule as JSON (type record).
//
// While nothing is due nothing runs: one timer waits for the next schedule.
//
// It imports the AWS SDK's DynamoDB client, a B-tree, room dynamo and package wire.
package schedule
