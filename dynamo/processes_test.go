package dynamo

import (
	"context"
	"encoding/json/jsontext"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/events"
	"daybook/follow"
	"daybook/process"
	"daybook/process/processtest"
)

// newProcesses opens a database with a ledger.
func newProcesses(t *testing.T) (*Processes, *fixture) {
	t.Helper()
	f := newFixture(t, ProcessesTable())
	return NewProcesses(f.client, TableName(testPrefix, ProcessesTable())), f
}

type orderPlaced struct {
	Products []string `json:"products"`
}

func (orderPlaced) EventName() string { return "order-placed" }

// The commands of the manager.
type (
	confirmOrder struct{}
	rejectOrder  struct{}
	reserveStock struct{}
)

func (confirmOrder) CommandName() string { return "confirm-order" }
func (rejectOrder) CommandName() string  { return "reject-order" }
func (reserveStock) CommandName() string { return "reserve-stock" }

// TestCostsOfAProcess: a handled commit is one write unit; of a new stream it
// needs no read, of others one request for the whole batch.
func TestCostsOfAProcess(t *testing.T) {
	t.Parallel()
	ledger, _ := newProcesses(t)
	codec, err := events.NewCodec(events.Type{Name: "order-placed"}, events.Type{Name: "order-noted"})
	if err != nil {
		t.Fatal(err)
	}
	manager := process.New[orderPlaced]("fulfilment", "order").Sends(rejectOrder{}, reserveStock{}, confirmOrder{}).On(func(_ orderPlaced, e orderPlaced, m process.Meta) (orderPlaced, process.Reaction) {
		return e, process.Do(process.After("confirmation", time.Minute, process.Send(m.ID(), rejectOrder{})),
			process.All(process.Send(e.Products[0], reserveStock{})).Then(process.Send(m.ID(), confirmOrder{})))
	})
	runner, err := process.NewRunner(nil, codec, ledger, []process.Reactor{manager}, (&processtest.Recorder{}).Effects(),
		&process.Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	delivery := func(stream string, number int64, name string) follow.Delivery {
		c := userCommit(1)
		c.Stream, c.Number, c.Version = events.Stream(stream), number, number
		c.Events[0] = events.Event{Name: name, Schema: 1, Data: jsontext.Value(`{"products":["a","b","c"]}`)}
		return follow.Delivery{Stream: c.Stream, Number: number, Commit: &c}
	}
	handle := func(ds []follow.Delivery) func(*testing.T, context.Context) error {
		return func(t *testing.T, ctx context.Context) error {
			if r := runner.Handle(ctx, ds); r.Err != nil || len(r.Faults) > 0 {
				return fmt.Errorf("%+v", r)
			}
			return nil
		}
	}
	var first, second []follow.Delivery
	for i := range 10 {
		first = append(first, delivery(fmt.Sprintf("order/%d", i), 1, "order-placed"))
		second = append(second, delivery(fmt.Sprintf("order/%d", i), 2, "order-placed"))
	}
	costs(t, "the first commits of ten streams", Usage{Requests: 10, WriteUnits: 10}, handle(first))
	costs(t, "a second commit of one", Usage{Requests: 2, ReadUnits: 1, WriteUnits: 1}, handle(second[:1]))
	costs(t, "second commits of nine", Usage{Requests: 10, ReadUnits: 9, WriteUnits: 9}, handle(second[1:]))
	costs(t, "what was handled before", Usage{Requests: 1, ReadUnits: 10}, handle(second))
	costs(t, "a commit that nobody handles", Usage{}, handle([]follow.Delivery{delivery("order/1", 3, "order-noted")}))
}

// TestALostAnswerOfTheLedger: the runner recognises its own write.
func TestALostAnswerOfTheLedger(t *testing.T) {
	t.Parallel()
	ledger, f := newProcesses(t)
	codec, err := events.NewCodec(events.Type{Name: "order-placed"})
	if err != nil {
		t.Fatal(err)
	}
	outside := &processtest.Recorder{}
	manager := process.New[struct{}]("fulfilment", "order").Sends(confirmOrder{}).React(func(orderPlaced, process.Meta) process.Reaction {
		return process.Do(process.Send("7", confirmOrder{}))
	})
	runner, err := process.NewRunner(nil, codec, ledger, []process.Reactor{manager}, outside.Effects(), nil)
	if err != nil {
		t.Fatal(err)
	}
	c := userCommit(1)
	c.Stream, c.Number, c.Version, c.Events[0].Name = "order/7", 1, 1, "order-placed"
	f.net.reset(func(_ int, operation string) fault {
		if operation == "PutItem" && len(f.net.sent) < 4 {
			return cut
		}
		return none
	})
	if r := runner.Handle(t.Context(), []follow.Delivery{{Stream: c.Stream, Number: 1, Commit: &c}}); r.Err != nil || len(r.Faults) > 0 {
		t.Fatalf("%+v", r)
	}
	if n := len(outside.Requests()); n != 1 {
		t.Errorf("%d commands were sent", n)
	}
}

func TestEntriesThatCantBeRead(t *testing.T) {
	t.Parallel()
	ledger, f := newProcesses(t)
	for i, change := range []map[string]types.AttributeValue{
		{attrRevision: &types.AttributeValueMemberS{Value: "1"}},
		{attrHandled: &types.AttributeValueMemberN{Value: "1.5"}},
		{attrFault: &types.AttributeValueMemberS{Value: "{"}},
		{attrTimers: &types.AttributeValueMemberS{Value: "[]"}},
	} {
		k := process.Key{Reactor: "fulfilment", Stream: events.Stream(fmt.Sprintf("order/%d", i))}
		item, err := encodeEntry(&process.Entry{Key: k, Revision: 1})
		if err != nil {
			t.Fatal(err)
		}
		for name, v := range change {
			item[name] = v
		}
		if _, err := f.client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &ledger.table, Item: item}); err != nil {
			t.Fatal(err)
		}
		if _, err := ledger.Load(t.Context(), []process.Key{k}); events.CodeOf(err) != events.CodeInternal {
			t.Errorf("%v: %v", change, err)
		}
		if _, err := ledger.Load(t.Context(), []process.Key{{Reactor: "a", Stream: "b/c"}, k}); events.CodeOf(err) != events.CodeInternal {
			t.Errorf("%v among others: %v", change, err)
		}
	}
}

// TestEntriesInPages: all entries come, each once, whatever the size of the pages.
func TestEntriesInPages(t *testing.T) {
	t.Parallel()
	ledger, _ := newProcesses(t)
	for i := range 7 {
		e := process.Entry{Key: process.Key{Reactor: "fulfilment", Stream: events.Stream(fmt.Sprint("order/é", i))}, Revision: 1, Commit: int64(i)}
		if err := ledger.Save(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	for _, limit := range []int{1, 3, 7, 100} {
		seen := map[events.Stream]bool{}
		for cursor := ""; ; {
			page, next, err := ledger.Entries(t.Context(), cursor, limit)
			if err != nil || len(page) > limit {
				t.Fatalf("%d entries, %v", len(page), err)
			}
			for _, e := range page {
				seen[e.Stream] = true
			}
			if cursor = next; cursor == "" {
				break
			}
		}
		if len(seen) != 7 {
			t.Errorf("pages of %d: %d entries", limit, len(seen))
		}
	}
	for _, cursor := range []string{"!", "bm9zbGFzaA", "_w", "YS\n9i"} {
		if _, _, err := ledger.Entries(t.Context(), cursor, 1); events.CodeOf(err) != events.CodeMalformed {
			t.Errorf("cursor %q: %v", cursor, err)
		}
	}
}
