package viewtest

import (
	"encoding/json/v2"
	"fmt"
	"testing"
	"time"

	"daybook/events"
	"daybook/view"
	"daybook/view/projection"
)

// Commits returns a stream of one commit for each event, at times a second
// apart. It fails the test for an event that codec does not know.
func Commits(t testing.TB, codec *events.Codec, stream events.Stream, evs ...events.Data) []events.Commit {
	t.Helper()
	commits := make([]events.Commit, 0, len(evs))
	for i, e := range evs {
		encoded, err := codec.Encode(e.EventName(), e)
		if err != nil {
			t.Fatalf("event %d of %s: %v", i+1, stream, err)
		}
		n := int64(i) + 1
		commits = append(commits, events.Commit{
			Stream: stream, Number: n, Version: n, ID: fmt.Sprintf("%s#%d", stream, n),
			Time:     time.Date(2026, 1, 1, 0, 0, i, 0, time.UTC),
			Commands: []events.Command{{ID: fmt.Sprintf("%s#%d", stream, n), Version: n}},
			Events:   []events.Event{encoded},
		})
	}
	return commits
}

// Rows are the rows that commits made of a view.
type Rows struct {
	t    testing.TB
	fold *projection.Fold
}

// Given applies the commits, whole streams in any mixture, to a view. It fails
// the test when the view is declared wrongly or can't apply one.
func Given(t testing.TB, codec *events.Codec, v view.View, commits ...events.Commit) *Rows {
	t.Helper()
	fold, err := projection.NewFold(v, codec)
	if err != nil {
		t.Fatal(err)
	}
	streams, order := map[events.Stream][]events.Commit{}, []events.Stream{}
	for _, c := range commits {
		if len(streams[c.Stream]) == 0 {
			order = append(order, c.Stream)
		}
		streams[c.Stream] = append(streams[c.Stream], c)
	}
	for _, s := range order {
		if err := fold.Add(streams[s]); err != nil {
			t.Fatal(err)
		}
	}
	return &Rows{t: t, fold: fold}
}

// Row returns the row of a key as a query answers it, "" when there is none.
func (r *Rows) Row(key string) string {
	r.t.Helper()
	row, ok, err := r.fold.Row(key)
	if err != nil {
		r.t.Fatal(err)
	}
	if !ok {
		return ""
	}
	return string(row.JSON)
}

// Decode reads the row of a key into a row of the view's type; ok is false when
// there is none.
func Decode[Row any](r *Rows, key string) (row Row, ok bool) {
	r.t.Helper()
	text := r.Row(key)
	if text == "" {
		return row, false
	}
	if err := json.Unmarshal([]byte(text), &row); err != nil {
		r.t.Fatal(err)
	}
	return row, true
}

// Keys returns the keys of all rows that queries answer, sorted.
func (r *Rows) Keys() []string {
	r.t.Helper()
	keys, err := r.fold.Keys()
	if err != nil {
		r.t.Fatal(err)
	}
	return keys
}
