package dynamo

import (
	"context"
	"encoding/json/v2"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"uuid"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"

	"daybook/aggregate"
	"daybook/events"
	"daybook/events/eventstest"
)

// shipmentNote is an event of a shop, of about as many bytes as it was drawn for.
type shipmentNote struct {
	Order    string `json:"order,omitzero"`
	Carrier  string `json:"carrier,omitzero"`
	Status   string `json:"status,omitzero"`
	City     string `json:"city,omitzero"`
	Street   string `json:"street,omitzero"`
	Receiver string `json:"receiver,omitzero"`
	Weight   int    `json:"weight_g,omitzero"`
	Price    int    `json:"price_cents,omitzero"`
	At       string `json:"at,omitzero"`
	Remark   string `json:"remark,omitzero"`
}

func (shipmentNote) EventName() string { return "shipment-noted" }

type noteShipment shipmentNote

func (noteShipment) CommandName() string { return "note-shipment" }

type noteShipments struct {
	Notes []shipmentNote `json:"notes"`
}

func (noteShipments) CommandName() string { return "note-shipments" }

// shipment is a state that keeps the last note, and as many bytes of them as Kept
// says.
type shipment struct {
	Count int          `json:"count"`
	Last  shipmentNote `json:"last"`
	Kept  string       `json:"kept"`
}

// shipments returns the aggregate whose state keeps so many bytes of remarks.
func shipments(keep int) aggregate.Aggregate {
	return aggregate.New[shipment]("shipment").
		Event(func(s shipment, e shipmentNote) shipment {
			s.Count++
			s.Last = shipmentNote{Order: e.Order, Status: e.Status}
			s.Kept += e.Remark
			s.Kept = s.Kept[max(0, len(s.Kept)-keep):]
			return s
		}).
		Command(func(_ shipment, c noteShipment) aggregate.Decision { return aggregate.Emit(shipmentNote(c)) }).
		Command(func(_ shipment, c noteShipments) aggregate.Decision {
			var d aggregate.Decision
			for _, n := range c.Notes {
				d = d.And(n)
			}
			return d
		})
}

var noteWords = strings.Fields(`the parcel was left with a neighbour at door number depot sorted scanned vehicle loaded
	arrived departed hub delay weather customs cleared duty paid signature required fragile keep dry return label
	missing address corrected phone called twice no answer second attempt tomorrow morning afternoon express standard
	pallet damaged corner photo taken insurance claim opened refund approved weight differs declared measured again`)

// drawNote draws a note whose JSON has about so many bytes.
func drawNote(r *rand.Rand, size int) shipmentNote {
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	if size < 200 {
		return shipmentNote{Status: pick("sorted", "loaded"), City: pick("sao paulo", "franca"), Weight: r.IntN(30_000)}
	}
	n := shipmentNote{
		Order: uuid.UUID(drawBytes(r)).String(), Carrier: pick("Correios", "Jadlog", "Loggi", "Total Express"),
		Status: pick("sorted", "loaded", "delivered", "returned"), City: pick("sao paulo", "franca", "campinas", "mogi das cruzes"),
		Street:   fmt.Sprintf("%s %d", pick("Rua Augusta", "Rua das Flores", "Avenida Paulista", "Rua Sete de Setembro"), r.IntN(3000)),
		Receiver: pick("Ana", "Bruno", "Camila", "Diego", "Elisa") + " " + pick("Souza", "Oliveira", "Santos", "Lima"),
		Weight:   r.IntN(30_000), Price: r.IntN(100_000), At: now.Add(time.Duration(r.IntN(1e9)) * time.Millisecond).Format(time.RFC3339),
	}
	b, _ := json.Marshal(n)
	var text strings.Builder
	for len(b)+text.Len() < size {
		text.WriteString(noteWords[r.IntN(len(noteWords))] + " ")
	}
	n.Remark = text.String()
	return n
}

func drawBytes(r *rand.Rand) (b [16]byte) {
	for i := range b {
		b[i] = byte(r.IntN(256))
	}
	return b
}

