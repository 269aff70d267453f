package follow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"daybook/events"
	"daybook/internal/jitter"
	"daybook/parallel"
)

// Options are the settings of a Run: all are needed.
type Options struct {
	// Limit bounds the streams that are handled at the same time.
	Limit parallel.Limit
	// Attempts bounds how often in a row a lane loses against another writer.
	Attempts int
	// Pause bounds the wait after the second loss, and doubles: see Pause.
	Pause time.Duration
	// Now is the clock for faults and lag.
	Now func() time.Time
}

// Report is the outcome of a batch.
type Report struct {
	// Retry holds the sequence numbers of the first delivery that failed for a
	// transient reason, and of all behind it; nil when none did.
	Retry []string
	// Err is the first of those reasons, for the log.
	Err error
	// Faults are the permanent faults; each parked its stream for its consumer.
	Faults []Fault

	Skipped int           // deliveries that a consumer had handled before, and repeats, counted by consumer
	Held    int           // deliveries that wait for a redrive of their stream, counted by consumer
	Gaps    int           // commits that a consumer read from the store to fill a gap
	Lag     time.Duration // from the acceptance of the oldest commit of the batch to its end
}

// Run is the handling of one batch. It is safe for concurrent use.
type Run struct {
	opts    Options
	batch   []Delivery
	streams []*Stream

	mu     sync.Mutex
	report Report
	failed map[events.Stream]error // transiently
}

// Begin groups a batch by stream.
func Begin(history History, batch []Delivery, o Options) *Run {
	r := &Run{opts: o, batch: batch, failed: map[events.Stream]error{}}
	var stray []Delivery
	r.streams, stray = group(history, batch)
	for _, d := range stray {
		r.report.Faults = append(r.report.Faults, Fault{
			Stream: d.Stream, Commit: d.Number, Code: events.CodeInternal, Time: o.Now(), Attempts: 1,
			Text: "a record does not say which commit it is about",
		})
	}
	return r
}

// Open returns the streams that have not failed, in the order of their first
// deliveries.
func (r *Run) Open() []*Stream {
	return slices.DeleteFunc(slices.Clone(r.streams), func(s *Stream) bool { return r.Failed(s.Name) != nil })
}

// Failed is why a stream is left to another delivery; nil if it is not.
func (r *Run) Failed(stream events.Stream) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed[stream]
}

// Fail leaves the streams to another delivery.
func (r *Run) Fail(streams []*Stream, err error) {
	for _, s := range streams {
		r.fail(s.Name, fmt.Errorf("stream %q: %w", s.Name, err))
	}
}

func (r *Run) fail(stream events.Stream, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed[stream] == nil {
		r.failed[stream] = err
	}
}

func (r *Run) add(f func(*Report)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(&r.report)
}

// End returns the report. The run is over then.
func (r *Run) End() Report {
	out, first := r.report, len(r.batch)
	for _, s := range r.streams {
		if err := r.failed[s.Name]; err != nil && s.index < first {
			first, out.Err = s.index, err
		}
	}
	for _, d := range r.batch[first:] {
		out.Retry = append(out.Retry, d.Sequence)
	}
	oldest := time.Time{}
	for _, d := range r.batch {
		if d.Commit != nil && (oldest.IsZero() || d.Commit.Time.Before(oldest)) {
			oldest = d.Commit.Time
		}
	}
	if !oldest.IsZero() {
		out.Lag = max(0, r.opts.Now().Sub(oldest))
	}
	// Not slices.SortFunc, of which a program has one for each type.
	sort.Slice(out.Faults, func(i, j int) bool {
		x, y := &out.Faults[i], &out.Faults[j]
		return cmp.Or(strings.Compare(x.Consumer, y.Consumer), strings.Compare(string(x.Stream), string(y.Stream))) < 0
	})
	return out
}

// Consume has a consumer handle the commits of streams that it lacks. A stream that
// fails holds up no other. Several consumers may work at the same time.
func Consume[L Lane](ctx context.Context, r *Run, c Consumer[L], streams []*Stream) {
	w := worker[L]{Run: r, consumer: c}
	var lanes []L
	for _, s := range streams {
		for _, lane := range c.Lanes(s) {
			lane.task().run = r
			lanes = append(lanes, lane)
		}
	}
	if _, together := c.(Grouper[L]); together {
		w.work(ctx, lanes)
		return
	}
	w.load(ctx, lanes)
	r.opts.Limit.Each(len(lanes), func(i int) { w.work(ctx, lanes[i:i+1]) })
}

// worker handles lanes of one consumer.
type worker[L Lane] struct {
	*Run
	consumer Consumer[L]
}

// work handles lanes until each is done, parked or left to another delivery.
func (w worker[L]) work(ctx context.Context, lanes []L) {
	for {
		w.load(ctx, lanes)
		lanes = slices.DeleteFunc(slices.Clone(lanes), func(lane L) bool { return w.gate(lane.task()) })
		if len(lanes) == 0 {
			return
		}
		lost := 0
		var open []L
		for i, err := range w.handle(ctx, lanes) {
			if w.goesOn(ctx, lanes[i], err) {
				open, lost = append(open, lanes[i]), max(lost, lanes[i].task().attempts)
			}
		}
		if lost > 1 && len(open) > 0 {
			if err := Pause(ctx, w.opts.Pause, lost); err != nil {
				for _, lane := range open {
					w.postpone(lane, err)
				}
				return
			}
		}
		lanes = open
	}
}

