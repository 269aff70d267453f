package report

// Equinox and Powertools are not run: Equinox is .NET, Powertools' idempotency belongs
// to a function rather than to an event store. What follows is arithmetic on what their
// documentation and sources say they send.

// Estimate is what one command, or one load, is computed to take.
type Estimate struct {
	Scenario              string
	Requests              float64
	ReadUnits, WriteUnits float64
}

const (
	tipBytes       = 32 << 10 // Equinox.DynamoStore: what the Tip holds at most by default
	envelopeBytes  = 60       // of an event in the Tip: type, time, names of attributes
	snapshotBytes  = 100      // of the state of these benchmarks, as an unfold
	itemBytes      = 100      // of the Tip without events
	writeUnitBytes = 1 << 10
	readUnitBytes  = 4 << 10
)

func units(bytes, unit int) float64 { return float64((bytes + unit - 1) / unit) }

// equinox computes Equinox.DynamoStore with its defaults and a snapshot in the Tip:
// appends rewrite the Tip, which holds events up to 32 KB; then they are moved to a
// batch ("calved") in a transaction. A load is a point read of the Tip. payload are the
// bytes of an event's data.
func equinox(payload int) []Estimate {
	one, ten := tipAppends(payload, 1), tipAppends(payload, 10)
	read := func(events int) float64 {
		inTip := min(events, tipBytes/(payload+envelopeBytes))
		return units(itemBytes+snapshotBytes+inTip*(payload+envelopeBytes), readUnitBytes)
	}
	return []Estimate{
		{Create, 1, 0, units(itemBytes+snapshotBytes+payload+envelopeBytes, writeUnitBytes)},
		{AppendWarm, 1, 0, one},
		{Append10, 1, 0, ten},
		{Load20, 1, read(20), 0},
		{Load1000, 1, tipReads(payload), 0},
	}
}

// tipAppends returns the write units of an append of n events, on average over one
// filling of the Tip and the transaction that empties it.
func tipAppends(payload, n int) float64 {
	const empty = itemBytes + snapshotBytes
	total, appends, size := 0.0, 0, empty
	for {
		added := n * (payload + envelopeBytes)
		appends++
		if size+added > tipBytes {
			// The batch gets all events, the Tip the snapshot: both in a transaction.
			total += 2 * (units(size+added-snapshotBytes, writeUnitBytes) + units(empty, writeUnitBytes))
			return total / float64(appends)
		}
		size += added
		total += units(size, writeUnitBytes)
	}
}

// tipReads returns the read units of the Tip of a long stream, on average over a filling.
func tipReads(payload int) float64 {
	const empty = itemBytes + snapshotBytes
	total, sizes := 0.0, 0
	for size := empty; size <= tipBytes; size += payload + envelopeBytes {
		total += units(size, readUnitBytes)
		sizes++
	}
	return total / float64(sizes)
}

// powertools computes what the idempotency of Powertools for AWS Lambda adds to a
// command: a conditional PutItem before, and an UpdateItem with the answer after; a
// repeat is a PutItem whose condition fails and which brings the answer.
func powertools() []Estimate {
	return []Estimate{
		{"a command", 2, 0, 2},
		{Repeat, 1, 0, 1},
	}
}
