//go:build unix

package embedded_test

import (
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/localstack/embedded"
)

// sizes of the benchmarks' tables: DynamoDB's cost does not grow with a table,
// ours must not either.
var sizes = []int{1_000, 1_000_000}

// filled is a database with a table of n items of about 150 bytes, 20 to a
// partition, and a stream.
func filled(b *testing.B, n int) *engine {
	b.Helper()
	e := start(b, embedded.Options{})
	e.table(b, "bench", types.ScalarAttributeTypeN, withStream(types.StreamViewTypeNewAndOldImages))
	e.fill(b, "bench", n)
	return e
}

// flat is the least part of an operation's speed at a thousand items that it
// keeps at a million.
const flat = 0.8

// bench measures an operation on a small and on a large table, and reports the
// large one's speed as a part of the small one's. It fails by the time of the
// processors, with that of the garbage collector, which what else the machine
// does disturbs less than the clock on the wall.
func bench(b *testing.B, op func(e *engine, size, i int) error) {
	var wall, cpu float64 // of the small table, for each operation
	for _, size := range sizes {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			e := filled(b, size)
			b.ReportAllocs()
			before, i := cpuTime(b), 0
			for b.Loop() {
				i++
				if err := op(e, size, i); err != nil {
					b.Fatal(err)
				}
			}
			eachCPU, eachWall := float64(cpuTime(b)-before)/float64(b.N), float64(b.Elapsed())/float64(b.N)
			b.ReportMetric(eachCPU, "cpu-ns/op")
			if size == sizes[0] {
				wall, cpu = eachWall, eachCPU
				return
			}
			b.ReportMetric(wall/eachWall, "speed/speed-at-1k")
			if b.Elapsed() > time.Second && cpu > 0 && cpu/eachCPU < flat {
				b.Errorf("%.2f of the speed at a thousand items, want %v", cpu/eachCPU, flat)
			}
		})
	}
}

// cpuTime is the time that processors have spent on this process.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkConditionalPut(b *testing.B) {
	bench(b, func(e *engine, size, i int) error {
		_, err := e.PutItem(b.Context(), &dynamodb.PutItemInput{
			TableName: aws.String("bench"), Item: benchItem(size + i), ConditionExpression: aws.String("attribute_not_exists(pk)"),
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		})
		return err
	})
}

func BenchmarkTransact2(b *testing.B) {
	bench(b, func(e *engine, size, i int) error {
		put := func(i int) types.TransactWriteItem {
			return types.TransactWriteItem{Put: &types.Put{
				TableName: aws.String("bench"), Item: benchItem(i), ConditionExpression: aws.String("attribute_not_exists(pk)"),
			}}
		}
		_, err := e.TransactWriteItems(b.Context(), &dynamodb.TransactWriteItemsInput{
			TransactItems: []types.TransactWriteItem{put(size + 2*i), put(size + 2*i + 1)},
		})
		return err
	})
}

func BenchmarkQuery20(b *testing.B) {
	bench(b, func(e *engine, size, i int) error {
		out, err := e.Query(b.Context(), &dynamodb.QueryInput{
			TableName: aws.String("bench"), KeyConditionExpression: aws.String("pk = :pk"), ScanIndexForward: aws.Bool(false),
			ConsistentRead:            aws.Bool(true),
			ExpressionAttributeValues: item{":pk": s("stream/" + strconv.Itoa(i*7919%(size/20)))},
		})
		if err == nil && out.Count != 20 {
			b.Fatalf("got %d items", out.Count)
		}
		return err
	})
}
