package admin

import (
	"cmp"
	"context"
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"daybook/events"
	"daybook/internal/jitter"
	"daybook/parallel"
	"daybook/view"
	"daybook/view/driver"
	"daybook/view/internal/definition"
	"daybook/view/internal/routing"
)

// VerifyOptions changes how a Verifier works. The zero value is the default.
type VerifyOptions struct {
	// Segments is how many parts the events table and each query table are read
	// in: what is done again after a stop is at most the parts under way.
	// Default 64, and more when Fraction is small. 1 to 1,000,000.
	Segments int
	// Parallel bounds the parts that are read at the same time; default 8.
	Parallel int
	// Fraction is the share of the streams, rows and keyed rows to check, by
	// random parts of the tables; 0 and 1 check all.
	Fraction float64
	// Seed fixes which parts Fraction takes.
	Seed uint64
	// Patience is how long after a command a view may still be behind; default
	// 5 s. A row that lacks a younger commit is waited for.
	Patience time.Duration
	// Memory bounds, in bytes and roughly, what the rows of a keyed view are put
	// together in; default 64 MiB. Rows beyond it cost one more scan each time.
	Memory int
	// Findings bounds how many findings of each view the report lists; default
	// 1,000. All are counted.
	Findings int
	// Origin names the code and the tables of a check, such as a build and an
	// installation. Only a state of the same origin can be resumed: parts that other
	// code has checked would be reported as this one's.
	Origin string
	// Resume goes on from a state that Save got.
	Resume *VerifyState
	// Save is told the state after each part, from one goroutine at a time. An
	// error ends the check.
	Save func(VerifyState) error
	// Progress is told how much was read, after each page, from any goroutine.
	Progress func(VerifyProgress)
	// Rehearsal asks what a rebuild by the views would change in the tables, which
	// PinRehearsal chose: the report counts Changes, and a row of a keyed view is
	// put together from the events where a checkpoint is not as they say.
	Rehearsal bool
	// Observe returns what looks at the commits of one part of the events table
	// beside the check.
	Observe func(segment int) Observer
	// Now is the clock for Patience; default time.Now.
	Now func() time.Time
}

// Observer looks at the commits of one part of the events table.
type Observer interface {
	// Observe is handed a page: all commits of a stream in order, streams one
	// after another; and which streams it can't read whole. An error ends the check.
	Observe(ctx context.Context, page []events.Commit, damaged []events.Damage) error
	// End follows the last page. An error ends the check.
	End(ctx context.Context) error
	// Add takes in what was seen, right before Save; it is called by one goroutine
	// at a time.
	Add()
}

// VerifyProgress counts what was read since the start of Verify.
type VerifyProgress struct {
	Commits int64 // of the events table
	Items   int64 // of query tables
}

// Verifier compares tables with what the events say they should hold. It only
// reads. It may run while commands and projectors do: what differs at first is
// read again, strongly consistent, and judged by the commit that it claims.
//
// It reads the events table once, each row once by its key, and each table once
// for what should not be there; a table of a keyed view once more for each
// VerifyOptions.Memory of rows. Nothing that grows with a table is kept in
// memory.
type Verifier struct {
	store events.Store
	codec *events.Codec
	views []*verifiedView
	opts  VerifyOptions

	commits, items atomic.Int64
}

// verifiedView is a view with the table to verify.
type verifiedView struct {
	*routing.TableView
}

// NewVerifier returns a verifier of the given views. An error says what is wrong
// with their declarations or with the options.
func NewVerifier(store events.Store, codec *events.Codec, tables driver.Tables, views []view.View, opts *VerifyOptions) (*Verifier, error) {
	open, err := routing.Open(codec, tables, views)
	if err != nil {
		return nil, err
	}
	v := &Verifier{store: store, codec: codec}
	for _, p := range open {
		v.views = append(v.views, &verifiedView{TableView: p})
	}
	if opts != nil {
		v.opts = *opts
	}
	return v, v.opts.complete()
}

// complete checks the options and fills in what was left out.
func (o *VerifyOptions) complete() error {
	o.Fraction = cmp.Or(o.Fraction, 1)
	if o.Fraction < 0 || o.Fraction > 1 || math.IsNaN(o.Fraction) {
		return events.Malformed("fraction", "must be above 0 and at most 1")
	}
	o.Segments = cmp.Or(o.Segments, min(max(64, int(math.Ceil(16/o.Fraction))), 1_000_000))
	if o.Segments < 1 || o.Segments > 1_000_000 {
		return events.Malformed("segments", "must be from 1 to 1,000,000")
	}
	o.Parallel = routing.OrDefault(o.Parallel, 8)
	o.Patience = routing.OrDefault(o.Patience, 5*time.Second)
	o.Memory = routing.OrDefault(o.Memory, 64<<20)
	o.Findings = routing.OrDefault(o.Findings, 1000)
	if o.Now == nil {
		o.Now = time.Now
	}
	return nil
}

