package process

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
	"daybook/nearest"
)

// Report says what came of a batch.
type Report struct {
	// Retry holds the sequence numbers of the first delivery that failed for a
	// reason that may pass, and of all behind it; nil when none did.
	Retry []string
	// Err is the first of those reasons, for the log.
	Err error
	// Faults are the faults that do not pass, or did not in Options.Attempts
	// deliveries; each parked its stream for its reactor.
	Faults []Fault

	Handled    int           // commits handled, counted by reactor
	Commands   int           // commands accepted, repeats included
	Declined   int           // commands rejected with a code that Unless names
	Superseded int           // commands that were accepted before, with the payload that older code made
	Timers     int           // timers set
	Published  int           // integration events published
	Skipped    int           // deliveries that a reactor had handled before, counted by reactor
	Held       int           // deliveries that wait for a redrive of their stream, counted by reactor
	Gaps       int           // commits that a reactor read from the store to fill a gap
	Lag        time.Duration // from the acceptance of the oldest commit of the batch to its end
}

// Effects are what reactors do. What is nil fails with unavailable when a
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
	// Tries bounds how often an effect or a call of the ledger is tried in one
	// go; default 5. Pause bounds the wait before the second try, and doubles;
	// default 100 ms.
	Tries int
	Pause time.Duration
	// Attempts bounds the deliveries of a commit that fail for reasons that may
	// pass: with the last one the stream is parked, so that it does not hold up
	// the others for ever. Default 10.
	Attempts int
	// Fresh is the age up to which a stream's first commit is taken for one that
	// was not seen before, without a look into the ledger; default 5 s, negative
	// for never. If it was, its effects are repeated, within the time in which
	// every stream recognises a repeated command.
	Fresh time.Duration
	// Reserve is how long before the context's deadline work ends, so that what
	// came of it can be written down; default 1 s, at most a fifth of the time.
	Reserve time.Duration
	// Source begins the source of integration events: the name of the
	// deployment; default "daybook".
	Source string
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
	d.Tries = orDefault(d.Tries, 5)
	d.Pause = orDefault(d.Pause, 100*time.Millisecond)
	d.Attempts = orDefault(d.Attempts, 10)
	d.Reserve = orDefault(d.Reserve, time.Second)
	d.Source = cmp.Or(d.Source, "daybook")
	if d.Fresh == 0 {
		d.Fresh = DefaultFresh
	}
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
	history  History
	codec    *events.Codec
	ledger   Ledger
	reactors []*def
	effects  Effects
	opts     Options
}

// NewRunner returns a runner of the given reactors. An error says what is wrong
// with their declarations, all of it.
func NewRunner(history History, codec *events.Codec, ledger Ledger, reactors []Reactor, effects Effects, opts *Options) (*Runner, error) {
	defs, err := check(codec, reactors)
	if err != nil {
		return nil, err
	}
	return &Runner{history: history, codec: codec, ledger: ledger, reactors: defs, effects: effects, opts: opts.withDefaults()}, nil
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
func (r *Runner) Handle(ctx context.Context, deliveries []Delivery) Report {
	begin := r.opts.Now()
	work, cancel, budget := r.reserve(ctx)
	defer cancel()
	streams, stray := groupByStream(deliveries)
	b := &batch{Runner: r, outer: ctx, budget: budget, failed: map[*streamBatch]error{}}
	for _, d := range stray {
		b.sum.Faults = append(b.sum.Faults, Fault{
			Stream: d.Stream, Commit: d.Number, Code: events.CodeInternal, Time: begin, Attempts: 1,
			Text: "a record does not say which commit it is about",
		})
	}
	runs := b.runs(streams)
	b.load(work, runs)
	each(make(chan struct{}, r.opts.Concurrency), runs, func(_ int, one *run) { one.run(work) })
	return b.finish(deliveries, streams)
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

// batch is the handling of one batch.
type batch struct {
	*Runner
	outer  context.Context // ends after the one that work is done under
	budget time.Duration   // from the beginning to the end of work; 0 for no end

	mu     sync.Mutex
	sum    Report
	failed map[*streamBatch]error // for a reason that may pass
}

// runs pairs reactors with the streams that they have to look at.
func (b *batch) runs(streams []*streamBatch) (runs []*run) {
	for _, s := range streams {
		for _, d := range b.reactors {
			if !d.follows(s.stream) {
				continue
			}
			if last := s.last(d); last > 0 {
				one := b.newRun(d, s.stream)
				one.of, one.given, one.last = s, s.given, last
				first := s.given[1]
				one.known = first != nil && b.opts.Now().Sub(first.Time) < b.opts.Fresh
				runs = append(runs, one)
			}
		}
	}
	return runs
}

func (b *batch) newRun(d *def, stream events.Stream) *run {
	return &run{
		batch: b, d: d, reader: reader{history: b.history, stream: stream},
		entry: Entry{Key: Key{Reactor: d.name, Stream: stream}},
	}
}

// maxLoad is the limit of Ledger.Load.
const maxLoad = 100

// load reads the entries that are not known, many at a time. Those of a chunk
// with one that can't be read are left for their own attempt.
func (b *batch) load(ctx context.Context, runs []*run) {
	unknown := slices.DeleteFunc(slices.Clone(runs), func(one *run) bool { return one.known })
	for chunk := range slices.Chunk(unknown, maxLoad) {
		keys := make([]Key, len(chunk))
		for i, one := range chunk {
			keys[i] = one.entry.Key
		}
		var entries []*Entry
		err := b.again(ctx, func() (err error) {
			entries, err = b.ledger.Load(ctx, keys)
			return err
		})
		for i, one := range chunk {
			switch {
			case err == nil:
				one.take(entries[i])
			case events.Transient(err):
				one.lost = err
			}
		}
	}
}

// report adds to the report.
func (b *batch) report(add func(*Report)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	add(&b.sum)
}

func (b *batch) finish(deliveries []Delivery, streams []*streamBatch) Report {
	out := b.sum
	first := len(deliveries)
	for _, s := range streams {
		if err := b.failed[s]; err != nil && s.index < first {
			first, out.Err = s.index, err
		}
	}
	for _, d := range deliveries[first:] {
		out.Retry = append(out.Retry, d.Sequence)
	}
	oldest := time.Time{}
	for _, d := range deliveries {
		if d.Commit != nil && (oldest.IsZero() || d.Commit.Time.Before(oldest)) {
			oldest = d.Commit.Time
		}
	}
	if !oldest.IsZero() {
		out.Lag = max(0, b.opts.Now().Sub(oldest))
	}
	// Not slices.SortFunc, of which a program has one for each type.
	sort.Slice(out.Faults, func(i, j int) bool {
		x, y := &out.Faults[i], &out.Faults[j]
		return cmp.Or(strings.Compare(x.Reactor, y.Reactor), strings.Compare(string(x.Stream), string(y.Stream))) < 0
	})
	return out
}
