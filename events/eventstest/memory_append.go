package eventstest

import (
	"context"
	"encoding/json/v2"
	"errors"
	"maps"
	"slices"
	"time"

	"daybook/events"
)

// Append implements events.Store.
func (m *Memory) Append(ctx context.Context, at events.Position, c events.Commit) (events.Commit, error) {
	if err := m.enter(ctx, "Append", at.Stream()); err != nil {
		return events.Commit{}, err
	}
	stored, err := m.appendAll([]events.Append{{At: at, Commit: c}})
	if err != nil {
		return events.Commit{}, err
	}
	return stored[0], nil
}

// AppendAll implements events.Store.
func (m *Memory) AppendAll(ctx context.Context, as []events.Append) ([]events.Commit, error) {
	if len(as) == 0 {
		return nil, events.Errorf(events.CodeInternal, "nothing to append")
	}
	if err := m.enter(ctx, "AppendAll", as[0].At.Stream()); err != nil {
		return nil, err
	}
	return m.appendAll(as)
}

func (m *Memory) appendAll(as []events.Append) ([]events.Commit, error) {
	as = slices.Clone(as)
	if err := place(as); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.streams == nil {
		m.streams, m.held, m.spent = map[events.Stream][]events.Commit{}, map[string]events.Held{}, map[string]events.Spent{}
	}
	if there, err := m.positions(as); there != nil || err != nil {
		return there, err
	}
	held, err := m.claim(as)
	if err != nil {
		return nil, err
	}
	m.held = held
	var lost error
	stored := make([]events.Commit, len(as))
	for i := range as {
		c := as[i].Commit
		stored[i] = c
		if len(c.Events) == 0 {
			continue
		}
		for _, s := range c.Spends() {
			m.spent[events.Scoped(s.Stream.Tenant(), s.ID)] = s
		}
		m.streams[c.Stream] = append(m.streams[c.Stream], c)
		if m.After != nil {
			lost = errors.Join(lost, m.After(c))
		}
	}
	if lost != nil {
		return nil, lost
	}
	return stored, nil
}

// place sets what the positions say, and checks the limits.
func place(as []events.Append) error {
	size := 0
	seen := map[events.Stream]bool{}
	for i := range as {
		at, c := as[i].At, &as[i].Commit
		if seen[at.Stream()] {
			return events.Errorf(events.CodeInternal, "two appends on %s", at.Stream())
		}
		seen[at.Stream()] = true
		if len(c.Events) == 0 {
			continue
		}
		c.Stream, c.Number = at.Stream(), at.Number()+1
		c.Version = at.Version() + int64(len(c.Events))
		c.Time = c.Time.UTC().Truncate(time.Millisecond)
		c.Size = 0
		b, err := json.Marshal(c)
		if err != nil {
			return events.Wrap(events.CodeInternal, err, "a commit can't be written")
		}
		if c.Size = len(b); c.Size > events.MaxCommitSize {
			return events.Errorf(events.CodeTooLarge, "a commit has at most %d bytes", events.MaxCommitSize)
		}
		size += c.Size
	}
	if size > events.MaxAppendSize || events.Writes(as) > events.MaxWrites {
		return events.Errorf(events.CodeTooLarge, "too much for one append")
	}
	return nil
}

// positions returns the commits if they are there already, or a conflict.
func (m *Memory) positions(as []events.Append) (there []events.Commit, err error) {
	var winners []events.Commit
	for i := range as {
		at, c := as[i].At, as[i].Commit
		all := m.streams[at.Stream()]
		if at.Number() >= int64(len(all)) {
			continue
		}
		winner := all[at.Number()]
		if len(c.Events) > 0 && winner.ID == c.ID {
			return m.own(as), nil
		}
		winners = append(winners, winner)
	}
	if len(winners) > 0 {
		return nil, events.Conflict(winners[0], winners[1:]...)
	}
	return nil, nil
}

// own returns as, one of which is stored already, so that all are.
func (m *Memory) own(as []events.Append) []events.Commit {
	stored := make([]events.Commit, len(as))
	for i := range as {
		stored[i] = as[i].Commit
		if len(stored[i].Events) > 0 {
			stored[i] = m.streams[as[i].At.Stream()][as[i].At.Number()]
		}
	}
	return stored
}

// claim returns who holds what after as, or what is taken.
func (m *Memory) claim(as []events.Append) (map[string]events.Held, error) {
	if events.Writes(as) == len(as) {
		return m.held, nil
	}
	held := maps.Clone(m.held)
	taken := &events.TakenError{}
	release := func(c *events.Commit, released bool) {
		for _, v := range c.Releases {
			if key := v.Key(c.Stream.Tenant()); slices.Contains(c.Claims, v) == released && held[key].Stream == c.Stream {
				delete(held, key)
			}
		}
	}
	for i := range as {
		release(&as[i].Commit, false)
	}
	for i := range as {
		c := &as[i].Commit
		for _, v := range c.Claims {
			key := v.Key(c.Stream.Tenant())
			if h, ok := held[key]; ok && h.Stream != c.Stream {
				taken.Claims = append(taken.Claims, v)
				continue
			}
			held[key] = events.Held{Key: key, Stream: c.Stream, Commit: c.Number}
		}
		for _, s := range c.Spends() {
			if before, ok := m.spent[events.Scoped(s.Stream.Tenant(), s.ID)]; ok && c.Time.Before(before.Until) {
				taken.Spent = append(taken.Spent, before)
			}
		}
	}
	if len(taken.Claims)+len(taken.Spent) > 0 {
		return nil, events.Taken(taken)
	}
	for i := range as {
		release(&as[i].Commit, true)
	}
	return held, nil
}

// Spent implements events.Store.
func (m *Memory) Spent(ctx context.Context, now time.Time, tenant string, ids []string) ([]*events.Spent, error) {
	if err := m.enter(ctx, "Spent", ""); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	spent := make([]*events.Spent, len(ids))
	for i, id := range ids {
		if s, ok := m.spent[events.Scoped(tenant, id)]; ok && now.Before(s.Until) {
			spent[i] = &s
		}
	}
	return spent, nil
}

// Holders implements events.Store.
func (m *Memory) Holders(ctx context.Context, keys []string) ([]events.Held, error) {
	if err := m.enter(ctx, "Holders", ""); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	holders := make([]events.Held, len(keys))
	for i, key := range keys {
		holders[i] = m.held[key]
	}
	return holders, nil
}

// ScanHeld implements events.Store: a page is ten values.
func (m *Memory) ScanHeld(ctx context.Context, segment, segments int, cursor string) ([]events.Held, string, error) {
	if err := m.enter(ctx, "ScanHeld", ""); err != nil {
		return nil, "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []events.Held
	for _, key := range slices.Sorted(maps.Keys(m.held)) {
		if segmentOf(key, segments) == segment {
			all = append(all, m.held[key])
		}
	}
	page, next := pageOf(all, cursor)
	return page, next, nil
}
