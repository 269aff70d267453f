package mapping

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"daybook/internal/sleep"
)

// Message is one message of a queue.
type Message struct {
	ID       string
	Handle   string // receipt handle
	Group    string // message group
	Receives int    // how often it was received, this time included
	// Record is the message as it stands in a function's event.
	Record MessageRecord
}

// Queue is an SQS FIFO queue. All methods may be called concurrently.
type Queue interface {
	// Receive waits for messages and returns up to limit; none after a while.
	Receive(ctx context.Context, limit int) ([]Message, error)
	// Delete deletes messages that were received.
	Delete(ctx context.Context, messages []Message) error
	// Hide makes a message that was received visible after a time, in whole
	// seconds.
	Hide(ctx context.Context, message Message, d time.Duration) error
}

// QueueOptions configure a QueueMapping. Queue, Function and Timeout are required.
type QueueOptions struct {
	Name     string // of the mapping, in logs
	Queue    Queue
	Function Function
	// BatchSize is the largest number of messages in a batch, 1 to 10 as for
	// every FIFO queue; 10 by default.
	BatchSize int
	// ReportBatchItemFailures lets the function name the messages it failed at.
	ReportBatchItemFailures bool
	// Timeout is the function's time-out. The queue's visibility time-out
	// should be longer.
	Timeout time.Duration
	// Concurrency is how many batches may be in the function at a time; 4 by
	// default. Messages of one group never are in two.
	Concurrency int
	// RetryAfter says after how long a message that failed becomes visible when
	// it was received n times. Nil leaves it to the queue's visibility
	// time-out, as Lambda does.
	RetryAfter func(n int) time.Duration
	// Forget, when not nil, is asked after every success; true forgets it, as a
	// crash does before the messages are deleted. It is a test instrument.
	Forget func() bool
	// Grace is how long a batch in the function may go on when the mapping is
	// told to stop; 5 s by default.
	Grace time.Duration
	// Backoff returns the rest after the n-th failure to receive in a row, from
	// 1. By default it doubles from 100 ms to 30 s, with jitter.
	Backoff func(n int) time.Duration
	// Log is where faults go; slog.Default by default.
	Log *slog.Logger
}

// QueueMapping feeds a function from a queue. Run it once.
type QueueMapping struct{ QueueOptions }

// NewQueueMapping returns a mapping, or an error that names what its options lack.
func NewQueueMapping(o QueueOptions) (*QueueMapping, error) {
	o.BatchSize, o.Concurrency, o.Grace = cmp.Or(o.BatchSize, 10), cmp.Or(o.Concurrency, 4), cmp.Or(o.Grace, defaultGrace)
	o.Log = cmp.Or(o.Log, slog.Default())
	if o.Backoff == nil {
		o.Backoff = backoff
	}
	switch {
	case o.Queue == nil || o.Function == nil:
		return nil, errors.New("an event source mapping needs a queue and a function")
	case o.BatchSize < 1 || o.BatchSize > 10:
		return nil, fmt.Errorf("event source mapping %s: batch size %d is not within 1 to 10", o.Name, o.BatchSize)
	case o.Timeout <= 0 || o.Timeout > 15*time.Minute:
		return nil, fmt.Errorf("event source mapping %s: time-out %s is not within 0 to 15 minutes", o.Name, o.Timeout)
	case o.Concurrency < 1:
		return nil, fmt.Errorf("event source mapping %s: concurrency %d is below 1", o.Name, o.Concurrency)
	}
	return &QueueMapping{o}, nil
}

// Run feeds the function until ctx ends. A batch that is in the function then may
// end within the grace period.
func (m *QueueMapping) Run(ctx context.Context) {
	var pollers sync.WaitGroup
	defer pollers.Wait()
	for range m.Concurrency {
		pollers.Go(func() { m.poll(ctx) })
	}
}

// poll takes one batch after the other through the function.
func (m *QueueMapping) poll(ctx context.Context) {
	for failures := 0; ctx.Err() == nil; {
		messages, err := m.Queue.Receive(ctx, m.BatchSize)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			failures++
			m.Log.Warn("a queue can't be read", "mapping", m.Name, "error", err)
			_ = sleep.For(ctx, m.Backoff(failures))
			continue
		}
		failures = 0
		whole := true
		for _, batch := range batches(messages) {
			if whole {
				whole = m.deliver(ctx, batch)
				continue
			}
			for _, x := range batch { // none may overtake one of its group that failed
				m.hide(ctx, x, 0)
			}
		}
	}
}

// deliver invokes the function with a batch and settles each of its messages. It
// reports whether all of them were processed.
func (m *QueueMapping) deliver(ctx context.Context, batch []Message) bool {
	failed, err := m.invoke(ctx, batch)
	if err != nil {
		m.Log.LogAttrs(ctx, slog.LevelWarn, "batch failed", slog.String("mapping", m.Name),
			slog.Int("messages", len(batch)), slog.Int("failed", len(failed)), slog.Any("error", err))
	}
	done := slices.DeleteFunc(slices.Clone(batch), func(x Message) bool { return failed[x.ID] })
	if len(done) > 0 && m.Forget != nil && m.Forget() {
		for _, x := range done {
			m.hide(ctx, x, 0)
		}
		done = nil
	}
	settling, cancel := context.WithTimeout(context.WithoutCancel(ctx), m.Grace)
	defer cancel()
	if len(done) > 0 {
		if err := m.Queue.Delete(settling, done); err != nil {
			m.Log.Warn("messages that were processed can't be deleted: they will come again", "mapping", m.Name, "error", err)
		}
	}
	for _, x := range batch {
		if failed[x.ID] && m.RetryAfter != nil {
			m.hide(settling, x, m.RetryAfter(x.Receives))
		}
	}
	return len(done) == len(batch)
}

// hide is Queue.Hide; when it fails, the visibility time-out does it later.
func (m *QueueMapping) hide(ctx context.Context, x Message, d time.Duration) {
	if err := m.Queue.Hide(ctx, x, d); err != nil {
		m.Log.Warn("a message can't be made visible early", "mapping", m.Name, "error", err)
	}
}

// invoke invokes the function once and returns the ids of the messages that
// failed, with the reason.
func (m *QueueMapping) invoke(ctx context.Context, batch []Message) (map[string]bool, error) {
	all := make(map[string]bool, len(batch))
	for _, x := range batch {
		all[x.ID] = true
	}
	event, err := encodeMessages(batch)
	if err != nil {
		return all, err
	}
	answer, err := invoke(ctx, m.Function, event, m.Timeout, m.Grace)
	if err != nil {
		return all, err
	}
	if !m.ReportBatchItemFailures {
		return nil, nil
	}
	ids, err := reported(answer)
	if err != nil || len(ids) == 0 {
		if err == nil {
			all = nil
		}
		return all, err
	}
	failed := make(map[string]bool, len(ids))
	for _, id := range ids {
		if !all[id] {
			return all, fmt.Errorf("the function reported a failure of %q, which is not in the batch", id)
		}
		failed[id] = true
	}
	return failed, fmt.Errorf("the function failed at %d of %d messages", len(failed), len(batch))
}
