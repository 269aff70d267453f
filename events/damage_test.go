package events_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"daybook/events"
)

// holed is a store with one stream of commits of two events, some of which can't be read
// or are missing.
type holed struct {
	events.Store
	length         int64
	spoilt, absent int64 // numbers; 0 for none
	reads          int
}

var errSpoilt = errors.New("an attribute is missing")

// Read implements events.Store as one on DynamoDB does: items are decoded before gaps are
// looked for.
func (h *holed) Read(_ context.Context, stream events.Stream, from int64, limit int) ([]events.Commit, error) {
	h.reads++
	var page []events.Commit
	for n := from; n <= h.length && len(page) < limit; n++ {
		switch n {
		case h.absent:
		case h.spoilt:
			return nil, events.Wrap(events.CodeInternal, &events.DamagedError{Stream: stream, Number: n, Cause: errSpoilt}, "a stored commit can't be read")
		default:
			page = append(page, events.Commit{Stream: stream, Number: n, Version: 2 * n})
		}
	}
	for i, c := range page {
		if want := from + int64(i); c.Number != want {
			return nil, events.Wrap(events.CodeInternal, &events.DamagedError{Stream: stream, Number: want}, "a stream is damaged")
		}
	}
	return page, nil
}

// TestFindDamage: the first commit that can't be read is told, with the version before it,
// in few reads.
func TestFindDamage(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		length, spoilt, absent int64
		version, commit        int64 // 0 for a stream that is whole
		reason                 string
	}{
		{length: 0},
		{length: 1},
		{length: 64},
		{length: 1000},
		{1, 1, 0, 0, 1, "commit 1 can't be read: an attribute is missing"},
		{5, 5, 0, 8, 5, "commit 5 can't be read: an attribute is missing"},
		{500, 301, 0, 600, 301, "commit 301 can't be read: an attribute is missing"},
		{3, 0, 1, 0, 1, "commit 1 is missing"},
		{500, 0, 301, 600, 301, "commit 301 is missing"},
		{500, 401, 301, 600, 301, "commit 301 is missing"},
		{500, 302, 301, 600, 301, "commit 301 is missing"},
		{500, 301, 302, 600, 301, "commit 301 can't be read: an attribute is missing"},
		{2, 2, 1, 0, 1, "commit 1 is missing"},
	} {
		store := &holed{length: test.length, spoilt: test.spoilt, absent: test.absent}
		d, err := events.FindDamage(t.Context(), store, "user/7")
		if err != nil {
			t.Fatalf("%+v: %v", test, err)
		}
		if test.commit == 0 {
			if d != nil {
				t.Errorf("%+v: %+v", test, d)
			}
			continue
		}
		if want := (events.Damage{Stream: "user/7", Version: test.version, Commit: test.commit, Reason: test.reason}); d == nil || *d != want {
			t.Errorf("%+v: got %+v", test, d)
		}
		if most := int(test.length/64) + 20; store.reads > most {
			t.Errorf("%+v: %d reads, more than %d", test, store.reads, most)
		}
	}
}

// TestDamages: all are counted, and the first twenty by name are told, whatever the order
// they come in.
func TestDamages(t *testing.T) {
	t.Parallel()
	var one, other events.Damages
	for i := range 50 {
		d := events.Damage{Stream: events.Stream(fmt.Sprintf("user/%02d", i*37%50))}
		if i%2 == 0 {
			one.Add(d)
		} else {
			other.Add(d)
		}
	}
	one.AddAll(other)
	if one.Count != 50 || len(one.Streams) != events.MaxDamages {
		t.Fatalf("%d, %d told", one.Count, len(one.Streams))
	}
	for i, d := range one.Streams {
		if want := events.Stream(fmt.Sprintf("user/%02d", i)); d.Stream != want {
			t.Errorf("%d: got %s, want %s", i, d.Stream, want)
		}
	}
}

// TestLostStreams: a damaged stream is told of once, also when pages part its commits.
func TestLostStreams(t *testing.T) {
	t.Parallel()
	var l events.LostStreams
	damage := func(streams ...events.Stream) (all []events.Damage) {
		for _, s := range streams {
			all = append(all, events.Damage{Stream: s})
		}
		return all
	}
	if found := l.Page("", damage("a", "a", "b")); len(found) != 2 {
		t.Errorf("got %+v", found)
	}
	if found := l.Page("a", damage("b", "c")); len(found) != 1 || found[0].Stream != "c" || !l.Has("a") || !l.Has("b") {
		t.Errorf("got %+v", found)
	}
	if l.Page("d", nil); l.Has("a") || l.Has("b") || !l.Has("c") {
		t.Errorf("%+v remembers what can't follow, or has forgotten what can", l)
	}
	if l.Set("c", false); l.Has("c") {
		t.Error("a stream that can be read is lost")
	}
}
