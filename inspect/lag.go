package inspect

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"daybook/events"
	"daybook/parallel"
	"daybook/process"
	"daybook/view"
	"daybook/view/driver"
	"daybook/view/projection"
)

// LagQuery asks how far views, process managers and outboxes are behind. The events
// table is read, as far as Fraction and Budget allow, and the checkpoint of every
// stream that was met.
type LagQuery struct {
	Names    []string // of followers; none for all
	Fraction float64  // of the streams, above 0 and at most 1; 0 for all
	Budget   int      // commits at most; 0 for all
	Parallel int      // parts of the table at the same time; 0 for 8
	// Progress is called with the commits of each part that was read; may be nil.
	Progress func(commits int)
}

// LagReport is an answer to Lag.
type LagReport struct {
	Lags []Lag `json:"lags"`
	// Partial says that the budget ended before all commits were read.
	Partial bool `json:"partial,omitzero"`
	// Damaged counts streams that can't be read whole; they are measured as far as they
	// can.
	Damaged int64 `json:"damaged,omitzero"`
}

// Lag says how far a follower is behind.
type Lag struct {
	View    string  `json:"view,omitzero"`
	Version int     `json:"version,omitzero"` // of the view
	Process string  `json:"process,omitzero"` // a process manager or an outbox
	Streams int64   `json:"streams"`          // looked at
	Behind  int64   `json:"behind"`           // of them, parked ones left out
	Commits int64   `json:"commits"`          // that those lack
	Parked  int64   `json:"parked"`           // streams
	Seconds float64 `json:"seconds"`          // age of the oldest commit that is lacking
}

// Duration is the age of the oldest commit that is lacking.
func (l Lag) Duration() time.Duration { return time.Duration(l.Seconds * float64(time.Second)) }

// Lag measures how far followers are behind, in random parts of the events table.
func (i *Installation) Lag(ctx context.Context, q LagQuery) (LagReport, error) {
	q.Fraction, q.Parallel = cmp.Or(q.Fraction, 1), cmp.Or(q.Parallel, 8)
	if !(q.Fraction > 0 && q.Fraction <= 1) {
		return LagReport{}, events.Errorf(events.CodeMalformed, "the fraction must be above 0 and at most 1")
	}
	f, err := i.followers(ctx, q.Names)
	if err != nil {
		return LagReport{}, err
	}
	m := i.measurement(q, f)
	segments := max(q.Parallel, int(math.Ceil(16/q.Fraction)))
	chosen := rand.Perm(segments)[:max(1, int(math.Round(q.Fraction*float64(segments))))]
	err = parallel.New(q.Parallel).Until(ctx, len(chosen), func(ctx context.Context, part int) error {
		return m.part(ctx, chosen[part], segments)
	})
	return LagReport{m.lags, m.cut.Load(), int64(len(m.damaged))}, err
}

// measurement begins a measurement of followers.
func (i *Installation) measurement(q LagQuery, f followers) *measurement {
	m := &measurement{i: i, q: q, now: i.sources.Now(), damaged: map[events.Stream]bool{}}
	for _, v := range f.views {
		d := v.Describe()
		m.add(Lag{View: d.Name, Version: d.Version}, viewLag{i, v, f.tables.Table(d.Name, d.Version)})
	}
	for _, r := range f.reactors {
		d := r.Describe()
		m.add(Lag{Process: d.Name}, reactorLag{i, d})
	}
	return m
}

// measured is a follower whose lag is measured.
type measured interface {
	follows(stream events.Stream) bool
	// checkpoints returns how far the follower is with each stream.
	checkpoints(ctx context.Context, streams []events.Stream) ([]checkpoint, error)
	// missing returns the first commit behind a number that the follower lacks, nil
	// for none, and how many up to last it lacks.
	missing(ctx context.Context, last Head, applied int64) (first *events.Commit, n int64, err error)
}

// checkpoint is how far a follower is with a stream.
type checkpoint struct {
	commit int64
	parked bool
}

// measurement is a measurement under way.
type measurement struct {
	i         *Installation
	q         LagQuery
	now       time.Time
	followers []measured
	read      atomic.Int64
	cut       atomic.Bool

	mu      sync.Mutex
	lags    []Lag
	damaged map[events.Stream]bool
}

// lose counts a damaged stream.
func (m *measurement) lose(stream events.Stream) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.damaged[events.Stream(strings.Clone(string(stream)))] = true // it is part of a page
}

func (m *measurement) add(l Lag, f measured) {
	m.lags, m.followers = append(m.lags, l), append(m.followers, f)
}

