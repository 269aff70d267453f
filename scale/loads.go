package scale

import (
	"fmt"
	"io"
	"time"
)

// Loads are those of docs/scale.md.
func Loads() []Load {
	stream := func(name string, rate, units float64) Load {
		return Load{Name: name, Rate: rate, Units: units, Keys: 1, Partitions: NewPartitions}
	}
	burst := func(name string, hasty bool) Load {
		l := stream(name, 850, 1)
		l.Burst, l.Hasty = 2*time.Second, hasty
		return l
	}
	even := func(name string, rate float64, partitions int) Load {
		return Load{Name: name, Rate: rate, Units: 1, Partitions: partitions}
	}
	index := func(shards int) Load {
		return Load{Name: fmt.Sprintf("rows whose index of all rows has shards: %d", shards), Rate: 3000, Units: 1,
			IndexKeys: shards, IndexUnits: 2, Partitions: NewPartitions}
	}
	read := func(name string, rate float64) Load {
		l := stream(name, rate, 1)
		l.Reads = true
		return l
	}
	return []Load{
		stream("one stream, commits of 1 KB", 500, 1),
		stream("one stream, commits of 1 KB", 950, 1),
		stream("one stream, commits of 1 KB", 1200, 1),
		stream("one stream, commits of 1 KB", 2000, 1),
		stream("one stream, commits of 3 KB", 400, 3),
		stream("one stream, ten commands in each commit of 2 KB", 200, 2),
		burst("one stream, all of it in every other two seconds, retries at once", true),
		burst("the same, retries after a pause", false),
		even("many streams, a new table", 3000, NewPartitions),
		even("many streams, a new table", 8000, NewPartitions),
		even("many streams, a table that has had such a load", 8000, 16),
		index(1), index(4), index(8), index(16),
		read("one row, read by its key", 2800), read("one row, read by its key", 4000),
	}
}

// WriteTable simulates loads and writes their outcomes as a Markdown table.
func WriteTable(w io.Writer, loads []Load) {
	fmt.Fprintln(w, "| load | per second | accepted | attempts throttled | lost | lost at first | p99 of waiting | partitions |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|")
	for _, l := range loads {
		o := Simulate(l)
		fmt.Fprintf(w, "| %s | %.0f | %.0f | %.1f %% | %.1f %% | %.1f %% | %v | %d |\n", l.Name, l.Rate, o.Accepted, 100*o.Throttled, 100*o.Lost, 100*o.LostFirst, o.P99.Round(time.Millisecond), o.Partitions)
	}
}
