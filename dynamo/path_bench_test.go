package dynamo

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/aggregate"
	"daybook/events"
	"daybook/internal/testdomain"
	"daybook/localstack/embedded"
)

// BenchmarkCommandPath compares handling commands, in batches as the API hands
// them over, with a bare loop of the SDK's PutItem of items of the same size, on
// the same store in the same run, both with the same number of workers. It
// reports both speeds in processor time and their ratio: wall time is noise on a
// shared machine.
func BenchmarkCommandPath(b *testing.B) {
	for _, workers := range []int{1, 4} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) { benchmarkCommandPath(b, workers) })
	}
}

// benchedHandler handles commands on a database of its own, which holds the events
// in table.
func benchedHandler(b *testing.B, o *aggregate.Options) (h *aggregate.Handler, db *embedded.DB, table string) {
	client, db := openBenched(b, EventsTable())
	b.Cleanup(func() { _ = db.Close() })
	table = TableName(testPrefix, EventsTable())
	h, err := aggregate.NewHandler(NewEventStore(client, table), testdomain.Aggregates(), o)
	if err != nil {
		b.Fatal(err)
	}
	return h, db, table
}

func benchmarkCommandPath(b *testing.B, workers int) {
	h, db, table := benchedHandler(b, &aggregate.Options{Parallel: workers})
	sdk := bareSDK(db)
	var bare, path time.Duration
	var n int
	for b.Loop() {
		// A batch of each in turn, so that both meet the same noise.
		items, batch := bareItems(b, n), batchOfCreates(n)
		begin := cpuTime(b)
		barePuts(b, sdk, table, items, workers)
		bare += cpuTime(b) - begin
		begin = cpuTime(b)
		for _, o := range h.HandleBatch(b.Context(), batch) {
			if o.Err != nil {
				b.Fatal(o.Err)
			}
		}
		path += cpuTime(b) - begin
		n += 100
	}
	b.ReportMetric(float64(n)/bare.Seconds(), "puts/s")
	b.ReportMetric(float64(n)/path.Seconds(), "commands/s")
	b.ReportMetric(bare.Seconds()/path.Seconds(), fmt.Sprintf("command-path-%d-ratio", workers))
}

// bareSDK is a client of the SDK with nothing of ours: no meter, and no time-out, for
// which an http.Client starts a goroutine per request unless its transport is its own.
func bareSDK(db *embedded.DB) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://dynamodb.invalid"), Credentials: StaticCredentials("id", "secret"),
		HTTPClient: &http.Client{Transport: db.RoundTripper()},
	})
}

func batchOfCreates(n int) []aggregate.Command {
	batch := make([]aggregate.Command, 100)
	for i := range batch {
		id := fmt.Sprintf("06b8999e2fba1a1fbc88172c%08d", n+i)
		batch[i] = aggregate.Command{Name: "add-course", ID: id, CommandID: "load-course-" + id,
			Payload: fmt.Appendf(nil, `{"name":"%s","area":"toys","fee":10,"currency":"BRL","seats":5}`, id)}
	}
	return batch
}

// bareItems are commits like those that batchOfCreates comes to, made before
// the clock runs.
func bareItems(b *testing.B, n int) []map[string]types.AttributeValue {
	items := make([]map[string]types.AttributeValue, 100)
	for i := range items {
		id := fmt.Sprintf("06b8999e2fba1a1fbc88172c%08d", n+i)
		c := events.Commit{
			Stream: events.StreamOf("bare", id), Number: 1, Version: 1, ID: "0b5c7b2e-7c4e-4a55-9a43-1f4e5d0c7a01", Time: time.UnixMilli(1_700_000_000_000),
			Commands: []events.Command{{ID: "load-course-" + id, Version: 1}},
			Events:   []events.Event{{Name: "course-added", Schema: 2, Data: fmt.Appendf(nil, `{"name":"%s","area":"toys","fee":10,"currency":"BRL","seats":5}`, id)}},
		}
		var err error
		if items[i], _, err = encodeCommit(&c); err != nil {
			b.Fatal(err)
		}
	}
	return items
}

func barePuts(b *testing.B, client *dynamodb.Client, table string, items []map[string]types.AttributeValue, workers int) {
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < len(items); i += workers {
				if _, err := client.PutItem(context.Background(), &dynamodb.PutItemInput{TableName: &table, Item: items[i]}); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// BenchmarkCommand compares single commands with the SDK's PutItem, in processor time
// as BenchmarkCommandPath: to an aggregate that the handler has just written, and
// creates with ids of their own.
func BenchmarkCommand(b *testing.B) {
	first := batchOfCreates(0)[0]
	b.Run("warm", func(b *testing.B) {
		benchmarkCommand(b, "warm-command", func(n int) aggregate.Command { return extended(first.ID, n) })
	})
	b.Run("create", func(b *testing.B) {
		benchmarkCommand(b, "create", func(n int) aggregate.Command {
			c := first
			c.ID, c.CommandID = fmt.Sprintf("%s-%d", first.ID, n), fmt.Sprintf("create-%d", n)
			return c
		})
	})
}

// warmAllocations is what a warm command may allocate, in objects, the embedded
// database's included.
const warmAllocations = 280

func benchmarkCommand(b *testing.B, name string, command func(n int) aggregate.Command) {
	h, db, table := benchedHandler(b, nil)
	if _, err := h.Handle(b.Context(), batchOfCreates(0)[0]); err != nil {
		b.Fatal(err)
	}
	const round = 50 // commands, and puts, in turn
	sdk := bareSDK(db)
	var bare, path time.Duration
	var mallocs uint64
	n := 0
	for b.Loop() {
		items := bareItems(b, n)[:round]
		begin := cpuTime(b)
		barePuts(b, sdk, table, items, 1)
		bare += cpuTime(b) - begin
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		begin = cpuTime(b)
		for i := range round {
			if _, err := h.Handle(b.Context(), command(n+i)); err != nil {
				b.Fatal(err)
			}
		}
		path += cpuTime(b) - begin
		runtime.ReadMemStats(&after)
		mallocs += after.Mallocs - before.Mallocs
		n += round
	}
	each := float64(mallocs) / float64(n)
	b.ReportMetric(bare.Seconds()/path.Seconds(), name+"-ratio")
	b.ReportMetric(each, "mallocs/command")
	if name == "warm-command" {
		b.ReportMetric(warmAllocations/each, "warm-allocations-ratio")
	}
}

func extended(id string, n int) aggregate.Command {
	return aggregate.Command{Name: "extend-course", ID: id, CommandID: fmt.Sprintf("extend-%d", n), Payload: []byte(`{"quantity":1}`)}
}
