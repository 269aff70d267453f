package asynctest

import (
	"context"
	"sync"
	"time"

	"daybook/aggregate/async"
	"daybook/events"
)

// Statuses keeps the outcomes of queued commands in memory: the statuses to hold
// others against, and to test senders and workers with. Its zero value is empty
// and ready. It is safe for concurrent use.
type Statuses struct {
	mu    sync.Mutex
	known map[string]async.Status
}

var _ async.Statuses = (*Statuses)(nil)

// Begin implements async.Statuses.
func (m *Statuses) Begin(ctx context.Context, s async.Status) (*async.Status, error) {
	if err := ended(ctx); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if known, ok := m.known[events.Scoped(s.Tenant, s.CommandID)]; ok && !known.Forgotten(s.Since) {
		return &known, nil
	}
	m.keep(s)
	return nil, nil
}

// Record implements async.Statuses.
func (m *Statuses) Record(ctx context.Context, s async.Status) error {
	if err := ended(ctx); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if known, ok := m.known[events.Scoped(s.Tenant, s.CommandID)]; !ok || known.Forgotten(s.Since) || known.State.Rank() < s.State.Rank() {
		m.keep(s)
	}
	return nil
}

// Get implements async.Statuses.
func (m *Statuses) Get(ctx context.Context, now time.Time, tenant, commandID string) (*async.Status, error) {
	if err := ended(ctx); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if known, ok := m.known[events.Scoped(tenant, commandID)]; ok && !known.Forgotten(now) {
		return &known, nil
	}
	return nil, nil
}

// keep holds what a database would: not whether an answer was a repeat.
func (m *Statuses) keep(s async.Status) {
	if m.known == nil {
		m.known = map[string]async.Status{}
	}
	s.Result.Replayed = false
	m.known[events.Scoped(s.Tenant, s.CommandID)] = s
}

func ended(ctx context.Context) error {
	if ctx.Err() != nil {
		return events.Wrap(events.CodeCanceled, ctx.Err(), "the request was given up")
	}
	return nil
}
