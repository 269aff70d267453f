package process

import (
	"context"

	"daybook/events"
	"daybook/follow"
)

// Skip makes commits of one stream history before they are stored: no reactor
// will react to them, but each remembers what they say. It is for importing
// commits, given in order; those before the first are in the store, if there are
// any. Doing it again changes nothing.
//
// Codes: conflict when a reactor has not handled all commits before these, or the
// stream is parked for it; those of the ledger and the store; and internal for a
// commit that a reactor can't take in.
func (r *Runner) Skip(ctx context.Context, commits []events.Commit) error {
	if len(commits) == 0 {
		return nil
	}
	for _, d := range r.reactors {
		if !d.follows(commits[0].Stream) {
			continue
		}
		one := (&batch{Runner: r, outer: ctx}).newRun(d, follow.NewStream(r.history, commits[0].Stream, commits))
		if one.Last == 0 {
			continue
		}
		if err := one.skip(ctx, commits[0].Number); err != nil {
			return err
		}
	}
	return nil
}

// skip makes the commits from first to the last history.
func (r *run) skip(ctx context.Context, first int64) error {
	if err := r.reload(ctx); err != nil || r.Last <= r.entry.Commit {
		return err
	}
	if err := r.recall(ctx); err != nil {
		return err
	}
	for ; r.Commit < r.Last; r.Commit++ {
		c, err := r.At(ctx, r.Commit+1)
		if err != nil {
			return err
		}
		if c.Number < first && r.d.reactsTo(c) || r.entry.Fault != nil {
			return events.Errorf(events.CodeConflict, "%v %s has not handled commit %d of %s yet", r.d.kind, r.d.name, c.Number, r.Name)
		}
		if err := r.remember(c); err != nil {
			return &follow.CommitError{Number: c.Number, Err: err}
		}
	}
	return r.advance(ctx, r.Last, r.memory, r.entry.Timers)
}
