package process

import (
	"context"
	"errors"
	"slices"
	"sync"

	"daybook/events"
)

// maxParked bounds a page of parked streams.
const maxParked = 1000

// Parked lists the parked streams of a reactor in the order of their names, up to
// limit (1 to 1,000) of those behind after; "" begins. Fewer than limit says that
// there are no more. A stream that was parked or redriven within the last moment
// may be missing or still there.
//
// Codes: not-found for a reactor that is not declared; malformed for a limit; and
// those of Ledger.
func (r *Runner) Parked(ctx context.Context, reactor string, after events.Stream, limit int) ([]Fault, error) {
	if _, err := r.reactor(reactor); err != nil {
		return nil, err
	}
	if limit < 1 || limit > maxParked {
		return nil, events.Malformed("limit", "must be from 1 to 1,000")
	}
	entries, err := r.ledger.Parked(ctx, reactor, after, limit)
	if err != nil {
		return nil, err
	}
	faults := make([]Fault, len(entries))
	for i, e := range entries {
		faults[i] = *e.Fault
		faults[i].Reactor, faults[i].Stream = e.Reactor, e.Stream
	}
	return faults, nil
}

func (r *Runner) reactor(name string) (*def, error) {
	i := slices.IndexFunc(r.reactors, func(d *def) bool { return d.name == name })
	if i < 0 {
		return nil, events.Errorf(events.CodeNotFound, "there is no process manager or outbox of this name")
	}
	return r.reactors[i], nil
}

// Redriven is what came of redriving one stream for one reactor.
type Redriven struct {
	Reactor string
	Stream  events.Stream
	Commit  int64  // the last commit that the reactor has handled
	Fault   *Fault // why the stream is parked again; nil: it is not
}

// Redrive catches a parked stream up: it handles the commits that were held back,
// in order, from the events table, and lets later ones flow again. A commit that
// still can't be handled parks the stream again, with one more attempt. A stream
// that is not parked is caught up too.
//
// It may run beside runners and other redrives, and again after it was broken
// off. Memory does not grow with the stream.
//
// Codes: not-found for a reactor that is not declared, and for a stream that it
// does not follow; and those that may pass, of the ledger, the store and the
// effects.
func (r *Runner) Redrive(ctx context.Context, reactor string, stream events.Stream) (Redriven, error) {
	d, err := r.reactor(reactor)
	if err != nil {
		return Redriven{}, err
	}
	if !d.follows(stream) {
		return Redriven{}, events.Errorf(events.CodeNotFound, "%v %s does not follow the stream", d.kind, d.name)
	}
	return r.redrive(ctx, d, stream)
}

// RedriveReactor redrives the parked streams of a reactor, several at a time, and
// calls done with what came of each, one call at a time; nil for none. It goes on
// over streams whose redrive fails, and returns their errors joined.
func (r *Runner) RedriveReactor(ctx context.Context, reactor string, done func(Redriven)) error {
	d, err := r.reactor(reactor)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	var errs []error
	for after := events.Stream(""); ; {
		page, err := r.ledger.Parked(ctx, reactor, after, readPage)
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
		each(make(chan struct{}, r.opts.Concurrency), page, func(_ int, e Entry) {
			out, err := r.redrive(ctx, d, e.Stream)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				errs = append(errs, err)
			} else if done != nil {
				done(out)
			}
		})
		if len(page) < readPage {
			return errors.Join(errs...)
		}
		after = page[len(page)-1].Stream
	}
}

// RedriveAll redrives the parked streams of all reactors: see RedriveReactor.
func (r *Runner) RedriveAll(ctx context.Context, done func(Redriven)) error {
	var errs []error
	for _, d := range r.reactors {
		errs = append(errs, r.RedriveReactor(ctx, d.name, done))
	}
	return errors.Join(errs...)
}

// redrive handles pages of commits until the stream has no more. The entry stays
// parked until then, so that a redrive which is broken off leaves the stream
// parked. After that the stream is read once more: what was held back in between
// is handled too. Whatever comes later finds the entry as it is.
func (r *Runner) redrive(ctx context.Context, d *def, stream events.Stream) (Redriven, error) {
	b := &batch{Runner: r, outer: ctx}
	for conflicts, at := 1, int64(0); ; {
		one := b.newRun(d, stream)
		one.redrive = true
		done, err := one.page(ctx)
		out := Redriven{Reactor: d.name, Stream: stream, Commit: one.entry.Commit}
		switch {
		case err == nil && done:
			return out, nil
		case err == nil:
			conflicts = 1
		case events.CodeOf(err) == events.CodeConflict && conflicts < maxConflicts:
			// Another runner was quicker: look again.
			if err := pause(ctx, r.opts.Pause, conflicts); err != nil {
				return out, err
			}
			conflicts++
			if one.entry.Commit > at {
				conflicts, at = 1, one.entry.Commit
			}
		case events.Transient(err) || ctx.Err() != nil:
			return out, err
		default:
			if err := one.park(ctx, err); events.CodeOf(err) == events.CodeConflict {
				continue
			} else if err != nil {
				return out, err
			}
			out.Fault = &b.sum.Faults[0]
			return out, nil
		}
	}
}

// page handles the next commits of a stream, as many as one read gives. done says
// that there were none, and that the stream is not parked.
func (r *run) page(ctx context.Context) (done bool, err error) {
	if err := r.reload(ctx); err != nil {
		return false, err
	}
	from := r.entry.Commit + 1
	page, err := r.history.Read(ctx, r.stream, from, readPage)
	switch {
	case events.Transient(err):
		return false, err
	case err != nil:
		r.last = from // alone, to stop at it
	case len(page) == 0 && r.entry.Fault == nil:
		return true, nil
	case len(page) == 0:
		return false, r.update(ctx, from, func(e *Entry) { e.Fault, e.Attempts = nil, 0 })
	default:
		r.given = make(map[int64]*events.Commit, len(page))
		for i := range page {
			r.given[page[i].Number] = &page[i]
		}
		r.last = from + int64(len(page)) - 1
	}
	return false, r.catchUp(ctx)
}
