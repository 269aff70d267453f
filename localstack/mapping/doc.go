// Package mapping is a Lambda event source mapping. For a DynamoDB stream it
// polls the stream, gathers records into batches, invokes a function with the
// event JSON that Lambda sends, and on failure does what Lambda does: retries,
// bisects, takes partial failures, and hands what it gives up to an on-failure
// destination.
//
// The meaning of every setting is AWS's, from the Lambda developer guide
// ("Process Amazon DynamoDB records with Lambda" and the pages below it: batching,
// partial batch response, error handling, parameters). There is one worker for
// each shard (parallelization factor 1), so the records of one item stay in order.
//
// A shard is read when it changes, if its source can tell (Options.Activity), and about
// once per Options.Pace while records come for longer; else as often as Lambda reads it.
//
// Delivery is at least once: a checkpoint is kept after a batch was processed,
// and it may be lost with the process.
//
// A QueueMapping is the same for an SQS FIFO queue: it receives batches, invokes
// the function, deletes what was processed, and leaves the rest to become visible
// again ("Using Lambda with Amazon SQS" in the same guide).
//
// The package reads a stream through a Source and a queue through a Queue;
// NewSource and NewQueue make them of the AWS SDK's clients, so it works with any
// compatible endpoint. It imports the AWS SDK and the standard library, and no
// package of Daybook.
package mapping
