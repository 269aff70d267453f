package inspect

import (
	"bytes"
	"context"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"maps"
	"slices"
	"time"

	"daybook/aggregate"
	"daybook/events"
	"daybook/view"
	"daybook/view/projection"
)

// At is a point in a stream's past: a time, or a version, 0 for before the first.
type At struct {
	Version int64
	Time    time.Time // zero: Version says which
}

// keeps says how many events of a commit belong to the past.
func (at At) keeps(c *events.Commit) int {
	if at.Time.IsZero() {
		return int(min(int64(len(c.Events)), max(0, at.Version-c.First()+1)))
	}
	if c.Time.After(at.Time) {
		return 0
	}
	return len(c.Events)
}

// Moment is what a stream had made at a point in its past.
type Moment struct {
	Stream  events.Stream             `json:"stream"`
	Version int64                     `json:"version"`
	Time    time.Time                 `json:"time,omitzero"` // of the last event within
	State   jsontext.Value            `json:"state,omitzero"`
	Rows    map[string]jsontext.Value `json:"rows"` // by view; null for a row that is hidden or not there yet
}

// Difference is one thing that changed between two moments.
type Difference struct {
	Of     string         `json:"of"`    // "state", or the name of a view
	Field  string         `json:"field"` // "" for a row that came or went
	Before jsontext.Value `json:"before,omitzero"`
	After  jsontext.Value `json:"after,omitzero"`
}

// Moment returns the state of a stream and the rows of the views that have one row
// a stream, as they were, whatever the tables hold now. It reads the stream up to
// then. At a version that the stream does not have yet it is as the stream is now.
//
// Codes: tenant-required for a stream without the tenant that the application needs;
// not-found for one that does not exist and an aggregate that is not declared; internal
// for events that can't be folded; and those of events.Store.
func (i *Installation) Moment(ctx context.Context, stream events.Stream, at At) (Moment, error) {
	commits, err := i.until(ctx, stream, at)
	if err != nil {
		return Moment{}, err
	}
	return i.moment(stream, commits)
}

// Diff returns what changed between two versions, sorted, and the version that was
// reached: a stream may not have the second.
func (i *Installation) Diff(ctx context.Context, stream events.Stream, from, to int64) (all []Difference, reached int64, err error) {
	commits, err := i.until(ctx, stream, At{Version: to})
	if err != nil {
		return nil, 0, err
	}
	after, err := i.moment(stream, commits)
	if err != nil {
		return nil, 0, err
	}
	before, err := i.moment(stream, cut(commits, At{Version: from}))
	if err != nil {
		return nil, 0, err
	}
	return compare(before, after), after.Version, nil
}

// foldPage is how many commits are read at once of a stream that is read whole.
const foldPage = 1000

// eachCommit hands the commits of a stream to f, oldest first, until f says no.
func (i *Installation) eachCommit(ctx context.Context, stream events.Stream, f func(*events.Commit) (more bool)) error {
	if err := i.CheckTenant(stream.Tenant()); err != nil {
		return err
	}
	for from := int64(1); ; {
		page, err := i.sources.Events.Read(ctx, stream, from, foldPage)
		if err != nil {
			return err
		}
		if len(page) == 0 && from == 1 {
			return noStream(stream)
		}
		for n := range page {
			if !f(&page[n]) {
				return nil
			}
		}
		if len(page) < foldPage {
			return nil
		}
		from += int64(len(page))
	}
}

// until reads a stream up to a point.
func (i *Installation) until(ctx context.Context, stream events.Stream, at At) ([]events.Commit, error) {
	var commits []events.Commit
	err := i.eachCommit(ctx, stream, func(c *events.Commit) bool {
		past, whole := within(c, at)
		commits = append(commits, past...)
		return whole
	})
	return commits, err
}

// cut returns the commits up to a point.
func cut(commits []events.Commit, at At) (kept []events.Commit) {
	for n := range commits {
		past, whole := within(&commits[n], at)
		if kept = append(kept, past...); !whole {
			break
		}
	}
	return kept
}

// within returns the part of a commit up to a point, none or one, and whether it is
// all of it.
func within(c *events.Commit, at At) (past []events.Commit, whole bool) {
	n := at.keeps(c)
	if n == 0 {
		return nil, false
	}
	part := *c
	part.Version, part.Events = c.First()+int64(n)-1, c.Events[:n]
	return []events.Commit{part}, n == len(c.Events)
}

// moment folds commits; none is the state before the first.
func (i *Installation) moment(stream events.Stream, commits []events.Commit) (Moment, error) {
	m := Moment{Stream: stream, Rows: map[string]jsontext.Value{}}
	of, err := i.aggregate(stream.Aggregate())
	if err != nil {
		return m, err
	}
	var es []events.Event
	for _, c := range commits {
		es = append(es, c.Events...)
		m.Version, m.Time = c.Version, c.Time
	}
	if m.State, err = aggregate.Fold(of, es); err != nil {
		return m, err
	}
	for _, v := range i.app.Views {
		d := v.Describe()
		if d.Kind != view.KindRows || !slices.Contains(d.Aggregates, of.Name()) {
			continue
		}
		m.Rows[d.Name] = jsontext.Value("null")
		if len(commits) == 0 {
			continue
		}
		fold, err := projection.NewFold(v, i.codec)
		if err != nil {
			return m, err
		}
		if err := fold.Add(commits); err != nil {
			return m, err
		}
		if row, ok, err := fold.Row(stream.Tenant(), stream.ID()); err != nil {
			return m, err
		} else if ok {
			m.Rows[d.Name] = row.JSON
		}
	}
	return m, nil
}

// compare lists what differs between two moments, sorted.
func compare(before, after Moment) []Difference {
	all := compareObjects("state", before.State, after.State)
	for _, name := range slices.Sorted(maps.Keys(after.Rows)) {
		all = append(all, compareObjects(name, before.Rows[name], after.Rows[name])...)
	}
	return all
}

// compareObjects lists the members in which two JSON objects differ; what is no
// object is compared whole.
func compareObjects(of string, before, after jsontext.Value) []Difference {
	if bytes.Equal(before, after) {
		return nil
	}
	var a, b map[string]jsontext.Value
	if json.Unmarshal(before, &a) != nil || json.Unmarshal(after, &b) != nil || a == nil || b == nil {
		return []Difference{{Of: of, Before: before, After: after}}
	}
	names := map[string]bool{}
	for name := range a {
		names[name] = true
	}
	for name := range b {
		names[name] = true
	}
	var all []Difference
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if !bytes.Equal(a[name], b[name]) {
			all = append(all, Difference{Of: of, Field: name, Before: a[name], After: b[name]})
		}
	}
	return all
}
