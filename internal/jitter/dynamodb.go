package jitter

import "time"

// How often a request to DynamoDB is sent at most, and the bound of the pause after the
// first attempt that was throttled; each further one is twice as long. The client takes
// them, and the simulation of partitions, which reaches no AWS module.
const (
	DynamoDBAttempts = 4
	DynamoDBPause    = 150 * time.Millisecond
)
