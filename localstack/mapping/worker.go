package mapping

import (
	"context"
	"errors"
	"time"

	"golang.org/x/time/rate"

	"daybook/internal/sleep"
)

// maxPage is the largest number of records GetRecords answers with.
const maxPage = 1000

// readsAtOnce is how many reads of a shard may follow each other without a pause after a
// rest. A command leads to a few: what a person does by hand is seen at once.
const readsAtOnce = 8

// worker reads one shard and delivers its batches.
type worker struct {
	delivery
	iterator string        // "" has to be asked for
	after    string        // last record read
	closed   bool          // the shard is read to its end
	pace     *rate.Limiter // of reads that found records; made by run
	paced    time.Time     // when the shard may be read again
}

// run works until the shard's end, until the shard is gone, or until ctx ends.
func (w *worker) run(ctx context.Context) {
	w.after = w.checkpoints.get(w.shard).After
	w.pace = rate.NewLimiter(rate.Every(w.Pace), readsAtOnce)
	for failures := 0; ctx.Err() == nil; {
		records, err := w.gather(ctx)
		switch {
		case errors.Is(err, ErrGone):
			_ = sleep.For(ctx, w.Poll)
			return
		case err != nil && ctx.Err() == nil:
			failures++
			w.Log.Warn("a shard can't be read", "mapping", w.Name, "shard", w.shard, "error", err)
			_ = sleep.For(ctx, w.Backoff(failures))
			continue
		case err != nil:
			return
		}
		failures = 0
		if len(records) > 0 && w.deliver(ctx, records) != nil {
			return
		}
		if w.closed {
			w.checkpoints.done(w.shard)
			return
		}
	}
}

// gather reads a batch: until it is full by number or by bytes, until the
// batching window has passed since its first record, or until the shard's end.
// It rests while there are no records. When reading fails it returns what it
// has, and the error only if that is nothing.
func (w *worker) gather(ctx context.Context) ([]Record, error) {
	var records []Record
	var size int
	var deadline time.Time
	for {
		if err := w.pause(ctx, deadline); err != nil {
			return nil, err
		}
		changed := w.Activity(w.shard) // before reading, so that no change is missed
		page, err := w.read(ctx, min(maxPage, w.Settings.BatchSize-len(records)))
		if err != nil {
			if len(records) > 0 && ctx.Err() == nil {
				return records, nil
			}
			return nil, err
		}
		for _, r := range page.Records {
			if w.Settings.wants(r) {
				records = append(records, r)
				size += len(r.JSON) + 1
			}
		}
		if len(records) > 0 && deadline.IsZero() {
			deadline = time.Now().Add(w.Settings.BatchingWindow)
		}
		full := len(records) >= w.Settings.BatchSize || size >= MaxPayload
		if full || w.closed || !deadline.IsZero() && !time.Now().Before(deadline) {
			return records, nil
		}
		if len(page.Records) > 0 {
			if len(records) == 0 { // all filtered out: they are processed
				w.checkpoints.set(w.shard, w.after)
			}
			continue
		}
		if err := w.rest(ctx, changed, deadline); err != nil {
			return nil, err
		}
	}
}

// pause waits until the shard may be read again, or for the deadline.
func (w *worker) pause(ctx context.Context, deadline time.Time) error {
	wait := time.Until(w.paced)
	if !deadline.IsZero() {
		wait = min(wait, time.Until(deadline))
	}
	if wait <= 0 {
		return nil
	}
	return sleep.For(ctx, wait)
}

// rest waits for a change of the stream, the next poll or the deadline.
func (w *worker) rest(ctx context.Context, changed <-chan struct{}, deadline time.Time) error {
	wait := w.Poll
	if !deadline.IsZero() {
		wait = min(wait, time.Until(deadline))
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-changed:
	case <-timer.C:
	}
	return nil
}

// read returns the next records of the shard, with an iterator renewed if need
// be. A position that was trimmed begins at the oldest record there is.
func (w *worker) read(ctx context.Context, limit int) (Page, error) {
	for renewals := 0; ; renewals++ {
		if w.iterator == "" {
			var err error
			w.iterator, err = w.Source.Iterator(ctx, w.shard, w.after)
			if errors.Is(err, ErrTrimmed) && w.after != "" {
				w.Log.Warn("records were trimmed before they were read", "mapping", w.Name, "shard", w.shard, "after", w.after)
				w.after = ""
				w.iterator, err = w.Source.Iterator(ctx, w.shard, "")
			}
			if err != nil {
				w.iterator = ""
				return Page{}, err
			}
		}
		page, err := w.Source.Records(ctx, w.iterator, limit)
		if err != nil {
			w.iterator = ""
			if errors.Is(err, ErrTrimmed) {
				w.after = ""
			}
			if renewals == 0 && (errors.Is(err, ErrExpired) || errors.Is(err, ErrTrimmed)) {
				continue
			}
			return Page{}, err
		}
		w.iterator = page.Next
		w.closed = page.Next == ""
		if n := len(page.Records); n > 0 {
			w.after = page.Records[n-1].Sequence
			if n < limit {
				w.paced = time.Now().Add(w.pace.Reserve().Delay())
			}
		}
		return page, nil
	}
}
