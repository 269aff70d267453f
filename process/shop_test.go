package process_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"daybook/events"
	"daybook/events/eventstest"
	"daybook/follow"
	"daybook/process"
	"daybook/process/processtest"
)

// The events of the tests' orders.
type (
	placed struct {
		Products []string `json:"products"`
	}
	cancelled struct{}
	confirmed struct{}
	rejected  struct{}
	noted     struct{}
)

func (placed) EventName() string    { return "order-placed" }
func (cancelled) EventName() string { return "order-cancelled" }
func (confirmed) EventName() string { return "order-confirmed" }
func (rejected) EventName() string  { return "order-rejected" }
func (noted) EventName() string     { return "order-noted" }

// basket is what the manager remembers of an order.
type basket struct {
	Products []string `json:"products,omitzero"`
	Noted    int      `json:"noted,omitzero"`
}

type reserve struct {
	Order string `json:"order"`
}

func (reserve) CommandName() string { return "reserve-stock" }

type releaseStock reserve

func (releaseStock) CommandName() string { return "release-stock" }

type confirmOrder struct{}

func (confirmOrder) CommandName() string { return "confirm-order" }

type reject struct {
	Reason string `json:"reason"`
}

func (reject) CommandName() string { return "reject-order" }

func reserves(id string, products []string) (all []process.Command) {
	for _, p := range products {
		all = append(all, process.Send(p, reserve{id}))
	}
	return all
}

func onPlaced(b basket, e placed, m process.Meta) (basket, process.Reaction) {
	b.Products = e.Products
	rejectIt := func(reason string) process.Command {
		return process.Send(m.ID(), reject{reason}).Unless("order-confirmed", "order-cancelled")
	}
	return b, process.Do(
		process.After("confirmation", 15*time.Minute, rejectIt("timed out")),
		process.All(reserves(m.ID(), e.Products)...).
			Then(process.Send(m.ID(), confirmOrder{}).Unless("order-cancelled", "order-rejected")).
			Else(func(r process.Rejection) process.Reaction {
				return process.Do(rejectIt(string(r.Code) + " of " + r.ID))
			}))
}

func release(b basket, m process.Meta) process.Reaction {
	steps := []process.Step{process.Cancel("confirmation")}
	for _, p := range b.Products {
		steps = append(steps, process.Send(p, releaseStock{m.ID()}))
	}
	return process.Do(steps...)
}

func newFulfilment() *process.Manager[basket] {
	return process.New[basket]("fulfilment", "order").
		Sends(reserve{}, releaseStock{}, confirmOrder{}, reject{}).
		On(onPlaced).
		On(func(b basket, _ cancelled, m process.Meta) (basket, process.Reaction) { return b, release(b, m) }).
		On(func(b basket, _ rejected, m process.Meta) (basket, process.Reaction) { return b, release(b, m) }).
		React(func(confirmed, process.Meta) process.Reaction {
			return process.Do(process.Cancel("confirmation"))
		})
}

type confirmedOut struct {
	Order    string   `json:"order"`
	Products []string `json:"products"`
}

func newShop() *process.Outbox[basket] {
	return process.NewOutbox[basket]("shop", "order").
		Remember(func(b basket, e placed, _ process.Meta) basket {
			b.Products = e.Products
			return b
		}).
		Publish("com.example.shop.order-confirmed", 1, func(b basket, _ confirmed, m process.Meta) confirmedOut {
			return confirmedOut{m.ID(), b.Products}
		})
}

func newCodec(t testing.TB) *events.Codec {
	t.Helper()
	codec, err := events.NewCodec(events.Type{Name: "order-placed"}, events.Type{Name: "order-cancelled"}, events.Type{Name: "order-rejected"},
		events.Type{Name: "order-confirmed"}, events.Type{Name: "order-noted"})
	if err != nil {
		t.Fatal(err)
	}
	return codec
}

// Shorter ways to write events.
func place(products ...string) events.Data {
	return placed{products}
}

var (
	cancel  = cancelled{}
	confirm = confirmed{}
	refuse  = rejected{}
	note    = noted{}
)

// world is a store, a ledger and an outside, with a runner between them.
type world struct {
	t        testing.TB
	codec    *events.Codec
	store    *eventstest.Memory
	ledger   *processtest.Memory
	recorder *processtest.Recorder
	reactors []process.Reactor
	opts     process.Options
	clock    time.Time // of the next commit
}

var testNow = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func newWorld(t testing.TB, reactors ...process.Reactor) *world {
	w := &world{
		t: t, codec: newCodec(t), store: &eventstest.Memory{}, ledger: &processtest.Memory{}, recorder: &processtest.Recorder{},
		reactors: reactors, clock: testNow,
	}
	w.opts.Now = func() time.Time { return w.clock.Add(time.Hour) } // nothing is fresh
	return w
}

func (w *world) runner() *process.Runner {
	w.t.Helper()
	r, err := process.NewRunner(w.store, w.codec, w.ledger, w.reactors, w.recorder.Effects(), &w.opts)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// commit stores one commit of the given events behind the others of the stream.
func (w *world) commit(stream events.Stream, es ...events.Data) follow.Delivery {
	w.t.Helper()
	at := events.Start(stream)
	before, err := w.store.Load(context.Background(), stream, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	if n := len(before); n > 0 {
		at = events.After(&before[n-1])
	}
	n := at.Number() + 1
	c := events.Commit{
		ID: fmt.Sprintf("%s#%d", stream, n), Time: w.clock, Actor: "ann", Correlation: fmt.Sprintf("request %d of %s", n, stream),
		Commands: []events.Command{{ID: fmt.Sprintf("%s!%d", stream, n), Version: at.Version() + int64(len(es))}},
	}
	w.clock = w.clock.Add(time.Second)
	for _, e := range es {
		encoded, err := w.codec.Encode(e.EventName(), e)
		if err != nil {
			w.t.Fatal(err)
		}
		c.Events = append(c.Events, encoded)
	}
	stored, err := w.store.Append(context.Background(), at, c)
	if err != nil {
		w.t.Fatal(err)
	}
	return follow.Delivery{Stream: stream, Number: n, Commit: &stored, Sequence: fmt.Sprintf("%s#%d", stream, n)}
}

// handle runs deliveries and expects nothing to fail.
func (w *world) handle(ds ...follow.Delivery) process.Report {
	w.t.Helper()
	r := w.runner().Handle(context.Background(), ds)
	if r.Err != nil || r.Retry != nil || len(r.Faults) > 0 {
		w.t.Fatalf("the batch failed: %v, retry %q, faults %+v", r.Err, r.Retry, r.Faults)
	}
	return r
}

// sent is the commands that were sent, in order: "reserve-stock a".
func (w *world) sent() []string {
	out := []string{}
	for _, r := range w.recorder.Requests() {
		out = append(out, r.Command+" "+r.ID)
	}
	return out
}

// reject makes the outside reject a command to an id.
func rejects(command, id string, code events.Code) func(process.Request) error {
	return func(r process.Request) error {
		if r.Command == command && r.ID == id {
			return &events.Error{Code: code, Message: "no", Rejected: true}
		}
		return nil
	}
}

func unavailable(string) error { return events.Errorf(events.CodeUnavailable, "injected") }
