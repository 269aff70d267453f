package view_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"daybook/events"
	"daybook/events/eventstest"
	"daybook/view/query"
	"daybook/view/viewtest"
)

// commit appends a commit of several events, accepted at the given second.
func (b *bench) commit(stream events.Stream, at events.Position, second int, evs ...events.Data) events.Commit {
	b.t.Helper()
	c := events.Commit{ID: fmt.Sprintf("%s/%d", stream, second), Time: time.Date(2026, 1, 1, 0, 0, second, 0, time.UTC)}
	for _, e := range evs {
		encoded, err := b.codec.Encode(e.EventName(), e)
		if err != nil {
			b.t.Fatal(err)
		}
		c.Events = append(c.Events, encoded)
	}
	c, err := b.store.Append(context.Background(), at, c)
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

func TestAt(t *testing.T) {
	t.Parallel()
	b := newBench(t, newUsers(), newUsers2(), newCategories())
	qs := b.queries(newUsers(), newUsers2(), newCategories())
	toggled := func(active bool) events.Data {
		return userToggled{active}
	}
	c := b.commit("user/7", events.Start("user/7"), 10, noted())
	c = b.commit("user/7", events.After(&c), 20, created("Ann"), renamed("B"), renamed("C"))
	c = b.commit("user/7", events.After(&c), 30, toggled(false))
	b.commit("user/7", events.After(&c), 40, toggled(true), renamed("D"))
	second := func(n int) query.Moment { return query.Moment{Time: time.Date(2026, 1, 1, 0, 0, n, 0, time.UTC)} }
	version := func(n int64) query.Moment { return query.Moment{Version: n} }
	b.tables.Before = func(viewtest.Call) error { return events.Errorf(events.CodeInternal, "no table is read") }
	for _, c := range []struct {
		view, key string
		at        query.Moment
		want      string // the row, or a code
	}{
		{"users", "7", version(1), "not-found"},
		{"users", "7", version(2), `{"id":"7","name":"Ann","email":"Ann@x","active":true,"version":2}`},
		{"users", "7", version(3), `{"id":"7","name":"B","email":"Ann@x","active":true,"version":3}`},
		{"users", "7", version(4), `{"id":"7","name":"C","email":"Ann@x","active":true,"version":4}`},
		{"users", "7", version(7), `{"id":"7","name":"D","email":"Ann@x","active":true,"version":7}`},
		{"users", "7", version(8), "malformed"},
		{"users", "8", version(1), "not-found"},
		{"users", "8", second(50), "not-found"},
		{"users", "a\nb", version(1), "not-found"},
		{"users", strings.Repeat("x", 2000), version(1), "not-found"},
		{"users", "7", second(9), "not-found"},
		{"users", "7", second(10), "not-found"},
		{"users", "7", second(20), `{"id":"7","name":"C","email":"Ann@x","active":true,"version":4}`},
		{"users", "7", second(29), `{"id":"7","name":"C","email":"Ann@x","active":true,"version":4}`},
		{"users", "7", second(30), `{"id":"7","name":"C","email":"Ann@x","active":false,"version":5}`},
		{"users", "7", second(99), `{"id":"7","name":"D","email":"Ann@x","active":true,"version":7}`},
		{"shown", "7", version(4), `{"id":"7","name":"Ann","email":"Ann@x","active":true,"version":4}`},
		{"shown", "7", version(5), "not-found"}, // hidden then
		{"categories", "books", version(1), "malformed"},
		{"nothing", "7", version(1), "unknown-view"},
	} {
		row, err := qs.At(t.Context(), "", c.view, c.key, c.at)
		got := string(row.JSON)
		if err != nil {
			got = string(events.CodeOf(err))
		}
		if got != c.want || row.Parked || err == nil && c.at.Version != 0 && row.Version != c.at.Version {
			t.Errorf("%s/%.10s at %+v: %s (version %d, parked %v), want %s", c.view, c.key, c.at, got, row.Version, row.Parked, c.want)
		}
	}
	b.store.Before = func(string, events.Stream) error { return events.Errorf(events.CodeUnavailable, "injected") }
	if _, err := qs.At(t.Context(), "", "users", "7", version(1)); events.CodeOf(err) != events.CodeUnavailable {
		t.Errorf("got %v", err)
	}
}

// TestAtOfAParkedStream answers as far as the view can follow.
func TestAtOfAParkedStream(t *testing.T) {
	t.Parallel()
	b := newBench(t, fragile(true)...)
	qs := b.queries(fragile(true)...)
	evs := []events.Data{created("Ann")}
	for i := range 150 {
		evs = append(evs, renamed(fmt.Sprint(i)))
	}
	b.append("user/7", append(evs, renamed("bad"), renamed("Z"))...)
	b.append("user/8", renamed("bad"))
	row, err := qs.At(t.Context(), "", "users", "7", query.Moment{Version: 153})
	if err != nil || !row.Parked || row.Version != 151 || !strings.Contains(string(row.JSON), `"149"`) {
		t.Errorf("got %s, %+v, %v", row.JSON, row, err)
	}
	if row, err = qs.At(t.Context(), "", "users", "7", query.Moment{Version: 120}); err != nil || row.Parked || row.Version != 120 {
		t.Errorf("got %+v, %v", row, err)
	}
	if _, err = qs.At(t.Context(), "", "users", "8", query.Moment{Version: 1}); events.CodeOf(err) != events.CodeNotFound {
		t.Errorf("got %v", err)
	}
}

// TestAtIsTheFoldOfThePast: at every version and time the row is what the
// events up to it make.
func TestAtIsTheFoldOfThePast(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		b := &bench{t: t, codec: newCodec(), store: &eventstest.Memory{}, tables: viewtest.NewMemory(newUsers2())}
		qs := b.queries(newUsers2())
		var flat []events.Data
		var commits []events.Commit
		at := events.Start("user/7")
		for i := range rapid.SampledFrom([]int{1, 2, 3, 5, 8, 99, 100, 101}).Draw(rt, "commits") {
			evs := randomEvents(rt, "user")
			c := b.commit("user/7", at, i, evs...)
			at, commits, flat = events.After(&c), append(commits, c), append(flat, evs...)
		}
		past := func(n int) string {
			return viewtest.Given(t, b.codec, newUsers2(), viewtest.Commits(t, b.codec, "user/7", flat[:n]...)...).Row("7")
		}
		check := func(m query.Moment, n int) {
			row, err := qs.At(t.Context(), "", "shown", "7", m)
			if err != nil && events.CodeOf(err) != events.CodeNotFound {
				rt.Fatal(err)
			}
			want := ""
			if n > 0 {
				want = past(n)
			}
			if string(row.JSON) != want || want != "" && row.Version != int64(n) {
				rt.Fatalf("at %+v: %s, want %s", m, row.JSON, want)
			}
		}
		for range 3 {
			n := rapid.IntRange(1, len(flat)).Draw(rt, "version")
			check(query.Moment{Version: int64(n)}, n)
			c := commits[rapid.IntRange(0, len(commits)-1).Draw(rt, "commit")]
			check(query.Moment{Time: c.Time}, int(c.Version))
			check(query.Moment{Time: c.Time.Add(-time.Nanosecond)}, int(c.First()-1))
		}
	})
}
