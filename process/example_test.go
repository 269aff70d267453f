package process_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"daybook/aggregate"
	"daybook/events"
	"daybook/events/eventstest"
	"daybook/follow"
	"daybook/process"
	"daybook/process/processtest"
)

// The order waits for its parcels; each parcel has a stream of its own.
type (
	shipped struct {
		Parcels []string `json:"parcels"`
	}
	completed struct{}
	arrived   struct {
		Order string `json:"order"`
	}
	ofOrder struct {
		Order string `json:"order"`
	}
	empty struct{}
)

func (shipped) CommandName() string { return "ship-order" }
func (shipped) EventName() string   { return "order-shipped" }
func (completed) EventName() string { return "order-completed" }
func (arrived) EventName() string   { return "parcel-arrived" }
func (ofOrder) CommandName() string { return "hand-over" }
func (empty) CommandName() string   { return "complete-order" }

// delivery is the state of the process: what it knows of several streams is an
// aggregate of its own, with a stream for each order.
type delivery struct {
	Expected []string `json:"expected,omitzero"`
	Arrived  []string `json:"arrived,omitzero"`
	Complete bool     `json:"complete,omitzero"`
}

type (
	deliveryBegun  struct{ Parcels []string }
	parcelCounted  struct{ Parcel string }
	deliveryIsDone struct{}
	expect         struct {
		Parcels []string `json:"parcels"`
	}
	count struct {
		Parcel string `json:"parcel"`
	}
)

func (deliveryBegun) EventName() string  { return "delivery-begun" }
func (parcelCounted) EventName() string  { return "delivery-counted" }
func (deliveryIsDone) EventName() string { return "delivery-completed" }
func (expect) CommandName() string       { return "begin-delivery" }
func (count) CommandName() string        { return "count-parcel" }

var deliveries = aggregate.New[delivery]("delivery").
	Event(func(d delivery, e deliveryBegun) delivery { d.Expected = e.Parcels; return d }).
	Event(func(d delivery, e parcelCounted) delivery {
		d.Arrived = append(slices.Clone(d.Arrived), e.Parcel)
		return d
	}).
	Event(func(d delivery, _ deliveryIsDone) delivery { d.Complete = true; return d }).
	Command(func(d delivery, c expect) aggregate.Decision {
		d.Expected = c.Parcels
		return d.with(deliveryBegun{c.Parcels})
	}).
	Command(func(d delivery, c count) aggregate.Decision {
		if slices.Contains(d.Arrived, c.Parcel) {
			return aggregate.Nothing() // right however often and in which order they come
		}
		d.Arrived = append(slices.Clone(d.Arrived), c.Parcel)
		return d.with(parcelCounted{c.Parcel})
	})

// with emits an event, and that the delivery is complete, if it is now.
func (d delivery) with(e events.Data) aggregate.Decision {
	for _, parcel := range d.Expected {
		if !slices.Contains(d.Arrived, parcel) {
			return aggregate.Emit(e)
		}
	}
	if d.Complete || len(d.Expected) == 0 {
		return aggregate.Emit(e)
	}
	return aggregate.Emit(e, deliveryIsDone{})
}

// completion follows the streams of three aggregates and needs no memory.
var completion = process.New[struct{}]("completion", "delivery", "order", "parcel").
	Sends(expect{}, count{}, empty{}).
	React(func(e shipped, m process.Meta) process.Reaction {
		return process.Do(process.Send(m.ID(), expect(e)))
	}).
	React(func(e arrived, m process.Meta) process.Reaction {
		return process.Do(process.Send(e.Order, count{m.ID()}))
	}).
	React(func(_ deliveryIsDone, m process.Meta) process.Reaction {
		return process.Do(process.Send(m.ID(), empty{}).Unless("order-is-complete"))
	})

var aggregates = []aggregate.Aggregate{
	deliveries,
	aggregate.New[struct{ Complete bool }]("order").
		Event(func(s struct{ Complete bool }, _ shipped) struct{ Complete bool } { return s }).
		Event(func(s struct{ Complete bool }, _ completed) struct{ Complete bool } { s.Complete = true; return s }).
		Command(func(_ struct{ Complete bool }, c shipped) aggregate.Decision { return aggregate.Emit(c) }).
		Command(func(s struct{ Complete bool }, _ empty) aggregate.Decision {
			if s.Complete {
				return aggregate.Reject("order-is-complete", "the order is complete already")
			}
			return aggregate.Emit(completed{})
		}),
	aggregate.New[empty]("parcel").
		Event(func(s empty, _ arrived) empty { return s }).
		Command(func(_ empty, c ofOrder) aggregate.Decision { return aggregate.Emit(arrived(c)) }),
}

