package asynctest

import (
	"context"
	"sync"

	"daybook/aggregate/async"
)

// Queue keeps the messages sent to it, for tests. Its zero value is empty and
// ready. It is safe for concurrent use.
type Queue struct {
	// Fail, when not nil, is asked for the error of each message, before it is
	// taken; set it before the first use.
	Fail func(m async.Message) error

	mu   sync.Mutex
	sent []async.Message
}

var _ async.Queue = (*Queue)(nil)

// Send implements async.Queue. It drops no message that comes twice.
func (q *Queue) Send(ctx context.Context, ms []async.Message) []error {
	errs := make([]error, len(ms))
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, m := range ms {
		if errs[i] = ended(ctx); errs[i] == nil && q.Fail != nil {
			errs[i] = q.Fail(m)
		}
		if errs[i] == nil {
			q.sent = append(q.sent, m)
		}
	}
	return errs
}

// Take returns the messages sent since the last call, in order.
func (q *Queue) Take() []async.Message {
	q.mu.Lock()
	defer q.mu.Unlock()
	taken := q.sent
	q.sent = nil
	return taken
}
