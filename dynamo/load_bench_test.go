package dynamo

import (
	"fmt"
	"testing"
	"time"
	"uuid"
)

// BenchmarkColdLoad measures what the documentation says of cold loads: for sizes of
// events and states, what a load costs at each of the last 126 lengths of streams
// up to so many commits, on an instance that has not met the aggregate ("first"), and on
// one that has.
func BenchmarkColdLoad(b *testing.B) {
	for _, c := range []struct{ event, batch, state int }{
		{100, 1, 0}, {500, 1, 0}, {500, 1, 1500}, {500, 1, 6000}, {500, 1, 40000}, {2000, 1, 0}, {500, 10, 0},
	} {
		b.Run(fmt.Sprintf("event=%d,batch=%d,state=%d", c.event, c.batch, c.state), func(b *testing.B) {
			for b.Loop() {
				client, db := openBenched(b, EventsTable())
				table := TableName(testPrefix, EventsTable())
				s := newShipping(b, NewEventStore(client, table), c.event, c.batch, c.state, time.Hour)
				warm := NewEventStore(client, table)
				for _, length := range []int{1, 10, 100, 1_000, 10_000} {
					var first, met, mostFirst, mostMet Usage
					n := min(length-s.stored, 126)
					for i := range n {
						s.grow(length - n + i + 1)
						add(&first, &mostFirst, s.load(NewEventStore(client, table)))
						add(&met, &mostMet, s.load(warm))
					}
					b.Logf("%6d commits: first %.2f RU (most %g) %.2f requests (most %d); met %.2f RU (most %g) %.2f requests (most %d)", length,
						first.ReadUnits/float64(n), mostFirst.ReadUnits, float64(first.Requests)/float64(n), mostFirst.Requests,
						met.ReadUnits/float64(n), mostMet.ReadUnits, float64(met.Requests)/float64(n), mostMet.Requests)
				}
				written, snapshots := s.written()
				b.Logf("write units per commit %.3f, with a snapshot %.3f of commits", written, snapshots)
				if err := db.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkUnits puts what the targets allow for a cold load, and for an append of
// ten events, both of 0.5 KB, over what is consumed.
func BenchmarkUnits(b *testing.B) {
	for b.Loop() {
		client, db := openBenched(b, EventsTable())
		table := NewEventStore(client, TableName(testPrefix, EventsTable()))
		s := newShipping(b, table, 500, 1, 0, time.Hour)
		var sum, most Usage
		for length := 500; length < 512; length++ {
			s.grow(length)
			add(&sum, &most, s.load(NewEventStore(client, table.table)))
		}
		b.ReportMetric(2/most.ReadUnits, "cold-load-ratio")
		b.ReportMetric(2/tenEvents(b, s, table).WriteUnits, "append-ten-ratio")
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// tenEvents returns what ten events in one commit cost, on a stream that just had a
// snapshot.
func tenEvents(t testing.TB, s *shipping, table *EventStore) Usage {
	t.Helper()
	h, id := s.cold(table), uuid.UUID(drawBytes(s.random)).String()
	s.batch = 1
	for range 2 * mediumPage {
		c := s.command()
		c.ID = id
		if _, err := h.Handle(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	s.batch = 10
	c := s.command()
	c.ID = id
	ctx, meter := WithMeter(t.Context())
	if r, err := h.Handle(ctx, c); err != nil || r.Version != 2*mediumPage+10 {
		t.Fatalf("%+v, error %v", r, err)
	}
	return meter.Usage()
}

// add takes a usage into a sum and a maximum.
func add(sum, most *Usage, u Usage) {
	sum.Requests, sum.ReadUnits = sum.Requests+u.Requests, sum.ReadUnits+u.ReadUnits
	most.Requests, most.ReadUnits = max(most.Requests, u.Requests), max(most.ReadUnits, u.ReadUnits)
}

// written returns the mean write units of a commit, and which part of the commits
// carries a snapshot.
func (s *shipping) written() (units, snapshots float64) {
	cs, err := s.memory.Load(s.t.Context(), shipmentStream, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := range cs {
		_, size, err := encodeCommit(&cs[i])
		if err != nil {
			s.t.Fatal(err)
		}
		units += float64(writeUnits(size))
		if cs[i].Snapshot != nil {
			snapshots++
		}
	}
	return units / float64(len(cs)), snapshots / float64(len(cs))
}
