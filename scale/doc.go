// Package scale simulates how DynamoDB's partitions throttle an installation, to show
// where retries with back-off hold, where shards hold, and where neither does. Its tables
// are those of docs/scale.md.
//
// The model is simple, and where AWS publishes no figure it is on the careful side:
//
//   - A partition takes 1,000 write units per second, and saves up at most a second's.
//     The longer burst that AWS gives when it can is left out.
//   - A new on-demand table has 4 partitions. Keys lie where their hashes do.
//   - A partition that has throttled for SplitAfter splits where its heat halves, as
//     adaptive capacity does. The heat of one partition key can't be split: a stream's
//     commits come in the order of their sort key, and an index entry's key has one value.
//   - A write takes what it needs of its item's partition and of that of each index entry
//     at once, or is throttled: DynamoDB lets a write wait for a global secondary index.
//   - A client makes 4 attempts, after random pauses up to 150, 300 and 600 ms, which are
//     those of package dynamo, and then gives up.
package scale
