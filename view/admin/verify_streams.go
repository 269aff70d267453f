package admin

import (
	"cmp"
	"context"
	"encoding/json/jsontext"
	"maps"
	"slices"

	"daybook/events"
	"daybook/follow"
	"daybook/view/driver"
	"daybook/view/internal/definition"
	"daybook/view/internal/routing"
)

// streams folds the streams of one part of the store and compares each with its
// item in every view.
func (r *verifyRun) streams(ctx context.Context, segment int) (*tally, error) {
	p := &streamsPart{verifyRun: r, views: r.views, tally: &tally{}}
	p.each = p.check
	p.lost = func(_ context.Context, d events.Damage) error {
		p.tally.damaged.Add(d)
		return nil
	}
	if r.opts.Observe != nil {
		p.tally.observer = r.opts.Observe(segment)
	}
	err := p.scan(ctx, segment, r.opts.Segments)
	return p.tally, err
}

// scan folds the streams of one part of the store.
func (p *streamsPart) scan(ctx context.Context, segment, segments int) error {
	p.waiting = make([]map[string]driver.Item, len(p.views))
	observer := p.tally.observer
	cursor := ""
	for {
		var damaged []events.Damage
		var next string
		page, err := patiently(ctx, func() (page []events.Commit, err error) {
			page, damaged, next, err = events.ScanTolerant(ctx, p.store, segment, segments, cursor)
			return page, err
		})
		if err == nil && observer != nil {
			err = observer.Observe(ctx, page, damaged)
		}
		if err != nil {
			return err
		}
		for _, d := range p.damaged.Page(p.stream, damaged) {
			if err := p.damage(ctx, d); err != nil {
				return err
			}
		}
		p.read(len(page)+len(damaged), 0)
		for len(page) > 0 {
			n := slices.IndexFunc(page, func(c events.Commit) bool { return c.Stream != page[0].Stream })
			if n < 0 {
				n = len(page)
			}
			if err := p.foldCommits(ctx, page[:n]); err != nil {
				return err
			}
			page = page[n:]
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	if err := p.end(ctx); err != nil {
		return err
	}
	for i := range p.views {
		if err := p.compare(ctx, i); err != nil {
			return err
		}
	}
	if observer != nil {
		return observer.End(ctx)
	}
	return nil
}

// streamsPart is the check of the streams of one part.
type streamsPart struct {
	*verifyRun
	views []*verifiedView
	tally *tally
	// each is told of every stream that a view follows.
	each func(ctx context.Context, v *verifiedView, s scannedStream) error
	// lost is told of every damaged stream, in place of each.
	lost    func(ctx context.Context, d events.Damage) error
	damaged events.LostStreams

	stream events.Stream // being folded
	number int64         // of its last commit
	// broken says that the scan did not show the stream whole and in order:
	// commits came while it ran, or one is missing.
	broken bool
	states []definition.FoldState // by view
	errs   []error

	waiting []map[string]driver.Item // expected items to compare, by view and key
}

// scannedStream is a stream as the scan saw it, with its item. One that is not known
// for sure, because the scan was torn or an item can't be read, must be read again.
type scannedStream struct {
	name     events.Stream
	known    bool
	expected driver.Item  // if known
	stored   *driver.Item // if known; nil for none
}

// damage takes in a damaged stream, unless it can be read by now.
func (p *streamsPart) damage(ctx context.Context, d events.Damage) error {
	found, err := patiently(ctx, func() (*events.Damage, error) { return d.Locate(ctx, p.store) })
	p.damaged.Set(d.Stream, found != nil)
	if err != nil || found == nil {
		return err
	}
	return p.lost(ctx, *found)
}

// damageSince takes in a stream that was whole when it was scanned, once.
func (p *streamsPart) damageSince(ctx context.Context, d events.Damage) error {
	if p.damaged.Has(d.Stream) {
		return nil
	}
	return p.damage(ctx, d)
}

// foldCommits folds commits of one stream.
func (p *streamsPart) foldCommits(ctx context.Context, commits []events.Commit) error {
	if commits[0].Stream != p.stream {
		if err := p.end(ctx); err != nil {
			return err
		}
		p.stream, p.number, p.broken = commits[0].Stream, 0, false
		p.states, p.errs = make([]definition.FoldState, len(p.views)), make([]error, len(p.views))
	}
	for _, c := range commits {
		p.tally.commits++
		p.tally.events += int64(len(c.Events))
		p.broken = p.broken || c.Number != p.number+1
		p.number = c.Number
	}
	for i, v := range p.views {
		if p.broken || p.errs[i] != nil || !v.Follows(p.stream) {
			continue
		}
		p.states[i], p.errs[i] = v.foldTo(p.codec, p.states[i].State, commits)
	}
	return nil
}

// end hands the stream over for comparing.
func (p *streamsPart) end(ctx context.Context) error {
	if p.stream == "" {
		return nil
	}
	defer func() { p.stream = "" }()
	if whole, err := p.whole(ctx); err != nil || !whole {
		return err
	}
	p.tally.streams++
	for i, v := range p.views {
		if !v.Follows(p.stream) {
			continue
		}
		item, err := driver.Item{}, p.errs[i]
		if err == nil && !p.broken {
			item, err = v.item(p.stream, p.states[i])
		}
		if err != nil || p.broken {
			if err := p.each(ctx, v, scannedStream{name: p.stream}); err != nil {
				return err
			}
			continue
		}
		if _, again := p.waiting[i][item.Key]; again || len(p.waiting[i]) == driver.MaxGet {
			if err := p.compare(ctx, i); err != nil {
				return err
			}
		}
		if p.waiting[i] == nil {
			p.waiting[i] = map[string]driver.Item{}
		}
		p.waiting[i][item.Key] = item
	}
	return nil
}

// whole reports whether the stream can be read whole. One that the scan has torn is
// looked at again.
func (p *streamsPart) whole(ctx context.Context) (bool, error) {
	switch {
	case p.damaged.Has(p.stream):
		return false, nil
	case !p.broken:
		return true, nil
	}
	err := p.damage(ctx, events.Damage{Stream: p.stream, Version: events.UnknownVersion, Commit: p.number})
	if err != nil || p.damaged.Has(p.stream) {
		return false, err
	}
	p.tally.torn++
	return true, nil
}

// compare reads the items that wait, and judges those that are not as expected.
func (p *streamsPart) compare(ctx context.Context, i int) error {
	v, expected := p.views[i], p.waiting[i]
	if len(expected) == 0 {
		return nil
	}
	p.waiting[i] = nil
	keys := slices.Sorted(maps.Keys(expected))
	items, err := patiently(ctx, func() ([]*driver.Item, error) { return v.Table.Get(ctx, keys) })
	if events.Transient(err) {
		return err
	}
	p.read(0, len(items))
	for j, key := range keys {
		s := scannedStream{name: v.streamOf(key)}
		if err == nil {
			s.known, s.expected, s.stored = true, expected[key], items[j]
		}
		if err := p.each(ctx, v, s); err != nil {
			return err
		}
	}
	return nil
}

// check adds what is wrong with the item of a stream.
func (p *streamsPart) check(ctx context.Context, v *verifiedView, s scannedStream) error {
	if p.opts.Rehearsal && s.known {
		p.tally.of(v).changes.rebuilt(v, &s.expected)
	}
	if !s.known || definition.IsParked(s.stored) || !v.Same(s.stored, &s.expected) {
		return p.judge(ctx, v, s.name)
	}
	vt := p.tally.of(v)
	vt.streams++
	if !v.Keyed {
		vt.rows++
	}
	return nil
}

// streamOf is the inverse of ItemKeyOf.
func (v *verifiedView) streamOf(key string) events.Stream {
	if !v.Keyed {
		name, _ := definition.RowName(&driver.Item{Key: key})
		return events.StreamOf(v.Aggregates[0], name.Key).In(name.Tenant)
	}
	return events.Stream(key[len(definition.StreamPrefix):])
}

// judge looks at one stream and its item closely and adds what it finds.
func (p *streamsPart) judge(ctx context.Context, v *verifiedView, stream events.Stream) error {
	finding, err := p.judgeStream(ctx, v, stream)
	if e, damaged := events.DamageOf(err); damaged { // since the scan
		return p.damageSince(ctx, e.Damage())
	}
	if err != nil {
		return err
	}
	vt := p.tally.of(v)
	vt.streams++
	if !v.Keyed {
		vt.rows++
		if finding != nil {
			finding.Row = stream.ID()
		}
	}
	if finding != nil {
		finding.Stream = stream
	}
	p.tally.found(v, finding, p.opts.Findings)
	return nil
}

// judgeStream compares strongly consistent reads: the item first, then the
// stream, so that the stream holds all that the item can have seen. While the
// first commit that the item lacks is young, it waits; but for no more commits
// than there were at the first look: a busy stream may never be caught up with.
func (p *streamsPart) judgeStream(ctx context.Context, v *verifiedView, stream events.Stream) (*Finding, error) {
	goal := int64(0)
	for {
		item, err := patiently(ctx, func() (*driver.Item, error) { return routing.GetItem(ctx, v.Table, v.ItemKeyOf(stream)) })
		if events.Transient(err) {
			return nil, err
		}
		if err != nil {
			return &Finding{Kind: FoundUnreadable, Text: err.Error()}, nil
		}
		told, err := p.expect(ctx, v, stream, definition.LastCommit(item))
		if err != nil {
			return nil, err
		}
		finding := v.verdict(item, told)
		if p.opts.Rehearsal {
			finding = v.changed(finding, item, told)
		}
		if finding == nil || finding.Kind != FoundMissing && finding.Kind != FoundStale {
			return finding, nil
		}
		if definition.IsParked(item) {
			return p.parkedAs(ctx, v, stream, finding)
		}
		if goal > 0 && definition.LastCommit(item) >= goal {
			return nil, nil
		}
		goal = cmp.Or(goal, told.last)
		if rest := p.opts.Patience - p.opts.Now().Sub(told.next.Time); rest > 0 {
			if err := routing.Sleep(ctx, rest); err != nil {
				return nil, err
			}
			continue
		}
		return finding, nil
	}
}

// streamExpectation is what a stream tells of its item.
type streamExpectation struct {
	stream   events.Stream
	last     int64                // number of the last commit
	expected *driver.Item         // at the commit that the item claims; nil at none
	next     events.Commit        // the first that the item lacks
	folded   definition.FoldState // up to the end, or the commit that can't be applied
	err      error                // why the view can't apply a commit
	failed   int64                // number of that commit
}

// expect folds a stream from its start: to the commit that an item claims, and on
// to the end to see whether that can be done.
func (p *streamsPart) expect(ctx context.Context, v *verifiedView, stream events.Stream, claims int64) (streamExpectation, error) {
	t := streamExpectation{stream: stream}
	for {
		page, err := patiently(ctx, func() ([]events.Commit, error) { return p.store.Read(ctx, stream, t.last+1, follow.ReadPage) })
		if err != nil {
			return t, err
		}
		whole := len(page) < follow.ReadPage
		for len(page) > 0 {
			n := len(page)
			if first := page[0].Number; claims >= first && claims < first+int64(n)-1 {
				n = int(claims - first + 1)
			}
			if t.last == claims {
				t.next = page[0]
			}
			if t.err == nil {
				t.folded, t.failed, t.err = v.step(p.codec, t.folded.State, page[:n])
			}
			t.last = page[n-1].Number
			if t.last == claims && t.err == nil {
				if item, err := v.item(stream, t.folded); err != nil {
					t.err, t.failed = err, claims
				} else {
					t.expected = &item
				}
			}
			page = page[n:]
		}
		if whole {
			return t, nil
		}
	}
}

// step folds commits; failed is the number of the one that can't be applied.
func (v *verifiedView) step(codec *events.Codec, state jsontext.Value, commits []events.Commit) (out definition.FoldState, failed int64, err error) {
	out, err = v.foldTo(codec, state, commits)
	if err != nil {
		failed = out.Commit + 1
	}
	return out, failed, err
}

// verdict compares an item with what its stream tells.
func (v *verifiedView) verdict(item *driver.Item, t streamExpectation) *Finding {
	f := &Finding{Applied: definition.LastCommit(item), Last: t.last}
	if t.err != nil {
		f.Text = "the view can't apply commit " + itoa(t.failed) + ": " + events.FaultText(t.err)
	}
	switch {
	case item == nil && t.last == 0:
		return nil
	case item == nil:
		f.Kind = FoundMissing
	case t.last == 0:
		f.Kind, f.Text = FoundExtra, "there is no such stream"
	case item.Commit > t.last:
		f.Kind, f.Text = FoundDifferent, "it has applied a commit that its stream does not have"
	case item.Commit == 0 && item.Version == 0 && definition.IsParked(item):
		f.Kind = FoundStale // it says nothing but that
	case t.expected == nil:
		f.Kind = FoundDifferent
	case !v.Same(item, t.expected):
		f.Kind, f.Fields = FoundDifferent, v.fieldsOf(item, t.expected)
	case item.Commit < t.last:
		f.Kind = FoundStale
	case definition.IsParked(item):
		f.Kind, f.Text = FoundDifferent, "it is marked as parked and lacks no commit"
	default:
		return nil
	}
	return f
}

// parkedAs makes a finding that of a parked stream, with the fault on record.
func (p *streamsPart) parkedAs(ctx context.Context, v *verifiedView, stream events.Stream, f *Finding) (*Finding, error) {
	f.Kind = FoundParked
	record, err := patiently(ctx, func() (*driver.Item, error) { return routing.GetItem(ctx, v.Table, definition.ParkedKey(stream)) })
	if events.Transient(err) {
		return nil, err
	}
	if err == nil && record == nil {
		f.Text = "no record says why"
		return f, nil
	}
	if err == nil {
		var fault follow.Fault
		if fault, err = v.FaultOf(record); err == nil {
			f.Text = "commit " + itoa(fault.Commit) + ": " + fault.Text
		}
	}
	if err != nil {
		f.Text = events.FaultText(err)
	}
	return f, nil
}
