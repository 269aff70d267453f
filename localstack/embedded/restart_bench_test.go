//go:build unix

package embedded_test

import (
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/localstack/embedded"
)

// BenchmarkRestart opens a directory that holds commits of about 0.4 KB, ten to a
// stream, with their stream records, and a view of a row for each stream that every
// other commit changed: half of all in a snapshot, half in the log after it. The ratio
// is the processor time of reading and summing the files, which no start can do
// without, to that of the start.
func BenchmarkRestart(b *testing.B) {
	for _, n := range []int{30_000, 1_000_000} {
		b.Run("commits="+strconv.Itoa(n), func(b *testing.B) { benchmarkRestart(b, n) })
	}
}

func benchmarkRestart(b *testing.B, n int) {
	dir := b.TempDir()
	opts := embedded.Options{Dir: dir, CompactAt: 1 << 40}
	e := start(b, opts)
	e.table(b, "events", types.ScalarAttributeTypeN, withStream(types.StreamViewTypeNewImage))
	e.table(b, "view", types.ScalarAttributeTypeN, withIndex("by-id", "id", "at", types.Projection{ProjectionType: types.ProjectionTypeAll}))
	e.commits(b, 0, n/2, n/10)
	if err := e.db.Compact(); err != nil {
		b.Fatal(err)
	}
	e.commits(b, n/2, n, n/10)
	var bare, wall, cpu time.Duration
	for b.Loop() {
		if err := e.db.Close(); err != nil {
			b.Fatal(err)
		}
		used := cpuTime(b)
		readAll(b, dir)
		bare += cpuTime(b) - used
		begun, used := time.Now(), cpuTime(b)
		e = start(b, opts)
		wall, cpu = wall+time.Since(begun), cpu+cpuTime(b)-used
	}
	b.ReportMetric(wall.Seconds()/float64(b.N), "s/restart")
	b.ReportMetric(cpu.Seconds()/float64(b.N), "cpu-s/restart")
	b.ReportMetric(bare.Seconds()/cpu.Seconds(), "restart-ratio")
}

// readAll reads the files of a directory and sums their bytes.
func readAll(b *testing.B, dir string) {
	files, err := filepath.Glob(filepath.Join(dir, "*-*"))
	if err != nil || len(files) < 2 {
		b.Fatal(files, err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			b.Fatal(err)
		}
		crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli))
	}
}

// commits writes commits, and the rows of their streams, as a projector does.
func (e *engine) commits(b *testing.B, from, to, streams int) {
	b.Helper()
	const together = 16
	data := strings.Repeat("x", 250)
	for at := from; at < to; at += together {
		requests := map[string][]types.WriteRequest{}
		put := func(table string, it item) {
			requests[table] = append(requests[table], types.WriteRequest{PutRequest: &types.PutRequest{Item: it}})
		}
		for i := at; i < min(to, at+together); i++ {
			stream := i % streams
			put("events", item{
				"pk": s("user/" + strconv.Itoa(stream)), "sk": n(strconv.Itoa(i/streams + 1)), "i": s(fmt.Sprintf("%032d", i)),
				"v": n("1"), "t": n(strconv.Itoa(1_700_000_000 + i)), "e": s(`[{"n":"renamed","s":1,"d":{"name":"` + data + `"}}]`),
			})
			if i%2 == 0 {
				put("view", item{
					"pk": s("user/" + strconv.Itoa(stream)), "sk": n("0"), "id": s(strconv.Itoa(stream % 100)), "at": n(strconv.Itoa(stream)),
					"name": s("a user"), "version": n(strconv.Itoa(i)),
				})
			}
		}
		if _, err := e.BatchWriteItem(b.Context(), &dynamodb.BatchWriteItemInput{RequestItems: requests}); err != nil {
			b.Fatal(err)
		}
	}
}
