package process_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"daybook/events"
	"daybook/process"
)

func reactNothing(placed, process.Meta) process.Reaction { return process.Reaction{} }

func sameMemory(s struct{}, _ placed, _ process.Meta) struct{} { return s }

type (
	badlyNamed struct{}
	misspelt   struct{}
)

func (badlyNamed) EventName() string { return "Order Placed" }
func (misspelt) EventName() string   { return "order-palced" }

func TestFaultyDeclarations(t *testing.T) {
	t.Parallel()
	type lossy struct{ _ int }
	fine := func() *process.Manager[struct{}] {
		return process.New[struct{}]("fine", "order").React(reactNothing)
	}
	data := func(struct{}, placed, process.Meta) placed { return placed{} }
	for want, reactor := range map[string]process.Reactor{
		"":                           fine(),
		`manager "No Name"`:          process.New[struct{}]("No Name", "order").React(reactNothing),
		"follows no aggregate":       process.New[struct{}]("a").React(reactNothing),
		`aggregate "x y"`:            process.New[struct{}]("a", "x y").React(reactNothing),
		`aggregate "order" is named`: process.New[struct{}]("a", "order", "order").React(reactNothing),
		"handles no event":           process.New[struct{}]("a", "order"),
		`event "Order Placed"`:       process.New[struct{}]("a", "order").React(func(badlyNamed, process.Meta) process.Reaction { return process.Reaction{} }),
		"*process_test.placed is not a value type": process.New[struct{}]("a", "order").React(func(*placed, process.Meta) process.Reaction { return process.Reaction{} }),
		"handled twice":                                    fine().React(reactNothing),
		"entry 1 of Sends is nil; remove it":               process.New[struct{}]("a", "order").Sends(confirmOrder{}, nil).React(reactNothing),
		`command "confirm-order" is listed twice in Sends`: process.New[struct{}]("a", "order").Sends(confirmOrder{}, confirmOrder{}).React(reactNothing),
		"entry 0 of Sends, a process_test.nameless":        process.New[struct{}]("a", "order").Sends(nameless{}).React(reactNothing),
		"has no handler":                                   process.New[struct{}]("fine", "order").React[placed](nil),
		"field _ of":                                       process.New[lossy]("a", "order").React(reactNothing),
		"schema version 0":                                 fine().MemorySchema(0),
		`outbox "B"`:                                       process.NewOutbox[struct{}]("B", "order").Publish("a", 1, data),
		`type "A b"`:                                       process.NewOutbox[struct{}]("a", "order").Publish("A b", 1, data),
		"versions count from 1, not 0":                     process.NewOutbox[struct{}]("a", "order").Publish("a", 0, data),
		`type "a.v1": `: process.NewOutbox[struct{}]("a", "order").
			Publish("a", 1, func(struct{}, placed, process.Meta) chan int { return nil }),
		`outbox "c": event "order-placed" is handled twice`: process.NewOutbox[struct{}]("c", "order").
			Remember(sameMemory).Remember(sameMemory),
	} {
		err := reactor.Err()
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestReactorsThatCantLiveTogether(t *testing.T) {
	t.Parallel()
	codec, err := events.NewCodec(events.Type{Name: "order-placed"})
	if err != nil {
		t.Fatal(err)
	}
	one := process.New[struct{}]("one", "order").React(reactNothing)
	for want, reactors := range map[string][]process.Reactor{
		"":                        {one},
		"the name is declared":    {one, process.NewOutbox[struct{}]("one", "order").Remember(sameMemory)},
		`event "order-cancelled"`: {one, newFulfilment()},
		`no aggregate declares event "order-palced"; did you mean "order-placed"?`: {process.New[struct{}]("one", "order").React(func(misspelt, process.Meta) process.Reaction { return process.Reaction{} })},
	} {
		_, err := process.NewRunner(nil, codec, nil, reactors, process.Effects{}, nil)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	m := newFulfilment().Since(since).Describe()
	if m.Name != "fulfilment" || m.Kind != process.KindManager || m.Kind.String() != "manager" || !m.Since.Equal(since) || len(m.Publishes) > 0 ||
		!slices.Equal(m.Aggregates, []string{"order"}) || !slices.Equal(m.Events, []string{"order-cancelled", "order-confirmed", "order-placed", "order-rejected"}) {
		t.Errorf("got %+v", m)
	}
	o := newShop().Describe()
	if o.Kind != process.KindOutbox || !slices.Equal(o.Events, []string{"order-confirmed", "order-placed"}) || len(o.Publishes) != 1 {
		t.Fatalf("got %+v", o)
	}
	p := o.Publishes[0]
	schema := p.Schema()
	if p.Event != "order-confirmed" || p.Type != "com.example.shop.order-confirmed.v1" || p.Version != 1 ||
		p.DataSchema != "urn:daybook:com.example.shop.order-confirmed.v1" || !strings.Contains(string(schema), `"products"`) {
		t.Errorf("got %+v, %s", p, schema)
	}
}