// shipping is one stream of shipments as a handler writes it: from a store in
// memory that says of each commit the size that DynamoDB would keep, into a table.
type shipping struct {
	t       testing.TB
	random  *rand.Rand
	of      aggregate.Aggregate
	event   int           // bytes of an event
	batch   int           // events in a commit
	every   time.Duration // from one command to the next
	clock   time.Time
	memory  sized
	handler *aggregate.Handler
	table   *EventStore
	stored  int
}

const shipmentStream = events.Stream("shipment/0192f1c4-0000-7000-8000-0000000000ff")

func newShipping(t testing.TB, table *EventStore, event, batch, state int, every time.Duration) *shipping {
	t.Helper()
	s := &shipping{
		t: t, random: rand.New(rand.NewPCG(1, 2)), of: shipments(state), event: event, batch: batch, every: every, clock: now,
		memory: sized{&eventstest.Memory{}}, table: table,
	}
	s.handler = s.cold(s.memory)
	return s
}

// cold returns a handler that has not met the stream.
func (s *shipping) cold(store events.Store) *aggregate.Handler {
	s.t.Helper()
	h, err := aggregate.NewHandler(store, []aggregate.Aggregate{s.of}, &aggregate.Options{
		Now: func() time.Time { return s.clock }, NewID: func() string { return uuid.UUID(drawBytes(s.random)).String() },
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return h
}

// command draws the next command.
func (s *shipping) command() aggregate.Command {
	c := aggregate.Command{ID: shipmentStream.ID(), CommandID: uuid.UUID(drawBytes(s.random)).String(), Actor: "0192f1c4-0000-7000-8000-000000000007"}
	var err error
	if c.Name = "note-shipment"; s.batch == 1 {
		c.Payload, err = json.Marshal(noteShipment(drawNote(s.random, s.event)))
	} else {
		c.Name = "note-shipments"
		var notes noteShipments
		for range s.batch {
			notes.Notes = append(notes.Notes, drawNote(s.random, s.event))
		}
		c.Payload, err = json.Marshal(notes)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// grow brings the stream to so many commits.
func (s *shipping) grow(commits int) {
	s.t.Helper()
	for range commits - s.stored {
		s.clock = s.clock.Add(s.every)
		if _, err := s.handler.Handle(context.WithoutCancel(s.t.Context()), s.command()); err != nil {
			s.t.Fatal(err)
		}
	}
	cs, err := s.memory.Read(context.WithoutCancel(s.t.Context()), shipmentStream, int64(s.stored+1), commits)
	if err != nil {
		s.t.Fatal(err)
	}
	var puts []types.TransactWriteItem
	for i := range cs {
		item, _, err := encodeCommit(&cs[i])
		if err != nil {
			s.t.Fatal(err)
		}
		puts = append(puts, types.TransactWriteItem{Put: &types.Put{TableName: &s.table.table, Item: item}})
		if len(puts) == 100 || i == len(cs)-1 {
			if _, err := s.table.client.TransactWriteItems(context.WithoutCancel(s.t.Context()), &dynamodb.TransactWriteItemsInput{TransactItems: puts}); err != nil {
				s.t.Fatal(err)
			}
			puts = puts[:0]
		}
	}
	s.stored = commits
}

// told is what a handler tells of the size of a commit, by the next command.
func (s *shipping) told() int {
	n := 160 + len(s.command().Payload)
	if n > writeUnitSize {
		n = max(writeUnitSize, n/2)
	}
	return n
}

// load returns what loading the stream costs a store that is told the size of the
// next command.
func (s *shipping) load(store *EventStore) Usage {
	s.t.Helper()
	ctx, m := WithMeter(context.WithoutCancel(s.t.Context()))
	cs, err := store.Load(events.WithCommitSize(ctx, s.told()), shipmentStream, 1)
	if err != nil || cs[len(cs)-1].Number != int64(s.stored) {
		s.t.Fatalf("%d commits, error %v", len(cs), err)
	}
	return m.Usage()
}

// A cold load of events of half a kilobyte is one request and two read units at
// every length, on an instance that has not met the aggregate and on one that has,
// also where the state keeps some of what the events say.
func TestColdLoadCosts(t *testing.T) {
	t.Parallel()
	for _, state := range []int{0, 1500} {
		t.Run(fmt.Sprint(state), func(t *testing.T) {
			t.Parallel()
			table, f := newStore(t)
			s := newShipping(t, table, 500, 1, state, time.Hour)
			met := NewEventStore(f.client, table.table)
			at := func(length int) {
				t.Helper()
				s.grow(length)
				for name, store := range map[string]*EventStore{"first": NewEventStore(f.client, table.table), "met": met} {
					if got := s.load(store); got.Requests != 1 || got.ReadUnits > 2 {
						t.Errorf("%s: a load of %d commits cost %+v", name, length, got)
					}
				}
			}
			for length := 1; length <= 200/slowdown; length++ {
				at(length)
			}
			for length := 1_000 / slowdown; length < 1_000/slowdown+12; length++ {
				at(max(length, s.stored))
			}
		})
	}
}

// A cold command costs that and a write, whatever the length of the stream.
func TestColdCommandCosts(t *testing.T) {
	t.Parallel()
	for _, length := range []int{1, 10, 100, 1_000, 3_000 / slowdown} {
		t.Run(fmt.Sprint(length), func(t *testing.T) {
			t.Parallel()
			costs := newCommandCosts(t)
			s := newShipping(t, costs.store, 500, 1, 0, time.Hour)
			s.grow(length)
			s.clock = s.clock.Add(time.Hour)
			cold, r := costs.of(s.cold(costs.store), s.command())
			if r.Version != int64(length+1) {
				t.Errorf("it is event %d", r.Version)
			}
			costs.want("a cold command", cold, Usage{Requests: 2, ReadUnits: 2, WriteUnits: 4})
		})
	}
}

// Ten events of half a kilobyte in one commit are two write units: as the first
// commit of a stream, and right after a snapshot. The events are a shop's: ids,
// names, amounts, times, and remarks of words drawn from a hundred.
func TestTenLargeEventsCost(t *testing.T) {
	t.Parallel()
	costs := newCommandCosts(t)
	for seed := range uint64(10) {
		s := newShipping(t, costs.store, 500, 10, 0, time.Hour)
		s.random = rand.New(rand.NewPCG(seed, 3))
		h := s.cold(costs.store)
		c := s.command()
		if n := len(c.Payload); n < 5000 {
			t.Fatalf("the payload has only %d bytes", n)
		}
		c.ID = fmt.Sprintf("%s-%d", uuid.New(), seed)
		first, _ := costs.of(h, c)
		costs.want("ten events, the first of a cold stream", first, Usage{Requests: 2, ReadUnits: 1, WriteUnits: 2})

		costs.want("ten events, after a snapshot", tenEvents(t, s, costs.store), Usage{Requests: 1, WriteUnits: 2})
	}
}

// A stream whose snapshots are farther apart than the first page reaches costs
// one request more, for the commits down to the snapshot and no others.
func TestLoadReadsDownToTheSnapshot(t *testing.T) {
	t.Parallel()
	table, f := newStore(t)
	s := newShipping(t, table, 500, 1, 12_000, time.Hour)
	var cs []events.Commit
	for length := 150; len(cs) < 2*mediumPage; length++ {
		s.grow(length)
		var err error
		if cs, err = table.Load(t.Context(), shipmentStream, 1); err != nil || length > 200 {
			t.Fatalf("%d commits, error %v", len(cs), err)
		}
	}
	bytes := func(cs []events.Commit) (n int) {
		for i := range cs {
			n += cs[i].Size
		}
		return n
	}
	rest, first := bytes(cs[:len(cs)-mediumPage]), bytes(cs[len(cs)-mediumPage:])
	want := Usage{Requests: 2, ReadUnits: float64(readUnits(first) + readUnits(rest))}
	if got := s.load(NewEventStore(f.client, table.table)); got != want {
		t.Errorf("it cost %+v, want %+v", got, want)
	}
	met := NewEventStore(f.client, table.table)
	s.load(met)
	for range 8 {
		s.grow(s.stored + 7)
		if got := s.load(met); got.Requests != 1 {
			t.Errorf("once the distance is known, a load of %d commits cost %+v", s.stored, got)
		}
	}
}

func readUnits(bytes int) int { return (bytes + readUnitSize - 1) / readUnitSize }

// Streams of older programs don't say how far back a snapshot lies, and have one
// in every fourth KB.
func TestColdLoadOfAnOlderStream(t *testing.T) {
	t.Parallel()
	s, f := newStore(t)
	stream := userStream()
	fill(t, s, stream, 399, true) // the last snapshot is 18 commits back
	for size, most := range map[int]Usage{219: {Requests: 1, ReadUnits: 2}, 0: {Requests: 2, ReadUnits: 3}} {
		ctx, m := WithMeter(t.Context())
		cs, err := NewEventStore(f.client, s.table).Load(events.WithCommitSize(ctx, size), stream, 1)
		if got := m.Usage(); err != nil || cs[0].Snapshot == nil || got.Requests > most.Requests || got.ReadUnits > most.ReadUnits {
			t.Errorf("told %d bytes: %d commits cost %+v, error %v", size, len(cs), got, err)
		}
	}
}

// After the state's schema version was raised no snapshot fits, and a load reads the
// whole stream, in few pages.
func TestColdLoadAfterARaisedSchema(t *testing.T) {
	t.Parallel()
	table, f := newStore(t)
	s := newShipping(t, table, 100, 1, 0, time.Hour)
	const commits = 2_000 / slowdown
	s.grow(commits)
	ctx, m := WithMeter(t.Context())
	cs, err := NewEventStore(f.client, table.table).Load(ctx, shipmentStream, 2)
	if got := m.Usage(); err != nil || len(cs) != commits || got.Requests > 5 {
		t.Errorf("%d commits cost %+v, error %v", len(cs), got, err)
	}
}

// The result of a load does not depend on how far back commits say that a snapshot lies:
// they say nothing, as those of older programs, the truth, or something false.
func TestLoadIsRightWhateverCommitsSay(t *testing.T) {
	t.Parallel()
	store, f := newStore(t)
	rapid.Check(t, func(t *rapid.T) {
		at, from := events.Start(userStream()), 0
		n := rapid.IntRange(1, 90).Draw(t, "commits")
		schemas := rapid.SliceOfN(rapid.SampledFrom([]int{0, 0, 0, 0, 0, 0, 0, 0, 1, 2}), n, n).Draw(t, "snapshots")
		distances := rapid.SliceOfN(rapid.SampledFrom([]int64{0, 0, 1, 5, 20, 1000, math.MaxInt64}), n, n).Draw(t, "distances")
		var puts []types.TransactWriteItem
		for i, schema := range schemas {
			c := userCommit(1)
			c.SnapshotDistance = distances[i]
			if schema > 0 {
				c.Snapshot = &events.Snapshot{Schema: schema, State: userData(i)}
			}
			if schema == 1 {
				from = i
			}
			place(at, &c)
			item, _, err := encodeCommit(&c)
			if err != nil {
				t.Fatal(err)
			}
			puts, at = append(puts, types.TransactWriteItem{Put: &types.Put{TableName: &store.table, Item: item}}), events.After(&c)
		}
		if _, err := f.client.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: puts}); err != nil {
			t.Fatal(err)
		}
		ctx := events.WithCommitSize(t.Context(), rapid.SampledFrom([]int{0, 1, 200, 600, 1 << 30}).Draw(t, "told"))
		cs, err := NewEventStore(f.client, store.table).Load(ctx, at.Stream(), 1)
		if err != nil || len(cs) != n-from || cs[0].Number != int64(from+1) {
			t.Fatalf("%d commits, want %d, error %v", len(cs), n-from, err)
		}
	})
}
