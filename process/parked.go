package process

import (
	"context"
	"errors"
	"slices"

	"daybook/events"
	"daybook/follow"
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
func (r *Runner) Parked(ctx context.Context, reactor string, after events.Stream, limit int) ([]follow.Fault, error) {
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
	faults := make([]follow.Fault, len(entries))
	for i, e := range entries {
		faults[i] = *e.Fault
		faults[i].Consumer, faults[i].Stream = e.Reactor, e.Stream
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

// Redrive catches a parked stream up: it handles the commits that were held back,
// in order, from the events table, and lets later ones flow again. A commit that
// still can't be handled parks the stream again, with one more attempt. A stream
// that is not parked is caught up too.
//
// It may run beside runners and other redrives, and again after it was broken
// off. Memory does not grow with the stream.
//
// Codes: not-found for a reactor that is not declared, and for a stream that it
// does not follow; and the transient ones of the ledger, the store and the
// effects.
func (r *Runner) Redrive(ctx context.Context, reactor string, stream events.Stream) (follow.RedriveResult, error) {
	d, err := r.reactor(reactor)
	if err != nil {
		return follow.RedriveResult{}, err
	}
	if !d.follows(stream) {
		return follow.RedriveResult{}, events.Errorf(events.CodeNotFound, "%v %s does not follow the stream", d.kind, d.name)
	}
	return r.redrive(ctx, d, stream)
}

func (r *Runner) redrive(ctx context.Context, d *def, stream events.Stream) (follow.RedriveResult, error) {
	b := &batch{Runner: r, outer: ctx}
	return follow.Redrive(ctx, r.history, stream, b, func(s *follow.Stream) *run { return b.newRun(d, s) }, r.following())
}

// RedriveReactor redrives the parked streams of a reactor, several at a time, and
// calls done with the result of each, one call at a time; nil for none. It goes on
// over streams whose redrive fails, and returns their errors joined.
func (r *Runner) RedriveReactor(ctx context.Context, reactor string, done func(follow.RedriveResult)) error {
	d, err := r.reactor(reactor)
	if err != nil {
		return err
	}
	return follow.RedriveParked(ctx, r.opts.Concurrency,
		func(after events.Stream, limit int) ([]follow.Fault, error) {
			return r.Parked(ctx, reactor, after, limit)
		},
		func(stream events.Stream) (follow.RedriveResult, error) { return r.redrive(ctx, d, stream) }, done)
}

// RedriveAll redrives the parked streams of all reactors: see RedriveReactor.
func (r *Runner) RedriveAll(ctx context.Context, done func(follow.RedriveResult)) error {
	var errs []error
	for _, d := range r.reactors {
		errs = append(errs, r.RedriveReactor(ctx, d.name, done))
	}
	return errors.Join(errs...)
}
