package eventstest

import (
	"context"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"sync"

	"daybook/events"
)

// Memory is a Store in memory, for tests. Its zero value is empty and ready.
// Hooks let a test count calls and make them fail.
type Memory struct {
	// Before runs before each call with the method's name and stream ("" for
	// those that are about no stream, the first one for AppendAll); an error it
	// returns is the call's.
	Before func(method string, stream events.Stream) error
	// After runs after each commit that was stored; an error it returns is the
	// call's: an answer lost after writing.
	After func(c events.Commit) error

	mu      sync.Mutex
	streams map[events.Stream][]events.Commit
	held    map[string]events.Held  // by key
	spent   map[string]events.Spent // by command id
}

var _ events.Store = (*Memory)(nil)

func (m *Memory) enter(ctx context.Context, method string, stream events.Stream) error {
	if err := ctx.Err(); err != nil {
		return events.Wrap(events.CodeCanceled, err, "the request was given up")
	}
	if m.Before != nil {
		return m.Before(method, stream)
	}
	return nil
}

// Load implements events.Store.
func (m *Memory) Load(ctx context.Context, stream events.Stream, snapshot int) ([]events.Commit, error) {
	if err := m.enter(ctx, "Load", stream); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	all := m.streams[stream]
	from := 0
	for i := len(all) - 1; i >= 0 && snapshot > 0; i-- {
		if s := all[i].Snapshot; s != nil && s.Schema == snapshot {
			from = i
			break
		}
	}
	return slices.Clone(all[from:]), nil
}

// Read implements events.Store.
func (m *Memory) Read(ctx context.Context, stream events.Stream, from int64, limit int) ([]events.Commit, error) {
	if err := m.enter(ctx, "Read", stream); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	all := m.streams[stream]
	first := min(int(max(from, 1)-1), len(all))
	return slices.Clone(all[first : first+min(limit, len(all)-first)]), nil
}

// Commits implements events.Store.
func (m *Memory) Commits(ctx context.Context, stream events.Stream, numbers []int64) ([]*events.Commit, error) {
	if err := m.enter(ctx, "Commits", stream); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	all := m.streams[stream]
	commits := make([]*events.Commit, len(numbers))
	for i, n := range numbers {
		if n >= 1 && n <= int64(len(all)) {
			c := all[n-1]
			commits[i] = &c
		}
	}
	return commits, nil
}

// Started implements events.Store.
func (m *Memory) Started(ctx context.Context, streams []events.Stream) ([]bool, error) {
	if err := m.enter(ctx, "Started", ""); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	started := make([]bool, len(streams))
	for i, s := range streams {
		started[i] = len(m.streams[s]) > 0
	}
	return started, nil
}

// Scan implements events.Store: a page is ten commits.
func (m *Memory) Scan(ctx context.Context, segment, segments int, cursor string) ([]events.Commit, string, error) {
	if err := m.enter(ctx, "Scan", ""); err != nil {
		return nil, "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []events.Commit
	for _, stream := range slices.Sorted(maps.Keys(m.streams)) {
		if segmentOf(string(stream), segments) == segment {
			all = append(all, m.streams[stream]...)
		}
	}
	page, next := pageOf(all, cursor)
	return page, next, nil
}

func segmentOf(key string, segments int) int {
	h := fnv.New32a()
	h.Write([]byte(key))
	return int(h.Sum32() % uint32(segments))
}

func pageOf[T any](all []T, cursor string) (page []T, next string) {
	from, _ := strconv.Atoi(cursor)
	to := min(from+10, len(all))
	if to == len(all) {
		return all[from:], ""
	}
	return all[from:to], strconv.Itoa(to)
}
