package process

import (
	"cmp"
	"context"
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"daybook/events"
)

// run is what one reactor does with one stream.
type run struct {
	*batch
	d *def
	reader
	last int64        // the last commit to handle
	of   *streamBatch // nil for a redrive

	entry   Entry // as stored; Revision 0: none
	known   bool  // entry was read, or taken to be none
	lost    error // why entry could not be read
	tallied bool
	skipped bool // history was skipped; what is left of it is less than a page
	redrive bool // although the stream is parked

	at     int64          // the last commit looked at, behind entry.Commit
	memory jsontext.Value // up to at
	begun  time.Time      // of the effects of the commit under way

	timers map[string]string // as Entry.Timers, with what the commit under way has done
}

// commitError says that a commit could not be handled.
type commitError struct {
	number int64
	acting bool // its effects had begun
	err    error
}

func (e *commitError) Error() string { return fmt.Sprintf("commit %d: %v", e.number, e.err) }
func (e *commitError) Unwrap() error { return e.err }

// maxConflicts bounds how often a run begins anew without any progress, since
// another runner works on the same stream.
const maxConflicts = 8

// progressCommits is after how many commits without anything to do a run writes
// down how far it is.
const progressCommits = 10 * readPage

func (r *run) run(ctx context.Context) {
	for conflicts, at := 1, int64(0); ; conflicts++ {
		err := r.catchUp(ctx)
		if r.entry.Commit > at {
			conflicts, at = 1, r.entry.Commit
		}
		if err != nil && !events.Transient(err) && ctx.Err() == nil {
			err = r.park(ctx, err)
		}
		switch {
		case err == nil:
			return
		case events.CodeOf(err) != events.CodeConflict || conflicts == maxConflicts:
			r.postpone(err)
			return
		case conflicts > 1 && pause(ctx, r.opts.Pause, conflicts) != nil:
			r.postpone(err)
			return
		}
	}
}

// take takes over the entry that is stored; nil is none.
func (r *run) take(e *Entry) {
	r.entry, r.known = Entry{Key: r.entry.Key}, true
	if e != nil {
		r.entry = *e
	}
	r.tally()
}

func (r *run) reload(ctx context.Context) error {
	entries, err := r.ledger.Load(ctx, []Key{r.entry.Key})
	if err == nil {
		r.take(entries[0])
	}
	return err
}

// catchUp handles the commits behind the entry, up to the last.
func (r *run) catchUp(ctx context.Context) error {
	if r.lost != nil {
		return r.lost
	}
	if !r.known {
		if err := r.reload(ctx); err != nil {
			return err
		}
	}
	if r.entry.Fault != nil && !r.redrive || r.last <= r.entry.Commit {
		return nil
	}
	if err := r.recall(ctx); err != nil {
		return err
	}
	for r.at < r.last {
		if err := r.next(ctx); err != nil {
			return err
		}
		if r.at-r.entry.Commit >= progressCommits || r.redrive && r.at == r.last && r.at > r.entry.Commit {
			if err := r.advance(ctx, r.at, r.memory, r.entry.Timers); err != nil {
				return err
			}
		}
	}
	return nil
}

// tally counts, once, the deliveries that were handled before and those that are
// held back.
func (r *run) tally() {
	if r.of == nil || r.tallied {
		return
	}
	r.tallied = true
	skipped, held := 0, 0
	for _, n := range r.of.numbers {
		switch c := r.given[n]; {
		case c != nil && !r.d.reactsTo(c):
		case n <= r.entry.Commit:
			skipped++
		case r.entry.Fault != nil:
			held++
		}
	}
	r.report(func(p *Report) { p.Skipped += skipped; p.Held += held })
}

// recall makes the memory that the next commit goes on from: the entry's, or the
// fold of all commits up to it, where the entry has one of another schema.
func (r *run) recall(ctx context.Context) error {
	r.at, r.memory = r.entry.Commit, r.entry.Memory
	if !r.d.remembers || r.at == 0 || r.entry.MemorySchema == r.d.schema {
		return nil
	}
	r.memory = nil
	for n := int64(1); n <= r.at; n++ {
		c, _, err := r.reader.at(ctx, n, r.at)
		if err == nil {
			err = r.remember(c)
		}
		if err != nil {
			return &commitError{number: r.at + 1, err: err}
		}
	}
	return nil
}

// remember folds a commit into the memory without reacting to it.
func (r *run) remember(c *events.Commit) error {
	if !r.d.remembers || !r.d.handles(c) {
		return nil
	}
	memory, _, err := r.decide(c, func([]caused) (plan, error) { return nil, nil })
	if err == nil {
		r.memory = memory
	}
	return err
}

// decide returns the memory after a commit and the plan of what is to be done. It
// calls nothing but functions of the domain, and those that write their types as
// JSON.
func (r *run) decide(c *events.Commit, planned func([]caused) (plan, error)) (memory jsontext.Value, p plan, err error) {
	panicked := events.Guard("the reaction", func() {
		var reactions []caused
		if memory, reactions, err = r.d.react(r.codec, r.memory, c); err == nil {
			p, err = planned(reactions)
		}
	})
	return memory, p, cmp.Or(panicked, err)
}

