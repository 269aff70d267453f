package process

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"daybook/events"
	"daybook/follow"
	"daybook/nearest"
	"daybook/parallel"
)

// Report is the outcome of a batch.
type Report struct {
	follow.Report

	Handled    int // commits handled, counted by reactor
	Commands   int // commands accepted, repeats included
	Declined   int // commands rejected with a code that Unless names
	Superseded int // commands that were accepted before, with the payload that older code made
	Timers     int // timers set
	Published  int // integration events published
}

// Effects are what reactors do. A nil field fails with unavailable when a
// reaction asks for it: a program that only lists what is parked needs none.
type Effects struct {
	Commands  Commands
	Timers    Timers
	Publisher Publisher
}

// Options changes how a Runner works. The zero value of each is its default.
type Options struct {
	// Concurrency bounds the streams that are handled at the same time, over all
	// reactors; default 16. Parallel bounds the commands of one reaction that are
	// sent at the same time; default 8.
	Concurrency, Parallel int
	// Pause bounds the wait before another try; it doubles with each, up to 64
	// times. Default 100 ms. See Attempts.
	Pause time.Duration
	// Attempts bounds the deliveries of a commit that fail for reasons that may
	// pass: with the last one the stream is parked, so that it does not hold up
	// the others for ever. Default 10. The runner waits (Pause) before it gives
	// such a batch back, since it may be delivered again at once: by default
	// ten deliveries last at least 12 s.
	Attempts int
	// Fresh is the age up to which a stream's first commit is taken for one that
	// was not seen before, without a look into the ledger; default 5 s, negative
	// for never. If it was, its effects are repeated, within the time in which
	// every stream recognises a repeated command.
	Fresh time.Duration
	// Reserve is how long before the context's deadline work ends, so that
	// its outcome can be stored; default 1 s, at most a fifth of the time.
	Reserve time.Duration
	// Source begins the source of integration events: the name of the
	// deployment; default "daybook".
	Source string
	// Begin, when not nil, is told of each reaction to a commit before it is decided;
	// its effects get the context that it returns. end is called once.
	Begin func(ctx context.Context, reactor string, c *events.Commit) (_ context.Context, end func(error))
	// Now is the clock for faults, lag and freshness; default time.Now.
	Now func() time.Time
}

func (o *Options) withDefaults() Options {
	var d Options
	if o != nil {
		d = *o
	}
	d.Concurrency = orDefault(d.Concurrency, 16)
	d.Parallel = orDefault(d.Parallel, 8)
	d.Pause = orDefault(d.Pause, 100*time.Millisecond)
	d.Attempts = orDefault(d.Attempts, 10)
	d.Reserve = orDefault(d.Reserve, time.Second)
	d.Source = cmp.Or(d.Source, "daybook")
	d.Fresh = cmp.Or(d.Fresh, DefaultFresh)
	if d.Now == nil {
		d.Now = time.Now
	}
	return d
}

// DefaultFresh is the default of Options.Fresh.
const DefaultFresh = 5 * time.Second

// orDefault returns n, or the default when n was not set.
func orDefault[N int | time.Duration](n, standard N) N {
	if n <= 0 {
		return standard
	}
	return n
}

// Runner runs reactors on deliveries. It is safe for concurrent use, and any
// number of runners may work on the same ledger: what two of them do twice is
// harmless, since the ids are the same.
type Runner struct {
	history  follow.History
	codec    *events.Codec
	ledger   Ledger
	reactors []*def
	effects  Effects
	opts     Options
	limit    parallel.Limit
}

// NewRunner returns a runner of the given reactors. An error says what is wrong
// with their declarations, all of it.
func NewRunner(history follow.History, codec *events.Codec, ledger Ledger, reactors []Reactor, effects Effects, opts *Options) (*Runner, error) {
	defs, err := check(codec, reactors)
	if err != nil {
		return nil, err
	}
	o := opts.withDefaults()
	return &Runner{history: history, codec: codec, ledger: ledger, reactors: defs, effects: effects, opts: o, limit: parallel.New(o.Concurrency)}, nil
}

