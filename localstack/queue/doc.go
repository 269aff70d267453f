// Package queue is an SQS that lives in the process: FIFO queues over the wire
// protocol (AWS JSON 1.0), by HTTP or straight through a transport of package
// wire. It is the local stack's queue and a test instrument, never part of a
// function.
//
// The supported part behaves as SQS does, with SQS's error codes: order within a
// message group; a group is locked while one of its messages is in flight; five
// minutes of deduplication by id or content, for the queue or the group;
// visibility time-outs, receive counts, retention, long polls; a message that
// was received maxReceiveCount times moves to the dead-letter queue, and a move
// task moves it back. The rest is refused by name: standard queues,
// delays, policies' effects.
//
// # What is kept
//
// A message is in a DynamoDB table (Table) before its send is acknowledged, so
// what the database survives the queue survives, and the queue has no file of
// its own (docs/adr/0015). Receive counts are kept before a message is handed
// out: one that kills the process comes to its end in the dead-letter queue all
// the same. Messages in flight and the list of past move tasks are not kept:
// after a restart all messages are visible, because their receivers ended with
// the process.
//
// The table's partition key `queue` is the queue's name; its sort key `part`
// and attributes are
//
//	attributes       the queue: `a` its attributes as JSON, `t` when it was made, `u` when it was changed
//	m<sequence>      a message: `i` its id, `g` its group, `d` its deduplication id, `b` the length of
//	                 its message attributes as JSON, a colon, these, and the body; `p` in how many
//	                 further items `b` goes on; `s` when it was sent, `r` how often it was received,
//	                 `f` when for the first time, `o` the ARN of the queue that it was moved from
//	m<sequence>/<n>  the n-th part that `b` goes on in
//
// Times are milliseconds since 1970. A message that was deleted within its five
// minutes stays without `b`, to be remembered, until `x` (seconds, the table's
// TTL). The item `-`, `epoch` counts the starts: a sequence number is the epoch
// and a counter, so that no two processes ever use one twice.
//
// One process at a time may serve a table. A second would deliver again what
// the first still holds; it would lose nothing.
//
// It imports the AWS SDK's DynamoDB client, a B-tree, room dynamo and package wire.
package queue
