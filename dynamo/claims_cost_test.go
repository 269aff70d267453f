package dynamo

import (
	"fmt"
	"testing"

	"daybook/aggregate"
	"daybook/events"
)

func changeEmail(id, email string) aggregate.Command {
	return aggregate.Command{Name: "change-member-email", ID: id, CommandID: "to-" + email, Payload: fmt.Appendf(nil, `{"email":%q}`, email)}
}

// batch handles a batch of which every command must be accepted.
func (c *commandCosts) batch(h *aggregate.Handler, batch []aggregate.Command) Usage {
	c.t.Helper()
	ctx, meter := WithMeter(c.t.Context())
	for i, o := range h.HandleBatch(ctx, batch) {
		if o.Err != nil {
			c.t.Fatalf("command %d: %v", i, o.Err)
		}
	}
	return meter.Usage()
}

// The cost of claims; part of the cost contract.
func TestClaimCosts(t *testing.T) {
	t.Parallel()
	c := newCommandCosts(t)
	h := c.handler()
	cold, _ := c.of(h, createMember("7"))
	c.want("a create with one claim", cold, Usage{Requests: 2, ReadUnits: 1, WriteUnits: 4})
	move, _ := c.of(h, changeEmail("7", "a@example.org"))
	c.want("a claim that moves", move, Usage{Requests: 1, WriteUnits: 6})
	rename, _ := c.of(h, renameMember("7", 1))
	c.want("a command without claims", rename, Usage{Requests: 1, WriteUnits: 1})
	repeat, r := c.of(h, changeEmail("7", "a@example.org"))
	c.want("a repeat of a claim", repeat, Usage{})
	if !r.Replayed {
		t.Error("the repeat was not recognised")
	}
	c.of(h, createMember("8"))
	ctx, meter := WithMeter(t.Context())
	_, err := h.Handle(ctx, changeEmail("8", "a@example.org"))
	if events.CodeOf(err) != events.CodeAlreadyTaken {
		t.Fatalf("a taken address: %v", err)
	}
	// DynamoDB bills the cancelled transaction's writes and does not report them.
	c.want("a taken claim", meter.Usage(), Usage{Requests: 2, ReadUnits: 1})
}

type addSeat struct{}

func (addSeat) CommandName() string { return "add-seat" }

// seat is an aggregate that takes one unique value on a stream that exists.
var seat = aggregate.New[struct{}]("seat").
	Event(func(s struct{}, _ seatAdded) struct{} { return s }).
	Event(func(s struct{}, _ seatNumbered) struct{} { return s }).
	Command(func(struct{}, addSeat) aggregate.Decision { return aggregate.Emit(seatAdded{}) }).
	Command(func(_ struct{}, c seatNumbered) aggregate.Decision {
		return aggregate.Emit(c).Claim("seat-number", c.Number)
	})

type (
	seatAdded    struct{}
	seatNumbered struct {
		Number string `json:"number"`
	}
)

func (seatAdded) EventName() string      { return "seat-added" }
func (seatNumbered) CommandName() string { return "number-seat" }
func (seatNumbered) EventName() string   { return "seat-numbered" }

