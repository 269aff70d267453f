package stack

import (
	"time"

	"daybook/localstack/embedded"
)

// Hostile is a DynamoDB on a bad day: everything that it is allowed to do to its
// users happens, often enough to be met and seldom enough to live with. The seed
// fixes what happens.
func Hostile(seed uint64) *embedded.Hostile {
	return &embedded.Hostile{
		Seed:             seed,
		ReorderRecords:   0.2,
		DelayRecords:     0.1,
		MaxDelay:         300 * time.Millisecond,
		DuplicateRecords: 0.1,
		SplitBatches:     0.2,
		Throttle:         0.02,
		Fail:             0.01,
		LoseRequests:     0.01,
		LoseAnswers:      0.01,
		Conflict:         0.02,
		Unprocessed:      0.1,
		EndPages:         0.1,
	}
}
