package dynamo

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/aggregate"
	"daybook/events"
	"daybook/internal/testdomain"
	"daybook/parallel"
	"daybook/view"
	"daybook/view/admin"
	"daybook/view/driver"
)

// BenchmarkRebuild compares the rebuild of a view with a bare parallel Scan of
// the same events table in the same run, on the same number of segments and
// workers: events in a second of CPU time (the embedded DynamoDB's included),
// and their ratio. It compares too with the same scan and a bulk write behind it, by
// BatchWriteItem without a condition, of the very items that the rebuild has made:
// less no rebuild can do. Streams have ten commits of one event, as courses do that
// are ordered now and then, and one.
func BenchmarkRebuild(b *testing.B) {
	for _, view := range []view.View{testdomain.Courses, testdomain.Areas} {
		for _, length := range []int{10, 1} {
			b.Run(fmt.Sprintf("%s/commits=%d", view.Describe().Name, length), func(b *testing.B) { benchmarkRebuild(b, view, length) })
		}
	}
}

const (
	benchSegments = 8
	benchWorkers  = 2
	benchCommits  = 20_000
)

func benchmarkRebuild(b *testing.B, v view.View, length int) {
	client, db := openBenched(b, EventsTable(), ControlTable(), ViewTable(v.Describe()))
	defer db.Close()
	store := NewEventStore(client, TableName(testPrefix, EventsTable())).StrongScan()
	codec, err := aggregate.Codec(testdomain.Aggregates())
	if err != nil {
		b.Fatal(err)
	}
	fillEvents(b, store, codec, length)
	var scan, bulk, rebuild, scanWall, rebuildWall time.Duration
	tables, n := NewTables(client, testPrefix), 0
	for b.Loop() {
		began, used := time.Now(), cpuTime(b)
		bareScan(b, store)
		scan, scanWall = scan+cpuTime(b)-used, scanWall+time.Since(began)

		r, err := admin.NewRebuilder(store, codec, tables, []view.View{v}, &admin.RebuildOptions{Segments: benchSegments, Workers: benchWorkers})
		if err != nil {
			b.Fatal(err)
		}
		began, used = time.Now(), cpuTime(b)
		p, err := r.Run(b.Context(), v.Describe().Name)
		if err != nil || p.Commits != benchCommits || p.Faults != 0 {
			b.Fatalf("%+v, %v", p, err)
		}
		rebuild, rebuildWall = rebuild+cpuTime(b)-used, rebuildWall+time.Since(began)
		bulk += bulkWrite(b, client, tables, v, p.Target)
		if err := r.Drop(b.Context(), p.Target, time.Nanosecond); err != nil {
			b.Fatal(err)
		}
		n += benchCommits
	}
	b.ReportMetric(float64(n)/scan.Seconds(), "scanned/cpu-s")
	b.ReportMetric(float64(n)/rebuild.Seconds(), "rebuilt/cpu-s")
	b.ReportMetric(scan.Seconds()/rebuild.Seconds(), fmt.Sprintf("rebuild-%s-%d-ratio", v.Describe().Name, length))
	b.ReportMetric((scan+bulk).Seconds()/rebuild.Seconds(), fmt.Sprintf("rebuild-bulk-%s-%d-ratio", v.Describe().Name, length))
	b.ReportMetric(scanWall.Seconds()/rebuildWall.Seconds(), "rebuild/scan-wall")
	b.ReportMetric(0, "ns/op")
}

// bulkWrite measures the writing of the items of a table to another one like it.
func bulkWrite(b *testing.B, client *Client, tables *Tables, v view.View, from driver.Target) time.Duration {
	var writes []types.WriteRequest
	in := &dynamodb.ScanInput{TableName: ptr(testPrefix + "-" + targetName(from))}
	for {
		out, err := client.Scan(b.Context(), in)
		if err != nil {
			b.Fatal(err)
		}
		for _, item := range out.Items {
			writes = append(writes, types.WriteRequest{PutRequest: &types.PutRequest{Item: item}})
		}
		if in.ExclusiveStartKey = out.LastEvaluatedKey; len(in.ExclusiveStartKey) == 0 {
			break
		}
	}
	to := from
	to.Generation += 50
	if err := tables.Create(b.Context(), to, v.Describe().TableIndexes()); err != nil {
		b.Fatal(err)
	}
	table := testPrefix + "-" + targetName(to)
	used := cpuTime(b)
	chunks := slices.Collect(slices.Chunk(writes, 25))
	parallel.New(benchWorkers).Each(len(chunks), func(i int) {
		out, err := client.BatchWriteItem(b.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{table: chunks[i]}})
		if err != nil || len(out.UnprocessedItems) > 0 {
			b.Error(out, err)
		}
	})
	used = cpuTime(b) - used
	if err := tables.Drop(b.Context(), to); err != nil {
		b.Fatal(err)
	}
	return used
}

func fillEvents(b *testing.B, store *EventStore, codec *events.Codec, length int) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, 8)
	for i := range benchCommits / length {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			at := events.Start(events.StreamOf("course", fmt.Sprintf("p%06d", i)))
			for n := range length {
				name, data := "course-extended", any(testdomain.CourseExtended{Quantity: 1})
				if n == 0 {
					name, data = "course-added", testdomain.CourseAdded{Name: fmt.Sprintf("Course %d", i), Area: fmt.Sprint(i % 70), Fee: int64(i), Currency: "EUR", Seats: 5}
				}
				e, err := codec.Encode(name, data)
				if err != nil {
					b.Error(err)
					return
				}
				c, err := store.Append(b.Context(), at, events.Commit{
					ID: fmt.Sprintf("%d-%d", i, n), Time: time.Now(), Events: []events.Event{e},
					Commands: []events.Command{{ID: fmt.Sprintf("%d-%d", i, n), Version: int64(n) + 1}},
				})
				if err != nil {
					b.Error(err)
					return
				}
				at = events.After(&c)
			}
		})
	}
	wg.Wait()
}

// bareScan reads the whole table and decodes it.
func bareScan(b *testing.B, store *EventStore) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, benchWorkers)
	for segment := range benchSegments {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			for cursor := ""; ; {
				_, next, err := store.Scan(context.Background(), segment, benchSegments, cursor)
				if err != nil {
					b.Error(err)
					return
				}
				if cursor = next; cursor == "" {
					return
				}
			}
		})
	}
	wg.Wait()
}

// cpuTime is what this process has used of its processors.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
