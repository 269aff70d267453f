package sealed

import (
	"context"

	"daybook/events"
	"daybook/personal"
	"daybook/process"
)

// ledger is the ledger of process managers: what they remember goes into it sealed and
// comes out opened.
type ledger struct {
	process.Ledger
	sealer *personal.Sealer
}

func memory(e *process.Entry) personal.Doc {
	return personal.Doc{Place: personal.Place{Tenant: e.Stream.Tenant(), Subject: string(e.Stream), Bound: []string{"memory", e.Reactor, string(e.Stream)}}, Data: &e.Memory}
}

func (l *ledger) open(ctx context.Context, all []personal.Doc) error {
	if err := l.sealer.Open(ctx, all); err != nil {
		return wrapped(ctx, err, "the personal values that a process remembers can't be decrypted")
	}
	return nil
}

// Load implements process.Ledger.
func (l *ledger) Load(ctx context.Context, keys []process.Key) ([]*process.Entry, error) {
	found, err := l.Ledger.Load(ctx, keys)
	if err != nil {
		return found, err
	}
	var all []personal.Doc
	for _, e := range found {
		if e != nil {
			all = append(all, memory(e))
		}
	}
	return found, l.open(ctx, all)
}

// Save implements process.Ledger.
func (l *ledger) Save(ctx context.Context, e process.Entry) error {
	if err := l.sealer.Seal(ctx, []personal.Doc{memory(&e)}); err != nil {
		return wrapped(ctx, err, "the personal values that a process remembers can't be encrypted")
	}
	return l.Ledger.Save(ctx, e)
}

// Parked implements process.Ledger.
func (l *ledger) Parked(ctx context.Context, reactor string, after events.Stream, limit int) ([]process.Entry, error) {
	found, err := l.Ledger.Parked(ctx, reactor, after, limit)
	if err != nil {
		return found, err
	}
	return found, l.openEntries(ctx, found)
}

func (l *ledger) openEntries(ctx context.Context, found []process.Entry) error {
	all := make([]personal.Doc, len(found))
	for i := range found {
		all[i] = memory(&found[i])
	}
	return l.open(ctx, all)
}

// EntryLedger is a ledger that can list its entries; see inspect.Ledger.
type EntryLedger interface {
	process.Ledger
	Entries(ctx context.Context, cursor string, limit int) (page []process.Entry, next string, err error)
}

// entries is a ledger that can list its entries.
type entries struct {
	*ledger
	of EntryLedger
}

// Entries implements EntryLedger.
func (l *entries) Entries(ctx context.Context, cursor string, limit int) ([]process.Entry, string, error) {
	page, next, err := l.of.Entries(ctx, cursor, limit)
	if err != nil {
		return page, next, err
	}
	return page, next, l.openEntries(ctx, page)
}