// next looks at one commit.
func (r *run) next(ctx context.Context) error {
	n := r.at + 1
	c, read, err := r.reader.at(ctx, n, r.last)
	if err != nil {
		return &commitError{number: n, err: err}
	}
	if read {
		r.report(func(p *Report) { p.Gaps++ })
	}
	switch {
	case r.d.reactsTo(c):
		return r.react(ctx, c)
	case c.Time.Before(r.d.since) && !r.d.remembers && !r.skipped:
		r.at, err = r.skipHistory(ctx, n)
	default:
		r.at, err = n, r.remember(c)
	}
	if err != nil {
		return &commitError{number: n, err: err}
	}
	return nil
}

// skipHistory returns a commit from which on, by pages, the first is found that is
// no history; n is history. Commits of a stream have times in order.
func (r *run) skipHistory(ctx context.Context, n int64) (int64, error) {
	for low, high := n, r.last; ; {
		if r.skipped = high-low <= readPage; r.skipped {
			return low, nil
		}
		mid := low + (high-low)/2
		page, err := r.history.Read(ctx, r.stream, mid, 1)
		switch {
		case events.Transient(err):
			return n, err
		case err != nil || len(page) == 0:
			return low, nil // the way there will meet it
		case page[0].Time.Before(r.d.since):
			low = mid
		default:
			high = mid
		}
	}
}

// react handles one commit: all is decided first, then done, then written down.
func (r *run) react(ctx context.Context, c *events.Commit) error {
	planner := &planner{d: r.d, source: r.opts.Source, sent: map[string]int{}}
	memory, plan, err := r.decide(c, planner.plan)
	if err != nil {
		return &commitError{number: c.Number, err: err}
	}
	r.begun = time.Now()
	r.timers = map[string]string{}
	maps.Copy(r.timers, r.entry.Timers)
	if err := r.perform(ctx, plan); err != nil {
		return &commitError{number: c.Number, acting: true, err: err}
	}
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
		e.Commit, e.Memory, e.MemorySchema, e.Attempts, e.Rejections, e.Timers = n, memory, r.d.schema, 0, nil, timers
	})
	if err == nil {
		r.at, r.memory = n, memory
	}
	return err
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
		if e := r.entry; e.Commit >= n || e.Fault != nil && !r.redrive {
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

// keep writes a rejection down before it is acted on.
func (r *run) keep(ctx context.Context, x Rejection) error {
	next := r.entry
	next.Rejections = append(slices.Clip(next.Rejections), x)
	return r.save(ctx, next)
}

// park parks the stream at the commit that can't be handled.
func (r *run) park(ctx context.Context, cause error) error {
	fault := Fault{
		Reactor: r.d.name, Stream: r.stream, Commit: r.entry.Commit + 1,
		Code: events.CodeOf(cause), Text: events.FaultText(cause), Time: r.opts.Now().UTC(), Attempts: 1,
	}
	e, ok := errors.AsType[*commitError](cause)
	if !ok {
		// The ledger can't read or write the entry, so nothing can be kept in it:
		// each delivery meets the fault again.
		fault.Cause = cause
		r.report(func(p *Report) { p.Faults = append(p.Faults, fault) })
		return nil
	}
	fault.Commit = e.number
	err := r.update(ctx, e.number, func(next *Entry) {
		fault.Attempts = next.Attempts + 1
		if old := next.Fault; old != nil && old.Commit == e.number {
			fault.Attempts = old.Attempts + 1
		}
		next.Fault, next.Attempts = &fault, 0
	})
	if err == nil {
		fault.Cause = cause
		r.report(func(p *Report) { p.Faults = append(p.Faults, fault) })
	}
	return err
}

// postpone leaves the stream to another delivery. The attempt is counted in the
// entry, and the last one parks the stream.
func (r *run) postpone(cause error) {
	e, ok := errors.AsType[*commitError](cause)
	if ok && e.acting && r.counts(cause) && r.known {
		if r.entry.Attempts+1 >= r.opts.Attempts {
			if r.park(r.outer, cause) == nil {
				return
			}
		} else {
			// If this can't be written, the attempt does not count.
			_ = r.update(r.outer, e.number, func(next *Entry) { next.Attempts++ })
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if ok {
		r.attempts = max(r.attempts, r.entry.Attempts)
	}
	if r.failed[r.of] == nil {
		r.failed[r.of] = fmt.Errorf("%v %q, stream %q: %w", r.d.kind, r.d.name, r.stream, cause)
	}
}

// counts reports whether a failure is an attempt of the commit. The end of the
// time is one if the commit had half of it; else it waited for others.
func (r *run) counts(cause error) bool {
	if events.CodeOf(cause) != events.CodeCanceled {
		return true
	}
	return r.budget > 0 && time.Since(r.begun) >= r.budget/2
}
