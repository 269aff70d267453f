package scale

import (
	"fmt"
	"io"
	"time"
)

// Figures of DynamoDB that a large table meets.
const (
	partitionBytes = 10e9    // a partition splits at 10 GB
	tableUnits     = 40000.0 // a table's read or write units per second, by default
	readBytes      = 8192.0  // of an eventually consistent read unit
)

// Size is what a number of commits amounts to.
type Size struct {
	Commits, Bytes float64       // each
	Gigabytes      float64       // of the events table
	Partitions     float64       // by size
	Writes         float64       // units per second that they take together, beyond the quota
	ScanUnits      float64       // read units of a scan, which a rebuild makes
	Scan           time.Duration // at the table's quota
}

// SizeOf is the arithmetic of a number of commits of some bytes.
func SizeOf(commits, bytes float64) Size {
	s := Size{Commits: commits, Bytes: bytes, Gigabytes: commits * bytes / 1e9, ScanUnits: commits * bytes / readBytes}
	s.Partitions = max(NewPartitions, s.Gigabytes*1e9/partitionBytes)
	s.Writes = s.Partitions * PartitionWrites
	s.Scan = time.Duration(s.ScanUnits / tableUnits * float64(time.Second))
	return s
}

// WriteSizes writes the sizes of numbers of commits as a Markdown table.
func WriteSizes(w io.Writer, bytes float64, commits ...float64) {
	fmt.Fprintln(w, "| commits | GB | partitions by size | write units per second they take | read units of a scan | scan at 40,000 units per second |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|")
	for _, n := range commits {
		s := SizeOf(n, bytes)
		fmt.Fprintf(w, "| %.0f million | %.0f | %.0f | %.0f | %.1f million | %v |\n", n/1e6, s.Gigabytes, s.Partitions, s.Writes, s.ScanUnits/1e6, s.Scan.Round(time.Second))
	}
}
