package admin

import (
	"context"
	"encoding/json/jsontext"
	"maps"
	"slices"
	"time"

	"daybook/events"
	"daybook/parallel"
	"daybook/view"
	"daybook/view/driver"
	"daybook/view/internal/definition"
	"daybook/view/internal/routing"
)

// ChangeKind says what a rebuild would do to an item.
type ChangeKind string

// The kinds of changes. The first three are of rows that queries answer, and of index
// entries.
const (
	ChangeAdded   ChangeKind = "added"
	ChangeRemoved ChangeKind = "removed"
	ChangeChanged ChangeKind = "changed"

	ChangeHidden   ChangeKind = "hidden"   // a row that no query returns, before and after
	ChangeMemory   ChangeKind = "memory"   // what a keyed view remembers of a stream
	ChangeParked   ChangeKind = "parked"   // the stream: the view can't apply what its table has applied
	ChangeReleased ChangeKind = "released" // the stream: it is parked, and the view can apply it
)

// Changes counts what a rebuild would do to a table.
type Changes struct {
	Rows    map[ChangeKind]int64            `json:"rows,omitempty"`    // and streams, of the last three kinds
	Indexes map[string]map[ChangeKind]int64 `json:"indexes,omitempty"` // entries, by index
	// Writes and WriteUnits are about what a rebuild writes: an item per row and
	// index entry, or per stream of a keyed view a transaction of its checkpoint and
	// the rows that it contributes to.
	Writes     int64 `json:"writes"`
	WriteUnits int64 `json:"writeUnits"`
}

// Any reports whether a rebuild would change anything.
func (c *Changes) Any() bool { return c != nil && len(c.Rows) > 0 }

func (c *Changes) count(f *Finding) {
	if f.Change == "" {
		return
	}
	one := Changes{Rows: map[ChangeKind]int64{f.Change: 1}, Indexes: map[string]map[ChangeKind]int64{}}
	for name, kind := range f.Entries {
		one.Indexes[name] = map[ChangeKind]int64{kind: 1}
	}
	c.add(&one)
}

func (c *Changes) add(other *Changes) {
	c.Writes += other.Writes
	c.WriteUnits += other.WriteUnits
	c.Rows = plus(c.Rows, other.Rows)
	for name, counts := range other.Indexes {
		if c.Indexes == nil {
			c.Indexes = map[string]map[ChangeKind]int64{}
		}
		c.Indexes[name] = plus(c.Indexes[name], counts)
	}
}

func plus(a, b map[ChangeKind]int64) map[ChangeKind]int64 {
	for kind, n := range b {
		if a == nil {
			a = map[ChangeKind]int64{}
		}
		a[kind] += n
	}
	return a
}

func (c *Changes) clone() *Changes {
	out := &Changes{Rows: maps.Clone(c.Rows), Indexes: map[string]map[ChangeKind]int64{}, Writes: c.Writes, WriteUnits: c.WriteUnits}
	for name, counts := range c.Indexes {
		out.Indexes[name] = maps.Clone(counts)
	}
	return out
}

// describe says what putting want in the place of have changes; nil is no item.
func (f *Finding) describe(have, want *driver.Item) {
	shows := func(item *driver.Item) bool { return item != nil && item.Row != nil }
	switch {
	case shows(have) && shows(want):
		f.Change = ChangeChanged
	case shows(want):
		f.Change = ChangeAdded
	case shows(have):
		f.Change = ChangeRemoved
	default:
		f.Change = ChangeHidden
	}
	var before, after map[string]driver.IndexKey
	if have != nil {
		before = have.Index
	}
	if want != nil {
		after = want.Index
	}
	entry := func(name string, kind ChangeKind) {
		if f.Entries == nil {
			f.Entries = map[string]ChangeKind{}
		}
		f.Entries[name] = kind
	}
	for name, place := range before {
		if now, stays := after[name]; !stays {
			entry(name, ChangeRemoved)
		} else if now != place {
			entry(name, ChangeChanged)
		}
	}
	for name := range after {
		if _, was := before[name]; !was {
			entry(name, ChangeAdded)
		}
	}
}

// changed adds to a finding about a stream's item what a rebuild would do. It is
// nothing where the item lacks commits only.
func (v *verifiedView) changed(f *Finding, item *driver.Item, t streamExpectation) *Finding {
	if f == nil {
		return nil
	}
	want := t.expected
	switch {
	case definition.IsParked(item) && t.err == nil:
		f.Change = ChangeReleased
		return f
	case t.err != nil && t.failed <= max(f.Applied, 1) && f.Kind != FoundExtra:
		f.Change = ChangeParked
		return f
	case f.Kind == FoundMissing && t.err != nil:
		f.Change = ChangeParked
		return f
	case f.Kind == FoundStale:
		return f
	case f.Kind == FoundMissing:
		made, err := v.item(t.stream, t.folded)
		if err != nil {
			f.Change = ChangeParked
			return f
		}
		want = &made
	}
	if v.Keyed {
		f.Change = ChangeMemory
		return f
	}
	f.describe(item, want)
	return f
}

// itemOverhead is about what DynamoDB adds to an item, with the names of its
// attributes, in bytes.
const itemOverhead = 60

// rebuilt counts what a rebuild writes for a stream.
func (c *Changes) rebuilt(v *verifiedView, item *driver.Item) {
	units := int64(len(item.Key)+len(item.Row)+len(item.Memo)+itemOverhead+1023) / 1024
	if !v.Keyed {
		places := int64(1 + len(item.Index))
		c.Writes += places
		c.WriteUnits += places * units
		return
	}
	names, err := v.Keys(item.Memo)
	if err != nil {
		return // the stream is parked
	}
	c.Writes += int64(1 + len(names))
	c.WriteUnits += 2 * (units + int64(len(names)*(1+len(v.Indexes))))
}