// Verify does the check. Its error is a fault of reading, of Save, or the end of
// ctx; what is wrong with the tables is in the report. With an error the report
// is what was found until then, and the last state that Save got goes on from
// there.
func (v *Verifier) Verify(ctx context.Context) (VerifyReport, error) {
	state := v.newState()
	if old := v.opts.Resume; old != nil {
		if err := old.fits(state); err != nil {
			return state.Report, err
		}
		state = old.clone()
	}
	run := &verifyRun{Verifier: v, state: state, done: map[string]bool{}}
	for _, name := range state.Done {
		run.done[name] = true
	}
	err := run.all(ctx, run.parts())
	for _, view := range v.views {
		if err == nil && view.Keyed {
			err = run.all(ctx, []verifyPart{{"keyed " + view.Name, func(ctx context.Context) (*tally, error) { return run.compareKeyed(ctx, view) }}})
		}
	}
	return run.state.Report, err
}

// verifyRun is one run of a Verifier.
type verifyRun struct {
	*Verifier

	mu    sync.Mutex
	state VerifyState
	done  map[string]bool // names of parts
}

// verifyPart is what is done whole or again.
type verifyPart struct {
	name string
	run  func(ctx context.Context) (*tally, error)
}

// parts lists what is checked part by part: streams against items, and items
// against streams.
func (r *verifyRun) parts() []verifyPart {
	var all []verifyPart
	for _, segment := range r.segments() {
		all = append(all, verifyPart{fmt.Sprintf("events %d", segment), func(ctx context.Context) (*tally, error) {
			return r.streams(ctx, segment)
		}})
	}
	for _, view := range r.views {
		for _, segment := range r.segments() {
			all = append(all, verifyPart{fmt.Sprintf("table %s %d", view.Name, segment), func(ctx context.Context) (*tally, error) {
				return r.strangers(ctx, view, segment)
			}})
		}
	}
	return all
}

// segments returns the parts that Fraction takes, sorted.
func (v *Verifier) segments() []int {
	n := v.opts.Segments
	if v.opts.Fraction == 1 {
		all := make([]int, n)
		for i := range all {
			all[i] = i
		}
		return all
	}
	take := max(1, int(math.Round(v.opts.Fraction*float64(n))))
	chosen := rand.New(rand.NewPCG(v.opts.Seed, 0)).Perm(n)[:take]
	slices.Sort(chosen)
	return chosen
}

// all does the parts that are not done, several at a time.
func (r *verifyRun) all(ctx context.Context, parts []verifyPart) error {
	parts = slices.DeleteFunc(slices.Clone(parts), func(part verifyPart) bool { return r.done[part.name] })
	cause := parallel.New(r.opts.Parallel).Until(ctx, len(parts), func(ctx context.Context, i int) error {
		found, err := parts[i].run(ctx)
		if err == nil {
			err = r.finish(parts[i].name, found)
		}
		if err != nil {
			return fmt.Errorf("part %q: %w", parts[i].name, err)
		}
		return nil
	})
	if cause != nil {
		if _, ok := errors.AsType[*events.Error](cause); !ok && errors.Is(cause, ctx.Err()) {
			return events.Wrap(events.CodeCanceled, cause, "the check was given up")
		}
		return cause
	}
	return nil
}

// finish takes in what a part found.
func (r *verifyRun) finish(name string, found *tally) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state.Report.add(found, r.opts.Findings)
	if found.observer != nil {
		found.observer.Add()
	}
	r.state.Done = append(r.state.Done, name)
	if r.opts.Save == nil {
		return nil
	}
	return r.opts.Save(r.state.clone())
}

// read counts what was read and tells Progress.
func (v *Verifier) read(commits, items int) {
	p := VerifyProgress{Commits: v.commits.Add(int64(commits)), Items: v.items.Add(int64(items))}
	if v.opts.Progress != nil {
		v.opts.Progress(p)
	}
}

// verifyAttempts bounds the attempts at an operation that fails transiently; with pauses of up to 5 s it outlasts a short throttling.
const verifyAttempts = 10

// patiently calls f again while events.Repeatable reports its error.
func patiently[T any](ctx context.Context, f func() (T, error)) (T, error) {
	for attempt := 1; ; attempt++ {
		out, err := f()
		if err == nil || !events.Repeatable(err) || ctx.Err() != nil || attempt == verifyAttempts {
			return out, err
		}
		limit := min(50*time.Millisecond<<attempt, 5*time.Second)
		if routing.Sleep(ctx, limit/2+jitter.Below(limit/2)) != nil {
			return out, err
		}
	}
}

// patientPages are events.Pages of a scan that is patient.
func patientPages[T any](
	ctx context.Context, scan func(ctx context.Context, segment, segments int, cursor string) ([]T, string, error), segment, segments int,
) iter.Seq2[[]T, error] {
	return events.Pages(ctx, func(ctx context.Context, segment, segments int, cursor string) (page []T, next string, err error) {
		page, err = patiently(ctx, func() (page []T, err error) {
			page, next, err = scan(ctx, segment, segments, cursor)
			return page, err
		})
		return page, next, err
	}, segment, segments)
}

// foldTo applies commits from..to of a stream, which are at hand, to a state.
func (v *verifiedView) foldTo(codec *events.Codec, state jsontext.Value, commits []events.Commit) (definition.FoldState, error) {
	from := commits[0].Number
	return v.Fold(codec, state, from, from+int64(len(commits))-1, func(n int64) (*events.Commit, error) {
		return &commits[n-from], nil
	})
}

// item is what the table should hold of a stream.
func (v *verifiedView) item(stream events.Stream, out definition.FoldState) (driver.Item, error) {
	if !v.Keyed {
		return v.RowItem(stream, out)
	}
	return definition.Checkpoint(stream, out), nil
}
