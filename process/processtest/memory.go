package processtest

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"daybook/events"
	"daybook/process"
)

// Memory is a Ledger in memory, for tests. Its zero value is empty and ready. It
// holds to the contract strictly, and its list of parked streams is never behind.
type Memory struct {
	// Before runs before each call with "Load", "Save" or "Parked", and After
	// behind each Save that stored; an error they return is the call's.
	Before, After func(method string) error

	mu      sync.Mutex
	entries map[process.Key]process.Entry
	calls   map[string]int
}

var _ process.Ledger = (*Memory)(nil)

// Calls returns how often each method was called, by name.
func (m *Memory) Calls() map[string]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.calls)
}

// Entry returns the entry of a reactor and a stream, the zero Entry for none.
func (m *Memory) Entry(reactor string, stream events.Stream) process.Entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	return clone(m.entries[process.Key{Reactor: reactor, Stream: stream}])
}

// Clone returns a ledger of the same entries, without hooks: changes to them
// can be tried out.
func (m *Memory) Clone() *Memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := &Memory{calls: map[string]int{}, entries: map[process.Key]process.Entry{}}
	for k, e := range m.entries {
		c.entries[k] = clone(e)
	}
	return c
}

func (m *Memory) enter(ctx context.Context, method string) error {
	if err := ctx.Err(); err != nil {
		return events.Wrap(events.CodeCanceled, err, "the request was given up")
	}
	m.mu.Lock()
	if m.calls == nil {
		m.calls, m.entries = map[string]int{}, map[process.Key]process.Entry{}
	}
	m.calls[method]++
	m.mu.Unlock()
	if m.Before != nil {
		return m.Before(method)
	}
	return nil
}

// Load implements process.Ledger.
func (m *Memory) Load(ctx context.Context, keys []process.Key) ([]*process.Entry, error) {
	if err := m.enter(ctx, "Load"); err != nil {
		return nil, err
	}
	if len(keys) < 1 || len(keys) > 100 {
		return nil, events.Errorf(events.CodeInternal, "Load of %d keys", len(keys))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make([]*process.Entry, len(keys))
	seen := map[process.Key]bool{}
	for i, k := range keys {
		if seen[k] {
			return nil, events.Errorf(events.CodeInternal, "Load of the same key twice")
		}
		seen[k] = true
		if e, ok := m.entries[k]; ok {
			e = clone(e)
			all[i] = &e
		}
	}
	return all, nil
}

// Save implements process.Ledger.
func (m *Memory) Save(ctx context.Context, e process.Entry) error {
	if err := m.enter(ctx, "Save"); err != nil {
		return err
	}
	if err := m.store(e); err != nil {
		return err
	}
	if m.After != nil {
		return m.After("Save")
	}
	return nil
}

// maxEntry is DynamoDB's limit of an item, less what attributes take.
const maxEntry = 400<<10 - 1<<10

func (m *Memory) store(e process.Entry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	old := m.entries[e.Key]
	switch {
	case e.Reactor == "" || e.Stream == "" || e.Revision < 1 || e.Memory != nil && !e.Memory.IsValid():
		return events.Errorf(events.CodeInternal, "an entry that can't be stored: %+v", e)
	case len(e.Memory) > maxEntry:
		return events.Errorf(events.CodeTooLarge, "an entry has at most 400 KB")
	case old.Revision != e.Revision-1:
		return events.Errorf(events.CodeConflict, "another write was first")
	}
	m.entries[e.Key] = clone(e)
	return nil
}

// Parked implements process.Ledger.
func (m *Memory) Parked(ctx context.Context, reactor string, after events.Stream, limit int) ([]process.Entry, error) {
	if err := m.enter(ctx, "Parked"); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	found := []process.Entry{}
	for _, e := range m.entries {
		if e.Reactor == reactor && e.Fault != nil && e.Stream > after {
			found = append(found, clone(e))
		}
	}
	slices.SortFunc(found, func(a, b process.Entry) int { return strings.Compare(string(a.Stream), string(b.Stream)) })
	return found[:min(limit, len(found))], nil
}

// Entries lists entries in the order of their keys, as dynamo.Processes lists those of
// its table in its own.
func (m *Memory) Entries(ctx context.Context, cursor string, limit int) (page []process.Entry, next string, err error) {
	if err := m.enter(ctx, "Entries"); err != nil {
		return nil, "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	name := func(k process.Key) string { return k.Reactor + "/" + string(k.Stream) }
	keys := slices.SortedFunc(maps.Keys(m.entries), func(a, b process.Key) int { return strings.Compare(name(a), name(b)) })
	for _, k := range keys {
		if name(k) <= cursor {
			continue
		}
		if len(page) == limit {
			return page, name(page[limit-1].Key), nil
		}
		page = append(page, clone(m.entries[k]))
	}
	return page, "", nil
}

// clone copies an entry, so that who gets one can't change what is stored.
func clone(e process.Entry) process.Entry {
	e.Memory, e.Rejections, e.Answered, e.Timers = e.Memory.Clone(), slices.Clone(e.Rejections), slices.Clone(e.Answered), maps.Clone(e.Timers)
	if e.Fault != nil {
		f := *e.Fault
		e.Fault = &f
	}
	return e
}
