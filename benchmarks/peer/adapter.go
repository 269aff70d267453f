package peer

import (
	"context"
	"fmt"
	"time"
	"uuid"

	esa "github.com/j5ik2o/event-store-adapter-go"
)

// Tables and indexes of event-store-adapter-go.
const (
	adapterJournal       = "event-store-adapter-go-journal"
	adapterSnapshot      = "event-store-adapter-go-snapshot"
	adapterJournalIndex  = "journal-aid-index"
	adapterSnapshotIndex = "snapshot-aid-index"
)

// snapshotEvery is the number of events after which the adapter's user and dynamo-es
// store a snapshot: as far apart as Daybook's, which are 4 KB apart.
const snapshotEvery = 7

type (
	adapterID struct {
		Value string `json:"value"`
	}
	adapterEvent struct {
		ID         string    `json:"id"`
		TypeName   string    `json:"type_name"`
		Aggregate  adapterID `json:"aggregate_id"`
		SeqNr      uint64    `json:"seq_nr"`
		OccurredAt uint64    `json:"occurred_at"`
		Entry      Entry     `json:"entry"`
	}
	adapterLedger struct {
		ID      adapterID `json:"id"`
		SeqNr   uint64    `json:"seq_nr"`
		Version uint64    `json:"version"`
		State   State     `json:"state"`
	}
)

func (adapterID) GetTypeName() string  { return "ledger" }
func (i adapterID) GetValue() string   { return i.Value }
func (i adapterID) AsString() string   { return "ledger-" + i.Value }
func (i adapterID) String() string     { return i.AsString() }
func (e *adapterEvent) String() string { return e.ID }
func (e *adapterEvent) GetId() string  { return e.ID }

func (e *adapterEvent) GetTypeName() string             { return e.TypeName }
func (e *adapterEvent) GetAggregateId() esa.AggregateId { return e.Aggregate }
func (e *adapterEvent) GetSeqNr() uint64                { return e.SeqNr }
func (e *adapterEvent) IsCreated() bool                 { return e.SeqNr == 1 }
func (e *adapterEvent) GetOccurredAt() uint64           { return e.OccurredAt }

func (l *adapterLedger) String() string         { return l.ID.AsString() }
func (l *adapterLedger) GetId() esa.AggregateId { return l.ID }
func (l *adapterLedger) GetSeqNr() uint64       { return l.SeqNr }
func (l *adapterLedger) GetVersion() uint64     { return l.Version }
func (l *adapterLedger) WithVersion(version uint64) esa.Aggregate {
	next := *l
	next.Version = version
	return &next
}

// members reads members of a JSON object, as the adapter hands them over.
type members map[string]any

func (m members) text(name string) string    { s, _ := m[name].(string); return s }
func (m members) number(name string) int64   { n, _ := m[name].(float64); return int64(n) }
func (m members) object(name string) members { o, _ := m[name].(map[string]any); return o }
func (m members) natural(name string) uint64 { return uint64(m.number(name)) }
func (m members) id(name string) adapterID   { return adapterID{m.object(name).text("value")} }
func (m members) customer(n string) Customer {
	o := m.object(n)
	return Customer{o.text("id"), o.text("name"), o.text("email")}
}
func (m members) address(name string) Address {
	o := m.object(name)
	return Address{o.text("street"), o.text("city"), o.text("postcode"), o.text("country")}
}

func adapterEventOf(m map[string]any) (esa.Event, error) {
	o := members(m)
	e := o.object("entry")
	return &adapterEvent{
		ID: o.text("id"), TypeName: o.text("type_name"), Aggregate: o.id("aggregate_id"), SeqNr: o.natural("seq_nr"), OccurredAt: o.natural("occurred_at"),
		Entry: Entry{
			Line: e.number("line"), Product: e.text("product"), Name: e.text("name"), Category: e.text("category"), Quantity: e.number("quantity"),
			Price: e.number("price"), Currency: e.text("currency"), Customer: e.customer("customer"), Address: e.address("address"), Note: e.text("note"),
		},
	}, nil
}

func adapterLedgerOf(m map[string]any) (esa.Aggregate, error) {
	o := members(m)
	s := o.object("state")
	return &adapterLedger{
		ID: o.id("id"), SeqNr: o.natural("seq_nr"), Version: o.natural("version"),
		State: State{s.number("entries"), s.number("total"), s.text("last")},
	}, nil
}

// adapterInstance is the repository of the adapter's documentation.
type adapterInstance struct {
	store *esa.EventStoreOnDynamoDB
	p     payloads
}

func adapterInstances(endpoint string, p payloads) func() (instance, error) {
	client := newSDK(endpoint)
	return func() (instance, error) {
		store, err := esa.NewEventStoreOnDynamoDB(client, adapterJournal, adapterSnapshot, adapterJournalIndex, adapterSnapshotIndex, 1, adapterEventOf, adapterLedgerOf)
		return &adapterInstance{store, p}, err
	}
}

func (a *adapterInstance) find(id string) (*adapterLedger, error) {
	found, err := a.store.GetLatestSnapshotById(adapterID{id})
	if err != nil {
		return nil, err
	}
	if found.Empty() {
		return nil, fmt.Errorf("there is no ledger %q", id)
	}
	l := found.Aggregate().(*adapterLedger)
	since, err := a.store.GetEventsByIdSinceSeqNr(l.ID, l.SeqNr+1)
	if err != nil {
		return nil, err
	}
	for _, e := range since {
		l = l.entered(e.(*adapterEvent))
	}
	return l, nil
}

func (l *adapterLedger) entered(e *adapterEvent) *adapterLedger {
	next := *l
	next.SeqNr, next.State = e.SeqNr, l.State.entered(e.Entry)
	return &next
}

// enter stores one event, with a snapshot where one is due, and returns the ledger after it.
func (a *adapterInstance) enter(l *adapterLedger, entry Entry) (*adapterLedger, error) {
	e := &adapterEvent{
		ID: uuid.New().String(), TypeName: "entered", Aggregate: l.ID, SeqNr: l.SeqNr + 1, OccurredAt: uint64(time.Now().UnixMilli()), Entry: entry,
	}
	next := l.entered(e)
	if e.IsCreated() {
		next.Version = 1
		return next, a.store.PersistEventAndSnapshot(e, next)
	}
	var err error
	if e.SeqNr%snapshotEvery == 0 {
		err = a.store.PersistEventAndSnapshot(e, next)
	} else {
		err = a.store.PersistEvent(e, l.Version)
	}
	next.Version = l.Version + 1
	return next, err
}

func (a *adapterInstance) fill(_ context.Context, id string, n int) (err error) {
	l := &adapterLedger{ID: adapterID{id}}
	for i := range n {
		if l, err = a.enter(l, a.p.entry(i)); err != nil {
			return err
		}
	}
	return nil
}

func (a *adapterInstance) create(id string) (func(context.Context) error, error) {
	return func(context.Context) error {
		_, err := a.enter(&adapterLedger{ID: adapterID{id}}, a.p.entry(0))
		return err
	}, nil
}

// append stores events one after another: the adapter has no way to store several at once.
func (a *adapterInstance) append(id string, n int) (func(context.Context) error, error) {
	return func(context.Context) error {
		l, err := a.find(id)
		for i := 0; i < n && err == nil; i++ {
			l, err = a.enter(l, a.p.entry(i))
		}
		return err
	}, nil
}

func (a *adapterInstance) load(id string, _ int) (func(context.Context) (int64, error), error) {
	return func(context.Context) (int64, error) {
		l, err := a.find(id)
		if err != nil {
			return 0, err
		}
		return l.State.Entries, nil
	}, nil
}