// part looks at the streams of one part of the events table.
func (m *measurement) part(ctx context.Context, segment, segments int) error {
	var heads []Head
	for cursor := ""; ; {
		if m.q.Budget > 0 && m.read.Load() >= int64(m.q.Budget) {
			m.cut.Store(true)
			return m.ask(ctx, heads)
		}
		page, damaged, next, err := events.ScanTolerant(ctx, m.i.sources.Events, segment, segments, cursor)
		if err != nil {
			return err
		}
		for _, d := range damaged {
			m.lose(d.Stream)
		}
		m.read.Add(int64(len(page)))
		if m.q.Progress != nil {
			m.q.Progress(len(page))
		}
		for _, c := range page {
			if n := len(heads); n > 0 && heads[n-1].Stream == c.Stream {
				heads[n-1].Commit = c.Number
				continue
			}
			if len(heads) == 100 {
				if err := m.ask(ctx, heads); err != nil {
					return err
				}
				heads = heads[:0]
			}
			heads = append(heads, Head{c.Stream, c.Number})
		}
		if cursor = next; cursor == "" {
			return m.ask(ctx, heads)
		}
	}
}

// ask compares heads with what the followers have applied.
func (m *measurement) ask(ctx context.Context, heads []Head) error {
	for at, f := range m.followers {
		var followed []Head
		var streams []events.Stream
		for _, h := range heads {
			if f.follows(h.Stream) {
				followed, streams = append(followed, h), append(streams, h.Stream)
			}
		}
		if len(streams) == 0 {
			continue
		}
		points, err := f.checkpoints(ctx, streams)
		if err != nil {
			return err
		}
		for n, h := range followed {
			if err := m.count(ctx, at, h, points[n]); err != nil {
				return err
			}
		}
	}
	return nil
}

// count takes one stream of one follower into its lag.
func (m *measurement) count(ctx context.Context, at int, h Head, p checkpoint) error {
	var age float64
	var commits int64
	if p.commit < h.Commit && !p.parked {
		first, n, err := m.followers[at].missing(ctx, h, p.commit)
		if _, damaged := events.DamageOf(err); damaged {
			m.lose(h.Stream)
			err = nil
		}
		if err != nil {
			return err
		}
		if commits = n; first != nil {
			age = max(0, m.now.Sub(first.Time).Seconds())
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	l := &m.lags[at]
	l.Streams++
	switch {
	case p.parked:
		l.Parked++
	case commits > 0:
		l.Behind++
		l.Commits += commits
		l.Seconds = max(l.Seconds, age)
	}
	return nil
}

// viewLag measures a view.
type viewLag struct {
	i     *Installation
	v     view.View
	table driver.Table
}

func (l viewLag) follows(stream events.Stream) bool {
	_, ok := projection.StreamKey(l.v, stream)
	return ok
}

func (l viewLag) checkpoints(ctx context.Context, streams []events.Stream) ([]checkpoint, error) {
	keys := make([]string, len(streams))
	for n, stream := range streams {
		keys[n], _ = projection.StreamKey(l.v, stream)
	}
	items, err := l.table.Get(ctx, keys)
	points := make([]checkpoint, len(streams))
	for n, item := range items {
		if item != nil {
			points[n] = checkpoint{item.Commit, item.Parked != 0}
		}
	}
	return points, err
}

func (l viewLag) missing(ctx context.Context, last Head, applied int64) (*events.Commit, int64, error) {
	page, err := l.i.sources.Events.Read(ctx, last.Stream, applied+1, 1)
	if err != nil || len(page) == 0 {
		return nil, last.Commit - applied, err
	}
	return &page[0], last.Commit - applied, nil
}

// reactorLag measures a process manager or an outbox.
type reactorLag struct {
	i *Installation
	d process.Description
}

func (l reactorLag) follows(stream events.Stream) bool {
	return slices.Contains(l.d.Aggregates, stream.Aggregate())
}

func (l reactorLag) checkpoints(ctx context.Context, streams []events.Stream) ([]checkpoint, error) {
	keys := make([]process.Key, len(streams))
	for n, stream := range streams {
		keys[n] = process.Key{Reactor: l.d.Name, Stream: stream}
	}
	entries, err := l.i.sources.Ledger.Load(ctx, keys)
	points := make([]checkpoint, len(streams))
	for n, e := range entries {
		if e != nil {
			points[n] = checkpoint{e.Commit, e.Fault != nil}
		}
	}
	return points, err
}

// missing looks at the events of the commits: those that the reactor has no use for
// are not recorded in the ledger.
func (l reactorLag) missing(ctx context.Context, last Head, applied int64) (first *events.Commit, n int64, err error) {
	for from := applied + 1; from <= last.Commit; {
		page, err := l.i.sources.Events.Read(ctx, last.Stream, from, readPage)
		if err != nil || len(page) == 0 {
			return first, n, err
		}
		for at := range page {
			if page[at].Number <= last.Commit && handledBy(l.d, &page[at]) {
				if n++; first == nil {
					first = &page[at]
				}
			}
		}
		from += int64(len(page))
	}
	return first, n, nil
}

// handledBy reports whether a reactor has a use for a commit.
func handledBy(d process.Description, c *events.Commit) bool {
	return slices.Contains(d.Aggregates, c.Stream.Aggregate()) && !c.Time.Before(d.Since) &&
		slices.ContainsFunc(c.Events, func(e events.Event) bool { return slices.Contains(d.Events, e.Name) })
}