// maxLoad is how many lanes are loaded at once.
const maxLoad = 100

// load loads the lanes that are not known, many at a time. If a chunk can't be
// read, the fault of one must not hide the others.
func (w worker[L]) load(ctx context.Context, lanes []L) {
	unknown := slices.DeleteFunc(slices.Clone(lanes), func(lane L) bool { return lane.task().Known || lane.task().ended })
	for chunk := range slices.Chunk(unknown, maxLoad) {
		err := w.consumer.Load(ctx, chunk)
		if err != nil && !events.Transient(err) && ctx.Err() == nil && len(chunk) > 1 {
			for i := range chunk {
				w.load(ctx, chunk[i:i+1])
			}
			continue
		}
		for _, lane := range chunk {
			switch t := lane.task(); {
			case err == nil:
				t.Known = true
			case events.Transient(err) || ctx.Err() != nil:
				w.postpone(lane, err)
			default:
				w.record(ctx, lane, &CommitError{max(t.First, 1), err})
			}
		}
	}
}

// gate reports whether a lane has nothing to do.
func (w worker[L]) gate(t *Task) bool {
	if t.ended {
		return true
	}
	t.from, t.furthest = t.Commit, max(t.furthest, t.Commit)
	if t.Stop != nil && t.Stop.Number <= t.Commit {
		t.Stop = nil // another was quicker
	}
	switch {
	case t.Parked && !t.Redrive:
		w.count(t, true)
	case t.Last <= t.Commit:
		w.count(t, false)
	default:
		return false
	}
	return true
}

// count counts, once, the deliveries that were handled before the run, and those
// that are held back.
func (w worker[L]) count(t *Task, parked bool) {
	if t.counted {
		return
	}
	t.counted = true
	skipped, held := t.skipped(t.from)
	w.add(func(r *Report) {
		r.Skipped += skipped
		if parked {
			r.Held += held
		}
	})
}

func (w worker[L]) handle(ctx context.Context, lanes []L) []error {
	if g, ok := w.consumer.(Grouper[L]); ok {
		return g.HandleAll(ctx, lanes)
	}
	errs := make([]error, len(lanes))
	for i, lane := range lanes {
		errs[i] = w.consumer.Handle(ctx, lane)
	}
	return errs
}

// goesOn reports whether there is something left to do or to try in a lane.
func (w worker[L]) goesOn(ctx context.Context, lane L, err error) bool {
	t := lane.task()
	if err == nil {
		w.count(t, false)
		t.attempts = 0
		return !t.ended && t.Commit < t.Last
	}
	commit, named := errors.AsType[*CommitError](err)
	switch {
	case events.CodeOf(err) == events.CodeConflict:
		if t.attempts++; t.attempts < w.opts.Attempts {
			return true
		}
		w.postpone(lane, err)
	case events.Transient(err) || ctx.Err() != nil:
		w.postpone(lane, err)
	case t.Stop != nil:
		w.record(ctx, lane, t.Stop)
	case t.Until() > t.Commit+1 && (!named || commit.Number != t.Commit+1):
		t.Single = true
		return true
	case named:
		t.Stop = &CommitError{t.Commit + 1, commit.Err}
		return true
	default:
		t.Stop = &CommitError{t.Commit + 1, err}
		return true
	}
	return false
}

// postpone leaves a lane to another delivery.
func (w worker[L]) postpone(lane L, err error) {
	t := lane.task()
	if p, ok := w.consumer.(Postponer[L]); ok && p.Postpone(lane, err) {
		w.count(t, false)
		return
	}
	t.ended = true
	w.fail(t.Name, fmt.Errorf("%s, stream %q: %w", t.Label, t.Name, err))
}

// record keeps a fault of a lane which can't be parked. A fault that can't even be
// kept is met again with the whole stream, so that it is not lost.
func (w worker[L]) record(ctx context.Context, lane L, e *CommitError) {
	t := lane.task()
	f := t.Fault(e)
	err := againOnConflict(ctx, w.opts, func() error { return w.consumer.Record(ctx, lane, &f) })
	if err != nil {
		w.postpone(lane, err)
		return
	}
	t.Park(f)
}

// againOnConflict does something again while another writer is first.
func againOnConflict(ctx context.Context, o Options, do func() error) error {
	for attempt := 1; ; attempt++ {
		err := do()
		if events.CodeOf(err) != events.CodeConflict || attempt >= o.Attempts {
			return err
		}
		if err := Pause(ctx, o.Pause, attempt); err != nil {
			return err
		}
	}
}

// Pause waits before another attempt: a random time between half of a bound and the
// bound, which doubles with each attempt, from 1, up to 64 times.
func Pause(ctx context.Context, bound time.Duration, attempt int) error {
	bound <<= min(attempt-1, 6)
	timer := time.NewTimer(bound/2 + jitter.Below(bound/2))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return events.Wrap(events.CodeCanceled, ctx.Err(), "the request was given up")
	case <-timer.C:
		return nil
	}
}
