package mapping

import (
	"context"
	"encoding/json/jsontext"
	"errors"
	"log/slog"
	"time"

	"daybook/internal/sleep"
)

// Conditions of a discarded batch, as the destination's record names them.
const (
	RetryAttemptsExhausted = "RetryAttemptsExhausted"
	RecordAgeExceeded      = "RecordAgeExceeded"
)

// batch is a run of records on its way through the function.
type batch struct {
	records  []Record
	attempts int // failed invocations that count against the retries
	invoked  int // invocations of these records, in whatever batch
	failed   bool
}

// delivery takes batches of one shard through the function, in order, until
// each record is processed or discarded.
type delivery struct {
	*Mapping
	shard string
	// streak counts failures since the last success: it sets the back-off.
	streak int
}

// deliver returns nil when every record is processed or discarded, and the
// context's error when it ended first.
func (d *delivery) deliver(ctx context.Context, records []Record) error {
	queue := []batch{{records: records}}
	for len(queue) > 0 {
		b := queue[0]
		if n := d.expired(b.records); n > 0 {
			d.discard(b, n, RecordAgeExceeded)
			queue = advance(queue, n)
			continue
		}
		event, n := encode(b.records)
		if n < len(b.records) {
			queue = split(queue, n)
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		done, err := d.attempt(ctx, b.records, event)
		queue[0].invoked++
		if done > 0 {
			d.checkpoints.set(d.shard, b.records[done-1].Sequence)
		}
		if err == nil {
			d.streak = 0
			queue = queue[1:]
			continue
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if queue, err = d.failure(ctx, queue, done, err); err != nil {
			return err
		}
	}
	return nil
}

// attempt invokes the function once and returns how many leading records are
// processed, with the error that stopped it there.
func (d *delivery) attempt(ctx context.Context, records []Record, event []byte) (int, error) {
	answer, err := invoke(ctx, d.Function, event, d.Settings.Timeout, d.Grace)
	if err != nil {
		return 0, err
	}
	return d.Settings.processed(records, answer)
}

// failure applies Lambda's rules to the first batch of the queue, of which done
// leading records are processed, and waits before the next try.
func (d *delivery) failure(ctx context.Context, queue []batch, done int, cause error) ([]batch, error) {
	queue[0].failed = true
	d.Log.LogAttrs(ctx, slog.LevelWarn, "batch failed", slog.String("mapping", d.Name), slog.String("shard", d.shard),
		slog.Int("records", len(queue[0].records)), slog.Int("processed", done), slog.Any("error", cause))
	bisect := d.Settings.BisectBatchOnFunctionError
	switch {
	case errors.Is(cause, ErrThrottled):
	case bisect && done > 0: // split at the checkpoint, the first part is processed
		queue = advance(queue, done)
	case bisect && len(queue[0].records) > 1:
		queue = split(queue, (len(queue[0].records)+1)/2)
	default:
		queue = advance(queue, done)
		queue[0].attempts++
		if limit := d.Settings.MaximumRetryAttempts; limit >= 0 && queue[0].attempts > limit {
			d.discard(queue[0], len(queue[0].records), RetryAttemptsExhausted)
			d.streak = 0
			return queue[1:], nil
		}
	}
	d.streak++
	return queue, sleep.For(ctx, d.Backoff(d.streak))
}

// expired returns how many leading records are over the maximum age.
func (d *delivery) expired(records []Record) int {
	limit := d.Settings.MaximumRecordAge
	if limit < 0 {
		return 0
	}
	now := time.Now()
	for i, r := range records {
		if now.Sub(r.Created) <= limit {
			return i
		}
	}
	return len(records)
}

// discard hands the first n records of b to the destination and goes past them.
func (d *delivery) discard(b batch, n int, condition string) {
	records := b.records[:n]
	event, _ := encodeAll(records)
	gone := DiscardedBatch{
		Mapping: d.Name, FunctionARN: d.FunctionARN, StreamARN: d.StreamARN, Shard: d.shard,
		Condition: condition, Records: records, Invocations: b.invoked, Failed: b.failed, Event: event, Time: time.Now(),
	}
	attrs := []slog.Attr{
		slog.String("mapping", d.Name), slog.String("shard", d.shard), slog.String("condition", condition),
		slog.Int("records", n), slog.String("first", records[0].Sequence), slog.String("last", records[n-1].Sequence),
	}
	if d.Destination != nil {
		where, err := d.Destination.Discard(gone)
		if err != nil {
			attrs = append(attrs, slog.Any("error", err))
		} else {
			attrs = append(attrs, slog.String("destination", where))
		}
	}
	d.Log.LogAttrs(context.Background(), slog.LevelError, "records discarded", attrs...)
	d.checkpoints.set(d.shard, records[n-1].Sequence)
}

// advance drops the first n records of the first batch.
func advance(queue []batch, n int) []batch {
	if n == len(queue[0].records) {
		return queue[1:]
	}
	queue[0].records = queue[0].records[n:]
	return queue
}

// split makes two batches of the first, the first with n records.
func split(queue []batch, n int) []batch {
	first, second := queue[0], queue[0]
	first.records, second.records = first.records[:n], second.records[n:]
	return append([]batch{first, second}, queue[1:]...)
}

const eventHead, eventTail = `{"Records":[`, `]}`

// encode returns the event of as many leading records as fit into a payload, at
// least one, and their number.
func encode(records []Record) (jsontext.Value, int) {
	size := len(eventHead) + len(eventTail)
	for i, r := range records {
		size += len(r.JSON) + 1
		if i > 0 && size > MaxPayload {
			return nil, i
		}
	}
	return encodeAll(records)
}

func encodeAll(records []Record) (jsontext.Value, int) {
	event := []byte(eventHead)
	for i, r := range records {
		if i > 0 {
			event = append(event, ',')
		}
		event = append(event, r.JSON...)
	}
	return append(event, eventTail...), len(records)
}
