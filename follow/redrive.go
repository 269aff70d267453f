package follow

import (
	"context"
	"errors"
	"sync"

	"daybook/events"
	"daybook/parallel"
)

// RedriveResult is the result of redriving one stream for one consumer.
type RedriveResult struct {
	Consumer string
	Stream   events.Stream
	Commit   int64  // the last commit that the consumer has handled
	Fault    *Fault // why the stream is parked again; nil: it is not
}

// Redrive catches a parked stream up: it has the consumer handle the commits that
// were held back, in order, from the store, and lets later ones flow again. A
// commit that still can't be handled parks the stream again, with one more attempt.
// A stream that is not parked is caught up too.
//
// It handles pages of commits until the stream has no more. The stream stays parked
// until then, so that a redrive which is broken off leaves it parked. After that the
// stream is read once more: what was held back in between is handled too. It may run
// beside runs and other redrives. Memory does not grow with the stream.
//
// lane returns the consumer's work on a stream: its Last is set here.
func Redrive[L Lane](ctx context.Context, history History, stream events.Stream, c Consumer[L], lane func(*Stream) L, o Options) (out RedriveResult, err error) {
	for conflicts := 0; ; {
		out, done, err := redrivePage(ctx, history, stream, c, lane, o)
		if lost, ok := err.(lostRelease); ok { //nolint:errorlint // redrivePage returns it bare
			if conflicts++; conflicts >= o.Attempts || Pause(ctx, o.Pause, conflicts) != nil {
				return out, lost.error
			}
			continue
		}
		if done || err != nil || out.Fault != nil {
			return out, err
		}
	}
}

// lostRelease says that another writer was first when the parking was to end.
type lostRelease struct{ error }

// redrivePage handles the next commits of a stream, as many as one read gives. done
// says that there were none, and that the stream is not parked.
func redrivePage[L Lane](ctx context.Context, history History, stream events.Stream, c Consumer[L], lane func(*Stream) L, o Options) (out RedriveResult, done bool, err error) {
	r := Begin(history, nil, o)
	s := NewStream(history, stream, nil)
	one := lane(s)
	t := one.task()
	t.run, t.Redrive = r, true
	out = RedriveResult{Consumer: t.About.Consumer, Stream: stream}
	if err := c.Load(ctx, []L{one}); err != nil {
		return out, false, err
	}
	t.Known, out.Commit, s.First = true, t.Commit, t.Commit+1
	page, err := history.Read(ctx, stream, s.First, ReadPage)
	switch {
	case events.Transient(err):
		return out, false, err
	case err != nil:
		t.Last = s.First // alone, to stop at it
	case len(page) == 0:
		done, err := c.Release(ctx, one)
		if events.CodeOf(err) == events.CodeConflict {
			err = lostRelease{err}
		}
		return out, done, err
	default:
		s.Given = NewStream(history, stream, page).Given
		t.Last, t.More = t.Commit+int64(len(page)), len(page) == ReadPage
	}
	worker[L]{r, c}.work(ctx, []L{one})
	out.Commit = t.Commit
	if len(r.report.Faults) > 0 {
		out.Fault = &r.report.Faults[0]
	}
	return out, false, r.failed[stream]
}

// RedriveParked redrives the streams that list has, several at a time, and calls
// done with the result of each, one call at a time; nil for none. It goes on over
// streams whose redrive fails, and returns their errors joined.
func RedriveParked(ctx context.Context, concurrency int, list func(after events.Stream, limit int) ([]Fault, error),
	redrive func(events.Stream) (RedriveResult, error), done func(RedriveResult)) error {
	var mu sync.Mutex
	var errs []error
	limit := parallel.New(concurrency) // its own: handling a stream needs the consumer's
	for after := events.Stream(""); ; {
		page, err := list(after, ReadPage)
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
		limit.Each(len(page), func(i int) {
			out, err := redrive(page[i].Stream)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				errs = append(errs, err)
			} else if done != nil {
				done(out)
			}
		})
		if len(page) < ReadPage {
			return errors.Join(errs...)
		}
		after = page[len(page)-1].Stream
	}
}
