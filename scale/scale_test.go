package scale_test

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"daybook/scale"
)

// docs/scale.md holds what the simulation says.
func TestTablesInTheDocs(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/scale.md")
	if err != nil {
		t.Fatal(err)
	}
	var loads, sizes bytes.Buffer
	scale.WriteTable(&loads, scale.Loads())
	scale.WriteSizes(&sizes, 600, 1e6, 1e8, 1e9, 1e10)
	for _, table := range []string{loads.String(), sizes.String()} {
		if !strings.Contains(string(text), table) {
			t.Errorf("docs/scale.md lacks this table; put it there:\n%s", table)
		}
	}
}

// What the model must say whatever its seed: a partition's limit holds, splits help many
// keys and not one, shards divide the heat of an index, and a pause carries a burst.
func TestWhatHolds(t *testing.T) {
	t.Parallel()
	one := scale.Load{Units: 1, Keys: 1, Partitions: scale.NewPartitions}
	at := func(l scale.Load, rate float64) scale.Outcome {
		l.Rate = rate
		return scale.Simulate(l)
	}
	if o := at(one, 900); o.Lost > 0 || o.Accepted < 850 {
		t.Errorf("below a partition's limit: %+v", o)
	}
	if o := at(one, 1500); o.Accepted > 1.02*scale.PartitionWrites || o.Lost < 0.2 || o.Partitions != scale.NewPartitions {
		t.Errorf("a hot key, which can't be split: %+v", o)
	}
	large := one
	large.Units = 3
	if o := at(large, 400); o.Lost == 0 || o.Accepted > 1.02*scale.PartitionWrites/3 {
		t.Errorf("large items count by their units: %+v", o)
	}
	many := scale.Load{Units: 1, Partitions: scale.NewPartitions}
	if o := at(many, 7000); o.Lost > 0.01 || o.Partitions < 7 {
		t.Errorf("many keys, whose partitions split: %+v", o)
	}
	few := scale.Load{Units: 1, Partitions: scale.NewPartitions, IndexKeys: 1, IndexUnits: 2}
	shards := few
	shards.IndexKeys = 8
	if a, b := at(few, 2000), at(shards, 2000); a.Lost < 0.5 || b.Lost > 0.01 {
		t.Errorf("an index of one key %+v, of eight %+v", a, b)
	}
	patient := one
	patient.Burst = 2 * time.Second
	hasty := patient
	hasty.Hasty = true
	if a, b := at(patient, 850), at(hasty, 850); a.Lost > b.Lost/2 || b.Lost < 0.02 {
		t.Errorf("a burst with pauses %+v, without %+v", a, b)
	}
	reads := one
	reads.Reads = true
	if a, b := at(reads, 2800), at(reads, 4000); a.Lost > 0 || b.Lost == 0 {
		t.Errorf("reads of one key: %+v, %+v", a, b)
	}
	if a, b := at(one, 1500), at(one, 1500); a != b {
		t.Errorf("the same load has two outcomes: %+v, %+v", a, b)
	}
}

func TestSizeOf(t *testing.T) {
	t.Parallel()
	s := scale.SizeOf(1e10, 600)
	if s.Gigabytes != 6000 || s.Partitions != 600 || s.Writes != 600_000 || s.ScanUnits < 732e6 || s.ScanUnits > 733e6 || s.Scan.Round(time.Hour) != 5*time.Hour {
		t.Errorf("%+v", s)
	}
	if small := scale.SizeOf(1000, 600); small.Partitions != scale.NewPartitions {
		t.Errorf("a small table: %+v", small)
	}
}
