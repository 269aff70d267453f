package process

import (
	"cmp"
	"context"
	"encoding/json/jsontext"
	"errors"
	"maps"
	"slices"
	"time"

	"daybook/events"
	"daybook/follow"
)

// run is what one reactor does with one stream.
type run struct {
	*batch
	follow.Task
	d *def

	entry    Entry          // as stored; Revision 0: none
	memory   jsontext.Value // up to Commit, if recalled
	recalled bool
	skipped  bool      // history was skipped; what is left of it is less than a page
	begun    time.Time // of the effects of the commit under way
	acting   bool      // they had begun when the last commit failed

	timers map[string]string // as Entry.Timers, with what the commit under way has done

	declined []Rejection // of the commit under way, that no Else acted on; under batch.mu
}

// maxConflicts bounds how often a run begins anew without any progress, since
// another runner works on the same stream.
const maxConflicts = 8

// progressCommits is after how many commits without anything to do a run writes
// down how far it is.
const progressCommits = 10 * follow.ReadPage

// setEntry takes over the entry that is stored; nil is none.
func (r *run) setEntry(e *Entry) {
	r.entry = Entry{Key: r.entry.Key}
	if e != nil {
		r.entry = *e
	}
	r.Commit, r.Parked, r.recalled = r.entry.Commit, r.entry.Fault != nil, false
}

func (r *run) reload(ctx context.Context) error { return r.Load(ctx, []*run{r}) }

// Handle implements follow.Consumer: it looks at the next commit.
func (b *batch) Handle(ctx context.Context, r *run) error {
	r.acting = false
	if err := r.recall(ctx); err != nil {
		return err
	}
	if stop := r.Stopped(); stop != nil {
		return r.park(ctx, stop)
	}
	n := r.Commit + 1
	c, err := r.At(ctx, n)
	switch {
	case err != nil:
	case r.d.reactsTo(c):
		return r.observed(ctx, c)
	case c.Time.Before(r.d.since) && !r.d.remembers && !r.skipped:
		r.Commit, err = r.skipHistory(ctx, n)
	default:
		if err = r.remember(c); err == nil {
			r.Commit = n
		}
	}
	if err != nil {
		return &follow.CommitError{Number: n, Err: err}
	}
	if r.Commit-r.entry.Commit >= progressCommits || r.Redrive && r.Commit == r.Last {
		return r.advance(ctx, r.Commit, r.memory, r.entry.Timers)
	}
	return nil
}

// recall makes the memory that the next commit goes on from: the entry's, or the
// fold of all commits up to it, where the entry has one of another schema.
func (r *run) recall(ctx context.Context) error {
	if r.recalled {
		return nil
	}
	r.memory = r.entry.Memory
	if r.d.remembers && r.Commit > 0 && r.entry.MemorySchema != r.d.schema {
		r.memory = nil
		for n := int64(1); n <= r.Commit; n++ {
			c, err := r.At(ctx, n)
			if err == nil {
				err = r.remember(c)
			}
			if err != nil {
				return &follow.CommitError{Number: r.Commit + 1, Err: err}
			}
		}
	}
	r.recalled = true
	return nil
}

// remember folds a commit into the memory without reacting to it.
func (r *run) remember(c *events.Commit) error {
	if !r.d.remembers || !r.d.handles(c) {
		return nil
	}
	memory, _, err := r.decide(c, func([]eventReaction) (plan, error) { return nil, nil })
	if err == nil {
		r.memory = memory
	}
	return err
}

// decide returns the memory after a commit and the plan of what is to be done. It
// calls nothing but functions of the domain, and those that write their types as
// JSON.
func (r *run) decide(c *events.Commit, planned func([]eventReaction) (plan, error)) (memory jsontext.Value, p plan, err error) {
	panicked := events.Guard("the reaction", func() {
		var reactions []eventReaction
		if memory, reactions, err = r.d.react(r.codec, r.memory, c); err == nil {
			p, err = planned(reactions)
		}
	})
	return memory, p, cmp.Or(panicked, err)
}

// skipHistory returns a commit from which on, by pages, the first is found that is
// no history; n is history. Commits of a stream have times in order.
func (r *run) skipHistory(ctx context.Context, n int64) (int64, error) {
	for low, high := n, r.Last; ; {
		if r.skipped = high-low <= follow.ReadPage; r.skipped {
			return low, nil
		}
		mid := low + (high-low)/2
		page, err := r.history.Read(ctx, r.Name, mid, 1)
		switch {
		case events.Transient(err):
			return n, err
		case err != nil || len(page) == 0:
			return low, nil // the scan from there will hit the same error
		case page[0].Time.Before(r.d.since):
			low = mid
		default:
			high = mid
		}
	}
}

// observed reacts to one commit, between the two calls of Options.Begin.
func (r *run) observed(ctx context.Context, c *events.Commit) error {
	if r.opts.Begin == nil {
		return r.react(ctx, c)
	}
	ctx, end := r.opts.Begin(ctx, r.d.name, c)
	err := r.react(ctx, c)
	end(err)
	return err
}

