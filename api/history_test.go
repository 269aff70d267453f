package api_test

import (
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"math/bits"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"daybook/events"
	"daybook/events/eventstest"
)

// past is the answer to a history as a client reads it.
type past struct {
	Events []struct {
		Version int64 `json:"version"`
	} `json:"events"`
	Next int64 `json:"next"`
}

// tale is the history of the stream member/7; it counts its reads.
type tale struct {
	commits []events.Commit
	reads   int
}

// newTale returns a stream whose commits have the given numbers of events, each
// event with size bytes in its data.
func newTale(sizes []int, size int) *tale {
	data := []byte(`{"name":"` + strings.Repeat("a", size) + `"}`)
	s, version := &tale{}, int64(0)
	for i, n := range sizes {
		version += int64(n)
		c := events.Commit{Stream: "member/7", Number: int64(i) + 1, Version: version, Commands: []events.Command{{ID: fmt.Sprintf("c%d", i), Version: version}}}
		for range n {
			c.Events = append(c.Events, events.Event{Name: "member-renamed", Schema: 1, Data: data})
		}
		s.commits = append(s.commits, c)
	}
	return s
}

// Read implements api.History.
func (s *tale) Read(_ context.Context, stream events.Stream, from int64, limit int) ([]events.Commit, error) {
	s.reads++
	if stream != "member/7" || from < 1 || limit < 1 {
		return nil, fmt.Errorf("read of %s from commit %d, limit %d", stream, from, limit)
	}
	rest := s.commits[min(from-1, int64(len(s.commits))):]
	return rest[:min(limit, len(rest))], nil
}

