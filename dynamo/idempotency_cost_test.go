package dynamo

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/aggregate"
	"daybook/events"
	"daybook/events/eventstest"
	"daybook/internal/testdomain"
)

// sized is a store in memory that says of a commit the size that DynamoDB would
// keep: snapshots follow from it.
type sized struct{ *eventstest.Memory }

func (s sized) Append(ctx context.Context, at events.Position, c events.Commit) (events.Commit, error) {
	stored, err := s.Memory.Append(ctx, at, c)
	if err == nil {
		_, stored.Size, err = encodeCommit(&stored)
	}
	return stored, err
}

// busyMember stores a member's stream of n commands within a day, as a handler
// writes it, and returns the bytes of its snapshots and of all, and a clock that
// stands at the end of that day.
func busyMember(t testing.TB, store *EventStore, n int) (snapshots, all int, clock func() time.Time) {
	t.Helper()
	at := now
	clock = func() time.Time { return at }
	memory := sized{&eventstest.Memory{}}
	h, err := aggregate.NewHandler(memory, testdomain.Aggregates(), &aggregate.Options{Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Handle(t.Context(), createMember("7")); err != nil {
		t.Fatal(err)
	}
	for i := range n - 1 {
		at = at.Add(24 * time.Hour / time.Duration(n))
		if _, err := h.Handle(t.Context(), renameMember("7", i)); err != nil {
			t.Fatal(err)
		}
	}
	commits, err := memory.Load(t.Context(), "member/7", 0)
	if err != nil {
		t.Fatal(err)
	}
	var puts []types.TransactWriteItem
	for i := range commits {
		item, size, err := encodeCommit(&commits[i])
		if err != nil {
			t.Fatal(err)
		}
		all += size
		if commits[i].Snapshot != nil {
			snapshots += size
		}
		puts = append(puts, types.TransactWriteItem{Put: &types.Put{TableName: &store.table, Item: item}})
		if len(puts) == 100 || i == len(commits)-1 {
			if _, err := store.client.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: puts}); err != nil {
				t.Fatal(err)
			}
			puts = puts[:0]
		}
	}
	return snapshots, all, clock
}

// coldCosts handles a new command that has a command id, and then another, on
// a cold stream, and returns what each cost.
func coldCosts(t testing.TB, store *EventStore, clock func() time.Time) (cold, warm Usage) {
	t.Helper()
	h, err := aggregate.NewHandler(store, testdomain.Aggregates(), &aggregate.Options{Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	var costs [2]Usage
	for i := range costs {
		ctx, meter := WithMeter(context.WithoutCancel(t.Context()))
		if r, err := h.Handle(ctx, renameMember("7", 1_000_000+i)); err != nil || r.Replayed {
			t.Fatalf("%+v, error %v", r, err)
		}
		costs[i] = meter.Usage()
	}
	return costs[0], costs[1]
}

// The cost of recognising a repeat by time: nothing on a stream of up to 128
// commands a day, and on a busy one some reads, once while it is warm. A repeat
// of the first of 10,000 commands costs reads only.
func TestIdempotencyCosts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		commands int
		most     Usage
	}{
		{100, Usage{Requests: 2, ReadUnits: 2, WriteUnits: 1}},
		{1_000, Usage{Requests: 4, ReadUnits: 3 + 4, WriteUnits: 5}},
		{10_000 / slowdown, Usage{Requests: 8, ReadUnits: 3 + 10_000/slowdown/128*0.75 + 4, WriteUnits: 5}},
	} {
		t.Run(fmt.Sprint(c.commands), func(t *testing.T) {
			t.Parallel()
			costs := newCommandCosts(t)
			_, _, clock := busyMember(t, costs.store, c.commands)
			cold, warm := coldCosts(t, costs.store, clock)
			t.Logf("cold %+v, warm %+v", cold, warm)
			costs.want("a cold command with an id", cold, c.most)
			costs.want("a warm one", warm, Usage{Requests: 1, WriteUnits: 5})
			if warm.ReadUnits > 0 || warm.Requests != 1 {
				t.Errorf("a warm command reads: %+v", warm)
			}
			h, err := aggregate.NewHandler(costs.store, testdomain.Aggregates(), &aggregate.Options{Now: clock})
			if err != nil {
				t.Fatal(err)
			}
			repeat, r := costs.of(h, renameMember("7", 0))
			if !r.Replayed || r.Version != 2 || repeat.WriteUnits > 0 {
				t.Errorf("the repeat of the first command answers %+v and costs %+v", r, repeat)
			}
		})
	}
}

// BenchmarkIdempotency measures what the documentation says of commands with an
// id, on streams of so many commands a day.
func BenchmarkIdempotency(b *testing.B) {
	for _, n := range []int{100, 1_000, 10_000, 86_400} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				client, db := openBenched(b, EventsTable())
				store := NewEventStore(client, TableName(testPrefix, EventsTable()))
				snapshots, all, clock := busyMember(b, store, n)
				started := time.Now()
				cold, warm := coldCosts(b, store, clock)
				took := time.Since(started)
				b.ReportMetric(cold.ReadUnits, "coldRU")
				b.ReportMetric(float64(cold.Requests), "coldRequests")
				b.ReportMetric(warm.ReadUnits, "warmRU")
				b.ReportMetric(float64(snapshots)/float64(n), "snapshotB/command")
				b.ReportMetric(float64(all)/float64(n), "B/command")
				b.ReportMetric(took.Seconds()*1000, "ms")
				if err := db.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