// react handles one commit: all is decided first, then done, then written down.
func (r *run) react(ctx context.Context, c *events.Commit) error {
	r.declined = nil
	planner := &planner{d: r.d, source: r.opts.Source, sent: map[string]int{}}
	memory, plan, err := r.decide(c, planner.plan)
	if err == nil {
		r.begun, r.acting = time.Now(), true
		r.timers = map[string]string{}
		maps.Copy(r.timers, r.entry.Timers)
		err = r.perform(ctx, plan)
	}
	if err != nil {
		return &follow.CommitError{Number: c.Number, Err: err}
	}
	r.acting = false
	if err := r.advance(ctx, c.Number, memory, r.timers); err != nil {
		return err
	}
	r.report(func(p *Report) { p.Handled++ })
	return nil
}

// advance writes down that the commits up to n are handled.
func (r *run) advance(ctx context.Context, n int64, memory jsontext.Value, timers map[string]string) error {
	if !r.d.remembers {
		memory = nil
	}
	if len(timers) == 0 {
		timers = nil
	}
	err := r.update(ctx, n, func(e *Entry) {
		e.Answered = answered(e.Answered, n, e.Rejections, r.declined)
		e.Commit, e.Memory, e.MemorySchema, e.Attempts, e.Rejections, e.Timers = n, memory, r.d.schema, 0, nil, timers
	})
	if err == nil {
		r.Commit, r.memory, r.declined = n, memory, nil
	}
	return err
}

// answered adds the rejections of commit n to those of earlier ones.
func answered(earlier []PastRejection, n int64, acted, declined []Rejection) []PastRejection {
	all := slices.Clone(earlier)
	for _, x := range append(slices.Clip(acted), declined...) {
		all = slices.DeleteFunc(all, func(a PastRejection) bool { return a.CommandID == x.CommandID })
		all = append(all, PastRejection{n, x})
	}
	if len(all) == 0 {
		return nil
	}
	return all[max(0, len(all)-MaxAnswered):]
}

// note keeps a rejection until the commit is handled or parks the stream.
func (r *run) note(x Rejection) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.declined = append(r.declined, x)
}

// update changes the entry, which waits for commit n. If another runner wrote it
// meanwhile and it still waits for n, it is changed all the same; else it fails
// with conflict, and the run has to begin anew from the entry as it is.
func (r *run) update(ctx context.Context, n int64, change func(*Entry)) error {
	for conflicts := 1; ; conflicts++ {
		next := r.entry
		change(&next)
		err := r.save(ctx, next)
		if events.CodeOf(err) != events.CodeConflict || conflicts == maxConflicts {
			return err
		}
		if e := r.entry; e.Commit >= n || e.Fault != nil && !r.Redrive {
			return err
		}
	}
}

// save stores the next entry over the one that is known. After a conflict the
// one that is stored is known.
func (r *run) save(ctx context.Context, next Entry) error {
	next.Revision = r.entry.Revision + 1
	err := r.ledger.Save(ctx, next)
	switch {
	case err == nil:
		r.entry = next
	case events.CodeOf(err) == events.CodeConflict:
		if err := r.reload(ctx); err != nil {
			return err
		}
	}
	return err
}

// saveRejection writes a rejection down before it is acted on.
func (r *run) saveRejection(ctx context.Context, x Rejection) error {
	next := r.entry
	next.Rejections = append(slices.Clip(next.Rejections), x)
	return r.save(ctx, next)
}

// park parks the stream at the commit that can't be handled.
func (r *run) park(ctx context.Context, e *follow.CommitError) error {
	fault := r.Fault(e)
	err := r.update(ctx, e.Number, func(next *Entry) {
		fault.Attempts = next.Attempts + 1
		if old := next.Fault; old != nil && old.Commit == e.Number {
			fault.Attempts = old.Attempts + 1
		}
		next.Fault, next.Attempts, next.Answered = &fault, 0, answered(next.Answered, e.Number, nil, r.declined)
	})
	if err == nil {
		r.Park(fault)
	}
	return err
}

// Record implements follow.Consumer: the ledger can't read or write the entry, so
// nothing can be kept in it.
func (b *batch) Record(context.Context, *run, *follow.Fault) error { return nil }

// Release implements follow.Consumer.
func (b *batch) Release(ctx context.Context, r *run) (done bool, err error) {
	if r.entry.Fault == nil {
		return true, nil
	}
	return false, r.update(ctx, r.entry.Commit+1, func(e *Entry) { e.Fault, e.Attempts = nil, 0 })
}

// Postpone implements follow.Postponer. The attempt is counted in the entry, and
// the last one parks the stream.
func (b *batch) Postpone(r *run, cause error) (parked bool) {
	e, ok := errors.AsType[*follow.CommitError](cause)
	if !ok || !r.acting || !r.counts(cause) {
		return false
	}
	if r.entry.Attempts+1 >= r.opts.Attempts {
		return r.park(r.outer, e) == nil
	}
	// If this can't be written, the attempt does not count.
	_ = r.update(r.outer, e.Number, func(next *Entry) { next.Attempts++ })
	b.mu.Lock()
	defer b.mu.Unlock()
	b.attempts = max(b.attempts, r.entry.Attempts)
	return false
}

// counts reports whether a failure is an attempt of the commit. The end of the
// time is one if the commit had half of it; else it waited for others.
func (r *run) counts(cause error) bool {
	if events.CodeOf(cause) != events.CodeCanceled {
		return true
	}
	return r.budget > 0 && time.Since(r.begun) >= r.budget/2
}