func TestHistory(t *testing.T) {
	t.Parallel()
	m := new(eventstest.Memory)
	first, err := m.Append(t.Context(), events.Start("member/a/ü"), events.Commit{
		ID: "1", Time: time.Date(2026, 1, 31, 9, 30, 0, 5e6, time.UTC), Actor: "sub-1", Correlation: "order 9", Causation: "c0",
		Commands: []events.Command{{ID: "c1", Version: 1}, {ID: "c2", Version: 3}},
		Events: []events.Event{
			{Name: "member-created", Schema: 2, Data: []byte(`{"name":"Ada"}`)},
			{Name: "member-renamed", Schema: 1, Data: []byte(`{"name":"Eve"}`)},
			{Name: "unknown-now", Schema: 1, Data: []byte(`{}`)},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Append(t.Context(), events.After(&first), events.Commit{ID: "2", Time: first.Time, Commands: []events.Command{{ID: "c3", Version: 4}},
		Events: []events.Event{{Name: "member-deactivated", Schema: 1, Data: []byte(`{}`)}}}); err != nil {
		t.Fatal(err)
	}
	const by = `"time":"2026-01-31T09:30:00.005Z","actor":"sub-1",`
	const all = `,"correlation":"order 9","causation":"c0"}`
	one := `{"version":1,"name":"member-created","schema":2,"data":{"name":"Ada"},` + by + `"commandId":"c1"` + all
	two := `{"version":2,"name":"member-renamed","schema":1,"data":{"name":"Eve"},` + by + `"commandId":"c2"` + all
	three := `{"version":3,"name":"unknown-now","schema":1,"data":{},` + by + `"commandId":"c2"` + all
	four := `{"version":4,"name":"member-deactivated","schema":1,"data":{},"time":"2026-01-31T09:30:00.005Z","commandId":"c3"}`
	for query, want := range map[string]string{
		"":                 `{"events":[` + one + "," + two + "," + three + "," + four + `]}`,
		"?from=2":          `{"events":[` + two + "," + three + "," + four + `]}`,
		"?from=4":          `{"events":[` + four + `]}`,
		"?from=5":          `{"events":[]}`,
		"?from=1000000000": `{"events":[]}`,
		"?limit=1":         `{"events":[` + one + `],"next":2}`,
		"?limit=2&from=2":  `{"events":[` + two + "," + three + `],"next":4}`,
		"?limit=2&from=3":  `{"events":[` + three + "," + four + `]}`,
		"?limit=4":         `{"events":[` + one + "," + two + "," + three + "," + four + `]}`,
	} {
		w := do(queries(&querier{}, m), "GET", "/streams/member/a%2F%C3%BC"+query, "")
		if w.Code != 200 || w.Body.String() != want {
			t.Errorf("%s: got %d\n%s\nwant\n%s", query, w.Code, w.Body, want)
		}
	}
}

// TestHistoryInPages: pages hold every event once and in order, whatever the
// commits, the start and the limit, and finding the start takes few reads.
func TestHistoryInPages(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		sizes := rapid.SliceOfN(rapid.OneOf(rapid.Just(1), rapid.IntRange(1, 9), rapid.IntRange(1, 200)), 1, 400).Draw(t, "commits")
		store := newTale(sizes, 0)
		var total int64
		for _, n := range sizes {
			total += int64(n)
		}
		from := rapid.OneOf(rapid.Int64Range(1, total+3), rapid.Int64Range(1, 1<<53)).Draw(t, "from")
		limit := rapid.IntRange(1, 1000).Draw(t, "limit")
		h := queries(&querier{}, store)
		for expected := from; ; {
			store.reads = 0
			w := do(h, "GET", fmt.Sprintf("/streams/member/7?from=%d&limit=%d", expected, limit), "")
			var page past
			if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil || w.Code != 200 {
				t.Fatalf("%d %s: %v", w.Code, w.Body, err)
			}
			for _, e := range page.Events {
				if e.Version != expected {
					t.Fatalf("got version %d, want %d", e.Version, expected)
				}
				expected++
			}
			if pages := 2 + limit/128; store.reads > 8+3*bits.Len(uint(len(sizes)))+pages {
				t.Fatalf("%d reads of %d commits from %d, limit %d", store.reads, len(sizes), from, limit)
			}
			if page.Next == 0 {
				if expected != max(from, total+1) {
					t.Fatalf("ended before version %d of %d", expected, total)
				}
				return
			}
			if page.Next != expected || len(page.Events) != limit {
				t.Fatalf("next %d after %d events, want %d", page.Next, len(page.Events), expected)
			}
		}
	})
}

func TestHistoryOfALongStreamIsFoundInFewReads(t *testing.T) {
	t.Parallel()
	sizes := make([]int, 10_000)
	for n, tests := range map[int]map[int64]int{ // events a commit, from, reads at most
		1: {1: 1, 9_999: 2, 10_001: 30},
		3: {29_000: 12, 30_001: 30, 1 << 50: 30},
	} {
		for i := range sizes {
			sizes[i] = n
		}
		store := newTale(sizes, 0)
		for from, most := range tests {
			store.reads = 0
			w := do(queries(&querier{}, store), "GET", fmt.Sprintf("/streams/member/7?limit=10&from=%d", from), "")
			if w.Code != 200 || store.reads > most {
				t.Errorf("%d events a commit, from %d: %d, %d reads, at most %d", n, from, w.Code, store.reads, most)
			}
		}
	}
}

func TestHistoryIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	sizes := make([]int, 27)
	for i := range sizes {
		sizes[i] = 1 + i%2
	}
	store := newTale(sizes, 150_000)
	seen := int64(0)
	for from := int64(1); from != 0; {
		w := do(queries(&querier{}, store), "GET", fmt.Sprintf("/streams/member/7?from=%d&limit=1000", from), "")
		if w.Code != 200 || w.Body.Len() > 4<<20+200<<10 {
			t.Fatalf("%d, %d bytes", w.Code, w.Body.Len())
		}
		var page past
		if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Events {
			if seen++; e.Version != seen {
				t.Fatalf("got version %d, want %d", e.Version, seen)
			}
		}
		from = page.Next
	}
	if seen != 40 {
		t.Errorf("saw %d events", seen)
	}
}

func TestHistoryThatCannotBeRead(t *testing.T) {
	t.Parallel()
	m := &eventstest.Memory{Before: func(string, events.Stream) error { return errors.New("secret") }}
	for _, target := range []string{"/streams/member/7", "/streams/member/7?from=2"} {
		wantProblem(t, do(queries(&querier{}, m), "GET", target, ""), 500, "internal")
	}
}