// folds reports whether rows of a keyed view are put together from the events: in
// a rehearsal that found checkpoints that are not as the events say.
func (r *verifyRun) folds(v *verifiedView) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.IndexFunc(r.state.Report.Views, func(report ViewReport) bool { return report.Name == v.Name })
	return r.opts.Rehearsal && r.state.Report.Views[i].foldsNow()
}

func (r ViewReport) foldsNow() bool {
	for _, kind := range []ChangeKind{ChangeMemory, ChangeParked, ChangeReleased} {
		if r.Changes.Rows[kind] > 0 {
			return true
		}
	}
	return false
}

// sumFolds puts the rows of a keyed view together from what its streams fold to, at
// the commits that their checkpoints claim.
func (r *verifyRun) sumFolds(ctx context.Context, s *sums) error {
	return parallel.New(r.opts.Parallel).Until(ctx, r.opts.Segments, func(ctx context.Context, segment int) error {
		p := &streamsPart{verifyRun: r, views: []*verifiedView{s.v}, tally: &tally{}}
		p.each = func(ctx context.Context, v *verifiedView, stream scannedStream) error {
			memo, parked, err := p.memory(ctx, v, stream)
			if e, damaged := events.DamageOf(err); damaged { // since the scan
				return p.damageSince(ctx, e.Damage())
			}
			if err != nil {
				return err
			}
			s.contribute(stream.name, memo, parked)
			return nil
		}
		p.lost = func(ctx context.Context, d events.Damage) error { // it contributes what it did
			if !s.v.Follows(d.Stream) {
				return nil
			}
			item, err := routing.GetItem(ctx, s.v.Table, s.v.ItemKeyOf(d.Stream))
			if err == nil && item != nil {
				s.contribute(d.Stream, item.Memo, item.Parked == definition.ParkedCounted)
			}
			return err
		}
		return p.scan(ctx, segment, r.opts.Segments)
	})
}

// contribute puts what a view remembers of a stream into the rows.
func (s *sums) contribute(stream events.Stream, memo jsontext.Value, parked bool) {
	if memo == nil {
		return
	}
	names, err := s.v.Names(stream, memo)
	if err != nil {
		return // such a stream is parked, and contributes nothing
	}
	changes := map[definition.Name]*definition.Change{}
	for _, name := range names {
		changes[name] = &definition.Change{Parts: []definition.Part{{Memo: memo}}}
		if parked {
			changes[name].Parked = 1
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addChanges(changes)
	s.shrink()
}

// memory is what the view would remember of a stream at the commit that its
// checkpoint claims; where a rebuild parks or releases the stream, at the last
// commit that it can apply. A stream without a checkpoint is taken whole, unless it
// is so young that its checkpoint may be under way.
func (p *streamsPart) memory(ctx context.Context, v *verifiedView, s scannedStream) (memo jsontext.Value, parked bool, err error) {
	if s.known && s.stored != nil && !definition.IsParked(s.stored) && s.stored.Commit == s.expected.Commit {
		return s.expected.Memo, false, nil
	}
	item, err := routing.GetItem(ctx, v.Table, v.ItemKeyOf(s.name))
	if err != nil {
		return nil, false, err
	}
	t, err := p.expect(ctx, v, s.name, definition.LastCommit(item))
	switch {
	case err != nil:
		return nil, false, err
	case t.expected != nil && !definition.IsParked(item):
		return t.expected.Memo, false, nil
	case item == nil && p.opts.Now().Sub(t.next.Time) < p.opts.Patience:
		return nil, false, nil
	}
	return t.folded.State, t.err != nil, nil
}

// RehearsedTable is the table that answers for a view, with what filled it.
type RehearsedTable struct {
	driver.Target
	// Differences says how what filled the table differs from the view's newest
	// declaration, one sentence each; NewKind that the one has rows per stream and
	// the other keyed rows, so that no row is comparable.
	Differences []string
	NewKind     bool
}

// PinRehearsal returns tables that open, for every version of a view, the one that
// answers queries, and says what filled each. A Verifier of them compares the newest
// declarations with what queries are answered from now.
func PinRehearsal(ctx context.Context, codec *events.Codec, tables driver.RoutedTables, views []view.View) (driver.Tables, []RehearsedTable, error) {
	routes, err := routing.New(codec, tables, views, nil)
	if err != nil {
		return nil, nil, err
	}
	rec, err := routing.ReadRecord(ctx, tables.Control())
	if err != nil {
		return nil, nil, err
	}
	p := &routing.PinnedTables{Tables: tables, At: map[string]driver.Target{}, AnyVersion: true}
	all := make([]RehearsedTable, len(views))
	for i, v := range views {
		d := v.Definition()
		route := rec.Views[d.Name]
		if route == nil {
			route = routing.NewRoute(d, rec.Version == 0)
		}
		all[i].Target = route.Answering(time.Now())
		p.At[d.Name] = all[i].Target
		state := route.Table(all[i].Target)
		if state == nil {
			continue
		}
		if shape, known := routes.StoredShape(ctx, *state); known {
			declared := view.ShapeOf(v)
			all[i].Differences, all[i].NewKind = shape.Differences(declared), shape.Kind != declared.Kind
		}
	}
	return p, all, nil
}
