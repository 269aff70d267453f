package embedded_test

import (
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/localstack/embedded"
)

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// dataSize is the size of a table and its indexes by DynamoDB's rule.
func (e *engine) dataSize(t testing.TB, table string) int64 {
	t.Helper()
	out, err := e.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &table})
	if err != nil {
		t.Fatal(err)
	}
	size := aws.ToInt64(out.Table.TableSizeBytes)
	for _, x := range out.Table.GlobalSecondaryIndexes {
		size += aws.ToInt64(x.IndexSizeBytes)
	}
	return size
}

// BenchmarkMemory reports bytes of heap for each byte of data at a million
// small items with a stream record each, without and with an index.
func BenchmarkMemory(b *testing.B) {
	for name, options := range map[string][]tableOption{
		"table": nil, "index": {withIndex("by-id", "id", "at", types.Projection{ProjectionType: types.ProjectionTypeKeysOnly})},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				before := heap()
				e := start(b, embedded.Options{})
				e.table(b, "bench", types.ScalarAttributeTypeN, append(options, withStream(types.StreamViewTypeNewAndOldImages))...)
				e.fill(b, "bench", 1_000_000)
				used := heap() - before
				data := aws.ToInt64(e.describe(b, "bench").TableSizeBytes)
				if used > 3*data {
					b.Errorf("%d bytes of heap for %d bytes of items", used, data)
				}
				b.ReportMetric(float64(used)/float64(data), "heap/data")
				b.ReportMetric(float64(used)/float64(e.dataSize(b, "bench")), "heap/data+index")
				b.ReportMetric(float64(used)/1e6, "bytes/item")
			}
		})
	}
}

// TestMemoryIsAtMostThreeTimesTheData fills a table with an index and a stream,
// and then writes every item twice more: the records of that are trimmed to what
// the options allow. It measures the heap and so runs alone.
func TestMemoryIsAtMostThreeTimesTheData(t *testing.T) {
	before := heap()
	e := start(t, embedded.Options{StreamBytes: 1 << 20})
	e.table(t, "bench", types.ScalarAttributeTypeN, withStream(types.StreamViewTypeNewAndOldImages),
		withIndex("by-id", "id", "at", types.Projection{ProjectionType: types.ProjectionTypeKeysOnly}))
	for range 3 {
		e.fill(t, "bench", 15_000)
	}
	used, data := heap()-before, aws.ToInt64(e.describe(t, "bench").TableSizeBytes)
	if used > 3*data {
		t.Fatalf("%d bytes of heap for %d bytes of items", used, data)
	}
}

func (e *engine) describe(t testing.TB, table string) *types.TableDescription {
	t.Helper()
	out, err := e.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &table})
	if err != nil {
		t.Fatal(err)
	}
	return out.Table
}

func benchItem(i int) item {
	return item{
		"pk": s("stream/" + strconv.Itoa(i/20)), "sk": n(strconv.Itoa(i % 20)), "id": s(fmt.Sprintf("%026d", i)),
		"data": s(`{"name":"a user","email":"user@example.com","balance":1234567}`), "at": n(strconv.Itoa(1_700_000_000 + i)),
	}
}

// fill puts n items, several batches at a time.
func (e *engine) fill(b testing.TB, table string, n int) {
	b.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				from := int(next.Add(25)) - 25
				if from >= n {
					return
				}
				var batch []types.WriteRequest
				for i := from; i < min(n, from+25); i++ {
					batch = append(batch, types.WriteRequest{PutRequest: &types.PutRequest{Item: benchItem(i)}})
				}
				if _, err := e.BatchWriteItem(background(), &dynamodb.BatchWriteItemInput{
					RequestItems: map[string][]types.WriteRequest{table: batch},
				}); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}
