package dynamo

import (
	"os"
	"strconv"
	"testing"
	"time"

	"daybook/internal/testdomain"
)

// BenchmarkRehearse rehearses a change of one handler beside a bare parallel scan of
// the same events in the same run, on as many segments and workers: events per second
// of CPU time (the embedded DynamoDB's included), and their ratio, with the changed
// code and with the same. Then the view is rebuilt by the changed code: the rows that
// the rehearsal listed must be exactly those that differ (TestRehearseThousands).
//
// DAYBOOK_REHEARSE_EVENTS says how many events there are; default 20,000.
func BenchmarkRehearse(b *testing.B) {
	n := 20_000
	if text := os.Getenv("DAYBOOK_REHEARSE_EVENTS"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	w := newRehearsed(b, n)
	var scan, same, changed time.Duration
	runs := 0
	for b.Loop() {
		began := cpuTime(b)
		bareScan(b, w.store)
		scan += cpuTime(b) - began
		began = cpuTime(b)
		if r := w.rehearse(testdomain.Courses); r.Differs || r.Events != int64(n) {
			b.Fatalf("the same code: %+v", r)
		}
		same += cpuTime(b) - began
		began = cpuTime(b)
		if r := w.rehearse(nextCourses()); !r.Differs {
			b.Fatalf("the changed code: %+v", r)
		}
		changed += cpuTime(b) - began
		runs += n
	}
	b.Log(w.compare())
	b.ReportMetric(float64(runs)/scan.Seconds(), "scanned/cpu-s")
	b.ReportMetric(float64(runs)/same.Seconds(), "rehearsed/cpu-s")
	b.ReportMetric(float64(runs)/changed.Seconds(), "rehearsed-changed/cpu-s")
	b.ReportMetric(scan.Seconds()/same.Seconds(), "rehearse-ratio")
	b.ReportMetric(0, "ns/op")
}
