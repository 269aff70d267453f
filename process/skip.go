package process

import (
	"context"

	"daybook/events"
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
		one := (&batch{Runner: r, outer: ctx}).newRun(d, commits[0].Stream)
		one.given = make(map[int64]*events.Commit, len(commits))
		for i := range commits {
			one.given[commits[i].Number] = &commits[i]
			if d.reactsTo(&commits[i]) {
				one.last = commits[i].Number
			}
		}
		if one.last == 0 {
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
	if err := r.reload(ctx); err != nil || r.last <= r.entry.Commit {
		return err
	}
	if err := r.recall(ctx); err != nil {
		return err
	}
	for ; r.at < r.last; r.at++ {
		c, _, err := r.reader.at(ctx, r.at+1, r.last)
		if err != nil {
			return err
		}
		if c.Number < first && r.d.reactsTo(c) || r.entry.Fault != nil {
			return events.Errorf(events.CodeConflict, "%v %s has not handled commit %d of %s yet", r.d.kind, r.d.name, c.Number, r.stream)
		}
		if err := r.remember(c); err != nil {
			return &commitError{number: c.Number, err: err}
		}
	}
	return r.advance(ctx, r.last, r.memory, r.entry.Timers)
}
