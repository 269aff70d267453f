package sealed

import (
	"context"

	"daybook/aggregate"
	"daybook/aggregate/async"
	"daybook/events"
	"daybook/follow"
	"daybook/personal"
	"daybook/process"
	"daybook/view/driver"
)

// With wraps what an application stores in. The zero value is for one that marks no
// personal values: it returns everything as it is.
type With struct{ *personal.Sealer }

// Store wraps an event store.
func (w With) Store(store events.Store) events.Store {
	if w.Sealer == nil {
		return store
	}
	return &eventStore{store, w.Sealer}
}

// Tables wraps the tables of views.
func (w With) Tables(d driver.AdminTables) driver.AdminTables {
	if w.Sealer == nil {
		return d
	}
	return newTables(d, w.Sealer)
}

// Queue wraps a queue of commands.
func (w With) Queue(q async.Queue) async.Queue {
	if w.Sealer == nil {
		return q
	}
	return &queue{q, w.Sealer}
}

// Ledger wraps the ledger of process managers.
func (w With) Ledger(l process.Ledger) process.Ledger {
	if w.Sealer == nil {
		return l
	}
	return &ledger{l, w.Sealer}
}

// Entries wraps a ledger of process managers that can list its entries.
func (w With) Entries(l EntryLedger) EntryLedger {
	if w.Sealer == nil {
		return l
	}
	return &entries{&ledger{l, w.Sealer}, l}
}

// Commits opens the commits of a batch of the change stream. If they can't be opened now,
// the batch only names them: they are then read from the store, which says why.
func (w With) Commits(ctx context.Context, batch []follow.Delivery) []follow.Delivery {
	if w.Sealer == nil {
		return batch
	}
	var cs []events.Commit
	var at []int
	for i, d := range batch {
		if d.Commit != nil {
			cs, at = append(cs, *d.Commit), append(at, i)
		}
	}
	opened, err := openCommits(ctx, w.Sealer, cs)
	for n, i := range at {
		batch[i].Commit = nil
		if err == nil {
			batch[i].Commit = &opened[n]
		}
	}
	return batch
}

// Encode returns what makes the message of a timer's command; see async.Encode.
func (w With) Encode(h *aggregate.Handler) func(context.Context, aggregate.Command) (async.Message, error) {
	return func(ctx context.Context, c aggregate.Command) (async.Message, error) {
		m, err := async.Encode(h, c)
		if err != nil || w.Sealer == nil {
			return m, err
		}
		sealed, err := sealMessages(ctx, w.Sealer, []async.Message{m})
		if err != nil {
			return m, err
		}
		return sealed[0], nil
	}
}
