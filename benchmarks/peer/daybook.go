package peer

import (
	"context"
	"fmt"
	"uuid"

	"daybook/aggregate"
	"daybook/dynamo"
	"daybook/events"
)

// daybookTables begins the names of Daybook's tables.
const daybookTables = "daybook"

type (
	entered Entry
	openIt  struct {
		Entries []Entry `json:"entries"`
	}
	enter struct {
		Entries []Entry `json:"entries"`
	}
	look struct {
		Entries int64 `json:"entries"`
	}
)

func (entered) EventName() string  { return "entered" }
func (openIt) CommandName() string { return "open" }
func (enter) CommandName() string  { return "enter" }
func (look) CommandName() string   { return "look" }

// ledger is the aggregate as a user of Daybook declares it.
func ledger() aggregate.Aggregate {
	return aggregate.New[State]("ledger").
		Event(func(s State, e entered) State { return s.entered(Entry(e)) }).
		Command(func(s State, c openIt) aggregate.Decision {
			if s.Entries > 0 {
				return aggregate.Reject("open-already", "this ledger is open already")
			}
			return emit(c.Entries)
		}, aggregate.Creates()).
		Command(func(_ State, c enter) aggregate.Decision { return emit(c.Entries) }).
		Command(func(s State, c look) aggregate.Decision {
			if s.Entries != c.Entries {
				return aggregate.Reject("other-count", fmt.Sprintf("the state counts %d entries", s.Entries))
			}
			return aggregate.Nothing()
		})
}

func emit(es []Entry) aggregate.Decision {
	emitted := make([]events.Data, len(es))
	for i, e := range es {
		emitted[i] = entered(e)
	}
	return aggregate.Emit(emitted...)
}

// daybookInstance is a command function's part of Daybook: what it does once the
// request was read.
type daybookInstance struct {
	client *dynamo.Client
	h      *aggregate.Handler
	p      payloads
	keys   bool // commands have idempotency keys
}

// daybookInstances makes instances that know no stream, but share an event store: they
// have met the aggregate, as a function has that is in service.
func daybookInstances(endpoint string, p payloads) func() (instance, error) {
	client := dynamo.New(dynamo.Options{Region: region, Endpoint: endpoint, Credentials: dynamo.StaticCredentials("id", "secret")})
	store := newStore(client)
	return func() (instance, error) {
		h, err := newHandler(store)
		return &daybookInstance{client: client, h: h, p: p}, err
	}
}

func newStore(client *dynamo.Client) *dynamo.EventStore {
	return dynamo.NewEventStore(client, dynamo.TableName(daybookTables, dynamo.EventsTable()),
		dynamo.WithClaims(dynamo.TableName(daybookTables, dynamo.ClaimsTable())))
}

func newHandler(store *dynamo.EventStore) (*aggregate.Handler, error) {
	return aggregate.NewHandler(store, []aggregate.Aggregate{ledger()}, nil)
}

func (d *daybookInstance) as(r Request) (instance, error) {
	other := *d
	other.keys = r.Keyed
	if !r.First {
		return &other, nil
	}
	var err error
	other.h, err = newHandler(newStore(d.client))
	return &other, err
}

// key is an idempotency key, "" without: Daybook then generates a command id, which
// nobody can repeat.
func (d *daybookInstance) key() string {
	if d.keys {
		return uuid.New().String()
	}
	return ""
}

// handle returns a call that handles a command, whose payload holds n entries.
func (d *daybookInstance) handle(name, id, commandID string, n int) func(context.Context) error {
	c := aggregate.Command{Name: name, ID: id, CommandID: commandID, Payload: fmt.Appendf(nil, `{"entries":%s}`, d.p.list(0, n))}
	return func(ctx context.Context) error {
		_, err := d.h.Handle(ctx, c)
		return err
	}
}

func (d *daybookInstance) fill(ctx context.Context, id string, n int) error {
	for i := range n {
		c := aggregate.Command{Name: "enter", ID: id, CommandID: d.key(), Payload: fmt.Appendf(nil, `{"entries":%s}`, d.p.list(i, 1))}
		if _, err := d.h.Handle(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

func (d *daybookInstance) create(id string) (func(context.Context) error, error) {
	return d.handle("open", id, d.key(), 1), nil
}

func (d *daybookInstance) append(id string, n int) (func(context.Context) error, error) {
	return d.handle("enter", id, d.key(), n), nil
}

func (d *daybookInstance) load(id string, n int) (func(context.Context) (int64, error), error) {
	c := aggregate.Command{Name: "look", ID: id, CommandID: d.key(), Payload: fmt.Appendf(nil, `{"entries":%d}`, n)}
	return func(ctx context.Context) (int64, error) {
		_, err := d.h.Handle(ctx, c)
		return int64(n), err
	}, nil
}

func (d *daybookInstance) repeated(id string) (func(context.Context) error, error) {
	return d.handle("enter", id, "repeated-"+id, 1), nil
}
