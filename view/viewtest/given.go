package viewtest

import (
	"encoding/json/v2"
	"fmt"
	"reflect"
	"testing"
	"time"

	"daybook/events"
	"daybook/internal/expect"
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
	of   view.Description
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
	return &Rows{t: t, of: v.Describe(), fold: fold}
}

// Row returns the row of a key as a query answers it, "" when there is none.
func (r *Rows) Row(key string) string {
	r.t.Helper()
	row, ok, err := r.fold.Row("", key)
	if err != nil {
		r.t.Fatal(err)
	}
	if !ok {
		return ""
	}
	return string(row.JSON)
}

// ThenRow expects the row of a key, a value of the view's row type.
func (r *Rows) ThenRow(key string, row any) *Rows {
	r.t.Helper()
	if reflect.TypeOf(row) != r.of.Row {
		r.t.Fatalf("the rows of %s are of type %v, not %T", r.of.Name, r.of.Row, row)
	}
	got := r.Row(key)
	if got == "" {
		r.t.Fatalf("expected row %q of %s, there is none", key, r.of.Name)
	}
	what := fmt.Sprintf("row %q of %s", key, r.of.Name)
	found := reflect.New(r.of.Row) // without what every row has besides
	if err := json.Unmarshal([]byte(got), found.Interface()); err != nil {
		r.t.Fatalf("%s: %v", what, err)
	}
	expect.Same(r.t, what, expect.Fields(expect.JSON(r.t, what, row)), expect.Fields(expect.JSON(r.t, what, found.Interface())))
	return r
}

// ThenNoRow expects that there is no row of that key.
func (r *Rows) ThenNoRow(key string) *Rows {
	r.t.Helper()
	if got := r.Row(key); got != "" {
		r.t.Fatalf("expected no row %q of %s, got\n  %s", key, r.of.Name, got)
	}
	return r
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
	keys, err := r.fold.Keys("")
	if err != nil {
		r.t.Fatal(err)
	}
	return keys
}