// check returns the definitions of reactors that may live together and whose
// events codec knows.
func check(codec *events.Codec, reactors []Reactor) ([]*def, error) {
	var errs []error
	var defs []*def
	for _, r := range reactors {
		d := r.definition()
		errs = append(errs, d.declared())
		if slices.ContainsFunc(defs, func(other *def) bool { return other.name == d.name }) {
			errs = append(errs, fmt.Errorf("%v %q: the name is declared twice: give one of them another", d.kind, d.name))
		}
		for _, name := range d.events() {
			if !codec.Declares(name) {
				errs = append(errs, fmt.Errorf("%v %q: no aggregate declares event %q%s", d.kind, d.name, name, nearest.Hint(name, codec.Names())))
			}
		}
		defs = append(defs, d)
	}
	return defs, errors.Join(errs...)
}

// Handle handles a batch: for each reactor and stream the commits that the
// reactor has not handled yet, in order, up to the last one of the batch that it
// has a use for. A stream that fails holds up no other; see Report for what to do
// about it. Deliveries that no reactor has a use for count as done.
func (r *Runner) Handle(ctx context.Context, deliveries []follow.Delivery) Report {
	work, cancel, budget := r.reserve(ctx)
	defer cancel()
	b := &batch{Runner: r, outer: ctx, budget: budget}
	all := follow.Begin(r.history, deliveries, r.following())
	follow.Consume(work, all, b, all.Open())
	if b.attempts > 0 {
		_ = follow.Pause(work, r.opts.Pause, b.attempts) // an ended context leaves less time, and that is all
	}
	b.sum.Report = all.End()
	return b.sum
}

func (r *Runner) following() follow.Options {
	return follow.Options{Limit: r.limit, Attempts: maxConflicts, Pause: r.opts.Pause, Now: r.opts.Now}
}

// reserve returns a context that ends before ctx does, and how long it lasts, 0
// for without end.
func (r *Runner) reserve(ctx context.Context) (context.Context, context.CancelFunc, time.Duration) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx, func() {}, 0
	}
	left := time.Until(deadline)
	work := left - min(r.opts.Reserve, left/5)
	ctx, cancel := context.WithTimeout(ctx, work)
	return ctx, cancel, work
}

// batch is the handling of one batch: all reactors as one consumer, since they
// share the ledger.
type batch struct {
	*Runner
	outer  context.Context // ends after the one that work is done under
	budget time.Duration   // from the beginning to the end of work; 0 for no end

	mu  sync.Mutex
	sum Report
	// attempts is the highest number of deliveries of a commit that has failed.
	attempts int
}

// Lanes implements follow.Consumer.
func (b *batch) Lanes(s *follow.Stream) (runs []*run) {
	for _, d := range b.reactors {
		if !d.follows(s.Name) {
			continue
		}
		if one := b.newRun(d, s); one.Last > 0 {
			first := s.Given[1]
			one.Known = first != nil && b.opts.Now().Sub(first.Time) < b.opts.Fresh
			runs = append(runs, one)
		}
	}
	return runs
}

func (b *batch) newRun(d *def, s *follow.Stream) *run {
	return &run{
		batch: b, d: d, entry: Entry{Key: Key{Reactor: d.name, Stream: s.Name}},
		Task: s.Task(follow.Fault{Consumer: d.name}, fmt.Sprintf("%v %q", d.kind, d.name), d.reactsTo),
	}
}

// Load implements follow.Consumer.
func (b *batch) Load(ctx context.Context, runs []*run) error {
	keys := make([]Key, len(runs))
	for i, r := range runs {
		keys[i] = r.entry.Key
	}
	entries, err := b.ledger.Load(ctx, keys)
	if err != nil {
		return err
	}
	for i, r := range runs {
		r.setEntry(entries[i])
	}
	return nil
}

// report adds to the report.
func (b *batch) report(add func(*Report)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	add(&b.sum)
}
