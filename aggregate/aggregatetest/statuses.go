package aggregatetest

import (
	"context"
	"sync"
	"time"

	"daybook/aggregate"
	"daybook/events"
)

// Statuses keeps the outcomes of queued commands in memory: the statuses to hold
// others against, and to test senders and workers with. Its zero value is empty
// and ready. It is safe for concurrent use.
type Statuses struct {
	mu    sync.Mutex
	known map[string]aggregate.Status
}

var _ aggregate.Statuses = (*Statuses)(nil)

// Begin implements aggregate.Statuses.
func (m *Statuses) Begin(ctx context.Context, s aggregate.Status) (*aggregate.Status, error) {
	if err := ended(ctx); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if known, ok := m.known[s.CommandID]; ok && !known.Forgotten(s.Since) {
		return &known, nil
	}
	m.keep(s)
	return nil, nil
}

// Settle implements aggregate.Statuses.
func (m *Statuses) Settle(ctx context.Context, s aggregate.Status) error {
	if err := ended(ctx); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if known, ok := m.known[s.CommandID]; !ok || known.Forgotten(s.Since) || known.State.Rank() < s.State.Rank() {
		m.keep(s)
	}
	return nil
}

// Get implements aggregate.Statuses.
func (m *Statuses) Get(ctx context.Context, now time.Time, commandID string) (*aggregate.Status, error) {
	if err := ended(ctx); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if known, ok := m.known[commandID]; ok && !known.Forgotten(now) {
		return &known, nil
	}
	return nil, nil
}

// keep holds what a database would: not whether an answer was a repeat.
func (m *Statuses) keep(s aggregate.Status) {
	if m.known == nil {
		m.known = map[string]aggregate.Status{}
	}
	s.Result.Replayed = false
	m.known[s.CommandID] = s
}

func ended(ctx context.Context) error {
	if ctx.Err() != nil {
		return events.Wrap(events.CodeCanceled, ctx.Err(), "the request was given up")
	}
	return nil
}
