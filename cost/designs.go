package cost

import "math"

// Bytes of an event of 0.5 KB with what each design stores beside it, from what was
// measured of whole streams: 1,388 read units for 10,000 events of castore, a page of
// 1 MB for 1,640 events of dynamo-es.
const castoreBytes, dynamoESBytes = 568, 639

// pageBytes is the most that one Query reads.
const pageBytes = 1 << 20

// Designs are other ways of storing events on DynamoDB, by the arithmetic of what
// their versions of November 2026 do. None remembers a stream between two commands.
func Designs() []Reference {
	item := Reference{Name: "an item for each event, conditional put", Basis: BasisDerived, One: writes(eventBytes), Ten: 2 * 10 * writes(eventBytes), Loads: loads(eventBytes, math.MaxInt),
		Note: "more events than one take a transaction, at two units each"}
	castore := Reference{Name: "castore 2.4.2", Basis: BasisMeasured, One: writes(castoreBytes), Ten: 2 * 10 * writes(castoreBytes), Loads: loads(castoreBytes, math.MaxInt),
		Note: "ten events and the load of 10,000 were measured; the other figures are derived from them"}
	dynamoES := Reference{Name: "cqrs-es, dynamo-es 0.5.0, no snapshots", Basis: BasisDerived, One: 2 * writes(dynamoESBytes), Ten: 2 * 10 * writes(dynamoESBytes), Loads: loads(dynamoESBytes, pageBytes),
		Note: "a load reads one page: from 1,640 events on every command is in conflict"}
	powertools := Reference{Name: "an item for each event, and Powertools' idempotency", Basis: BasisDerived, One: item.One + 2, Ten: item.Ten + 2, Loads: item.Loads,
		Note: "a record is put before and updated after each command"}
	adapter := Reference{Name: "event-store-adapter-go 1.0.0", Basis: BasisDerived, One: 6, Ten: 10 * 6, Loads: map[int]float64{},
		Note: "each event is a transaction of its item and the snapshot's, under 1 KB, with an index entry of both; reads are eventually consistent, by indexes"}
	for _, n := range Lengths() {
		adapter.Loads[n] = 1 // half a unit each for the snapshot and for events after it
	}
	return []Reference{castore, dynamoES, adapter, item, powertools}
}

// writes are the write units of an item.
func writes(bytes float64) float64 { return math.Ceil(bytes / 1024) }

// loads are the read units of a strongly consistent Query of all events, up to a number
// of bytes.
func loads(bytes, most float64) map[int]float64 {
	all := map[int]float64{}
	for _, n := range Lengths() {
		all[n] = math.Ceil(min(float64(n)*bytes, most) / 4096)
	}
	return all
}

// Of is what a design's events table would consume for commands of one event, on
// streams of a length of Lengths.
func (r Reference) Of(commands, cold float64, length int) Units {
	if !r.Cached {
		cold = 1
	}
	return Units{Write: r.One, Read: cold * r.Loads[length]}.Times(commands)
}