// handling lets the aggregates handle the commands of processes, as a function
// does.
type handling struct{ *aggregate.Handler }

func (h handling) Handle(ctx context.Context, r process.Request) error {
	_, err := h.Handler.Handle(ctx, aggregate.Command{
		Name: r.Command, ID: r.ID, Payload: r.Payload, CommandID: r.CommandID,
		Actor: r.Actor, Correlation: r.Correlation, Causation: r.Causation,
	})
	return err
}

// A process that has to know of several streams keeps its state in a stream of
// its own: its manager sends commands to an aggregate, and reacts to what that
// decides.
func Example() {
	ctx := context.Background()
	store := &eventstest.Memory{}
	clock := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	now := func() time.Time { clock = clock.Add(time.Second); return clock }
	handler, err := aggregate.NewHandler(store, aggregates, &aggregate.Options{Now: now})
	if err != nil {
		fmt.Println(err)
		return
	}
	codec, err := aggregate.Codec(aggregates)
	if err != nil {
		fmt.Println(err)
		return
	}
	runner, err := process.NewRunner(store, codec, &processtest.Memory{}, []process.Reactor{completion}, process.Effects{Commands: handling{handler}},
		&process.Options{Concurrency: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range []aggregate.Command{
		{Name: "hand-over", ID: "p2", Payload: []byte(`{"order":"7"}`)}, // before anybody knows that it is expected
		{Name: "ship-order", ID: "7", Payload: []byte(`{"parcels":["p1","p2"]}`)},
		{Name: "hand-over", ID: "p1", Payload: []byte(`{"order":"7"}`)},
	} {
		if _, err := handler.Handle(ctx, c); err != nil {
			fmt.Println(err)
		}
	}
	// The change stream: each commit is delivered twice, and what reactions
	// commit is delivered too.
	for range 4 {
		runner.Handle(ctx, everything(ctx, store))
	}
	for _, stream := range []events.Stream{"delivery/7", "order/7"} {
		commits, _ := store.Load(ctx, stream, 0)
		for _, c := range commits {
			for _, e := range c.Events {
				fmt.Println(stream, e.Name, "by", cmp.Or(c.Actor, "a client"))
			}
		}
	}
	// Output:
	// delivery/7 delivery-counted by process/completion
	// delivery/7 delivery-begun by process/completion
	// delivery/7 delivery-counted by process/completion
	// delivery/7 delivery-completed by process/completion
	// order/7 order-shipped by a client
	// order/7 order-completed by process/completion
}

// everything delivers all commits, twice.
func everything(ctx context.Context, store events.Store) (ds []follow.Delivery) {
	commits, _, _ := store.Scan(ctx, 0, 1, "")
	slices.SortStableFunc(commits, func(a, b events.Commit) int { return a.Time.Compare(b.Time) })
	for i := range commits {
		d := follow.Delivery{Stream: commits[i].Stream, Number: commits[i].Number, Commit: &commits[i]}
		ds = append(ds, d, d)
	}
	return ds
}

// A manager that waits at most 15 minutes for its order to be confirmed.
func ExampleNew() {
	m := process.New[basket]("fulfilment", "order").
		Sends(reserve{}, releaseStock{}, confirmOrder{}, reject{}).
		On(func(b basket, e placed, m process.Meta) (basket, process.Reaction) {
			b.Products = e.Products
			return b, process.Do(
				process.After("confirmation", 15*time.Minute, process.Send(m.ID(), reject{"timed out"})),
				process.All(reserves(m.ID(), e.Products)...).
					Then(process.Send(m.ID(), confirmOrder{})).
					Else(func(r process.Rejection) process.Reaction {
						return process.Do(process.Send(m.ID(), reject{string(r.Code)}))
					}))
		}).
		On(func(b basket, _ rejected, m process.Meta) (basket, process.Reaction) { return b, release(b, m) })
	d := m.Describe()
	fmt.Println(d.Kind, d.Name, d.Aggregates, d.Events, m.Err())
	// Output: manager fulfilment [order] [order-placed order-rejected] <nil>
}

// An outbox that remembers what was ordered, to tell of it when it is confirmed.
func ExampleNewOutbox() {
	o := process.NewOutbox[basket]("shop", "order").
		Remember(func(b basket, e placed, _ process.Meta) basket {
			b.Products = e.Products
			return b
		}).
		Publish("com.example.shop.order-confirmed", 1, func(b basket, _ confirmed, m process.Meta) confirmedOut {
			return confirmedOut{Order: m.ID(), Products: b.Products}
		})
	p := o.Describe().Publishes[0]
	fmt.Println(p.Type)
	fmt.Println(string(p.Schema())[:65])
	// Output:
	// com.example.shop.order-confirmed.v1
	// {"type":"object","properties":{"order":{"type":"string"},"product
}