// A warm command with one claim is a transaction of two small items: 4 write
// units, and one round trip.
func TestWarmClaimCosts(t *testing.T) {
	t.Parallel()
	c := newCommandCosts(t)
	h, err := aggregate.NewHandler(c.store, []aggregate.Aggregate{seat}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.of(h, aggregate.Command{Name: "add-seat", ID: "1"})
	warm, _ := c.of(h, aggregate.Command{Name: "number-seat", ID: "1", Payload: []byte(`{"number":"12a"}`)})
	c.want("a warm command with one claim", warm, Usage{Requests: 1, WriteUnits: 4})
}

// A hundred small commands on one stream are one commit.
func TestHundredBatchedCommands(t *testing.T) {
	t.Parallel()
	c := newCommandCosts(t)
	h := c.handler()
	c.of(h, createMember("7"))
	batch := make([]aggregate.Command, 100)
	for i := range batch {
		batch[i] = renameMember("7", i)
		batch[i].Actor = ""
	}
	c.want("100 batched small commands", c.batch(h, batch), Usage{Requests: 1, WriteUnits: 10})
	cs, err := c.store.Load(t.Context(), "member/7", 0)
	if err != nil || len(cs) != 2 || cs[1].Version != 101 {
		t.Fatalf("%d commits, error %v", len(cs), err)
	}
	c.want("their repeat", c.batch(h, batch), Usage{})
	c.want("their repeat, cold", c.batch(c.handler(), batch), Usage{Requests: 1, ReadUnits: 2})
}

// Claims in a batch share a transaction as far as its limit of items allows.
func TestBatchOfClaims(t *testing.T) {
	t.Parallel()
	c := newCommandCosts(t)
	h := c.handler()
	c.of(h, createMember("7"))
	batch := make([]aggregate.Command, 150)
	for i := range batch {
		batch[i] = changeEmail("7", fmt.Sprintf("%d@example.org", i))
	}
	got := c.batch(h, batch)
	// The first address, 150 more, and 3 commits, or 2 if 99 values in each sufficed.
	if got.Requests != 2 {
		t.Errorf("150 claims on one stream cost %+v", got)
	}
	cs, err := c.store.Load(t.Context(), "member/7", 0)
	if err != nil || len(cs) != 3 || cs[2].Version != 151 {
		t.Fatalf("%d commits, error %v", len(cs), err)
	}
	for value, want := range map[string]events.Stream{"149@example.org": "member/7", "148@example.org": "", "0@example.org": ""} {
		held, err := c.store.Holders(t.Context(), []string{(events.Claim{Name: "member-email", Value: value}).Key("")})
		if err != nil || held[0].Stream != want {
			t.Errorf("%s is held by %+v, error %v", value, held, err)
		}
	}
}

func TestSeveralStreamsCost(t *testing.T) {
	t.Parallel()
	c := newCommandCosts(t)
	h := c.handler()
	for _, id := range []string{"a", "b"} {
		c.of(h, aggregate.Command{Name: "add-course", ID: id, Payload: []byte(`{"name":"Chess","area":"home","fee":1990,"currency":"EUR","seats":5}`)})
	}
	move := func(n int) aggregate.Command {
		return aggregate.Command{Name: "move-seats", ID: "a", CommandID: fmt.Sprint("m", n), Payload: []byte(`{"to":"b","quantity":1}`)}
	}
	warm, r := c.of(h, move(1))
	c.want("a warm command over two streams", warm, Usage{Requests: 1, WriteUnits: 4})
	if r.Token() != "course/a@2" || len(r.Others) != 1 || r.Others[0].String() != "course/b@2" {
		t.Errorf("answered %+v", r)
	}
	cold, _ := c.of(c.handler(), move(2))
	c.want("a cold command over two streams", cold, Usage{Requests: 3, ReadUnits: 2, WriteUnits: 4})
	behind, _ := c.of(h, move(3))
	c.want("a command over two streams, both one commit behind", behind, Usage{Requests: 2, WriteUnits: 4})
	repeat, r := c.of(h, move(1))
	c.want("its repeat", repeat, Usage{})
	if !r.Replayed || r.Version != 2 || r.Others[0].Version != 2 {
		t.Errorf("repeated %+v", r)
	}
}

func TestOnceOnlyCosts(t *testing.T) {
	t.Parallel()
	c := newCommandCosts(t)
	h, err := aggregate.NewHandler(c.store, []aggregate.Aggregate{onceOnlyJar()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.of(h, aggregate.Command{Name: "put", ID: "1", CommandID: "first"})
	cost, _ := c.of(h, aggregate.Command{Name: "put", ID: "1", CommandID: "second"})
	c.want("a once-only command", cost, Usage{Requests: 1, WriteUnits: 4})
	cost, _ = c.of(h, aggregate.Command{Name: "put", ID: "1"})
	c.want("a once-only command without an id", cost, Usage{Requests: 1, WriteUnits: 1})
	batch := make([]aggregate.Command, 100)
	for i := range batch {
		batch[i] = aggregate.Command{Name: "put", ID: "1", CommandID: fmt.Sprint("b", i)}
	}
	// 99 ids and a commit fill a transaction; the hundredth has one of its own.
	c.want("100 once-only commands", c.batch(h, batch), Usage{Requests: 2, WriteUnits: 208})
}

type (
	jar     struct{ Coins int }
	coined  struct{}
	putCoin struct{}
)

func (coined) EventName() string    { return "coined" }
func (putCoin) CommandName() string { return "put" }

// onceOnlyJar is an aggregate whose commands are once-only.
func onceOnlyJar() *aggregate.Definition[jar] {
	return aggregate.New[jar]("jar").
		Event(func(s jar, _ coined) jar { s.Coins++; return s }).
		Command(func(jar, putCoin) aggregate.Decision { return aggregate.Emit(coined{}) }, aggregate.OnceOnly())
}
