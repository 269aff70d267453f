package scale

import (
	"container/heap"
	"math/rand/v2"
	"slices"
	"time"

	"daybook/internal/jitter"
)

// Load is what is written to a table, or read.
type Load struct {
	Name  string
	Rate  float64 // writes per second, of many independent writers
	Units float64 // write units of each
	// Keys are the partition keys of the table that are written, evenly; 0 is as many
	// as there are writes.
	Keys int
	// IndexKeys are those of a global secondary index, at IndexUnits each; 0 is for no
	// index.
	IndexKeys  int
	IndexUnits float64
	Partitions int  // of the table, and of the index, at the beginning
	Hasty      bool // retries come at once, not after a pause
	Reads      bool // units are read units
	// Burst is how long everything comes, before nothing comes for as long; 0 is always.
	Burst time.Duration
}

// Outcome is the result of a load in its last third, when splits have helped.
type Outcome struct {
	Load
	Accepted   float64       // writes per second
	Throttled  float64       // share of the attempts
	Lost       float64       // share of the writes: given up after four attempts
	LostFirst  float64       // the same in the first third
	P99        time.Duration // from the first attempt to the one that was accepted
	Partitions int           // at the end, of the table and of the index
}

// Length of a simulation.
const length = 24 * time.Second

// longestPause is the longest pause after an attempt, from 0, was throttled: that of package
// dynamo.
func longestPause(attempt int) time.Duration { return jitter.DynamoDBPause << attempt }

// write is a write on its way.
type write struct {
	at, begun  time.Duration
	key, index float64 // hashes
	attempt    int
}

// queue orders writes by time.
type queue []write

// Len implements heap.Interface.
func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].at < q[j].at }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }

// Push implements heap.Interface.
func (q *queue) Push(w any) { *q = append(*q, w.(write)) }

// Pop implements heap.Interface.
func (q *queue) Pop() any {
	last := len(*q) - 1
	w := (*q)[last]
	*q = (*q)[:last]
	return w
}

// run is one simulation.
type run struct {
	Load
	random       *rand.Rand
	table, index *table
	retries      queue
	arrival      time.Duration // of the next new write

	first, lostFirst                           int // writes of the first third
	attempts, throttled, accepted, lost, begun int // of the last third
	waits                                      []time.Duration
}

// Simulate simulates a load. The same load has the same outcome.
func Simulate(l Load) Outcome {
	random := rand.New(rand.NewPCG(1, 1))
	limit := PartitionWrites
	if l.Reads {
		limit = PartitionReads
	}
	r := &run{Load: l, random: random, table: newTable(l.Partitions, limit, random), index: newTable(l.Partitions, limit, random)}
	for {
		w, ok := r.next()
		if !ok {
			return r.outcome()
		}
		r.attempt(w)
	}
}

// next is the write that comes next, a new one or a retry.
func (r *run) next() (write, bool) {
	if len(r.retries) > 0 && r.retries[0].at <= r.arrival {
		return heap.Pop(&r.retries).(write), true
	}
	if r.arrival >= length {
		return write{}, false
	}
	w := write{at: r.arrival, begun: r.arrival, key: r.hash(r.Keys), index: r.hash(r.IndexKeys)}
	rate := r.Rate
	if r.Burst > 0 {
		rate *= 2
	}
	r.arrival += time.Duration(r.random.ExpFloat64() / rate * float64(time.Second))
	if period := 2 * r.Burst; period > 0 && r.arrival%period >= r.Burst {
		r.arrival = r.arrival.Truncate(period) + period
	}
	return w, true
}

// hash is that of one of some keys.
func (r *run) hash(keys int) float64 {
	if keys == 0 {
		return r.random.Float64()
	}
	// Spread by the golden ratio, which no partition's bounds fit.
	h := float64(1+r.random.IntN(keys)) * 0.6180339887498949
	return h - float64(int(h))
}

func (r *run) attempt(w write) {
	counts := w.begun >= length*2/3
	one := 0
	if counts {
		one = 1
	}
	r.attempts += one
	first := 0
	if w.begun < length/3 {
		first = 1
	}
	if w.attempt == 0 {
		r.begun += one
		r.first += first
	}
	ready := r.table.ready(w.key, r.Units, w.at)
	if r.IndexKeys > 0 {
		ready = r.index.ready(w.index, r.IndexUnits, w.at) && ready
	}
	switch {
	case ready:
		r.table.take(w.key, r.Units)
		if r.IndexKeys > 0 {
			r.index.take(w.index, r.IndexUnits)
		}
		r.accepted += one
		if counts {
			r.waits = append(r.waits, w.at-w.begun)
		}
	case w.attempt == jitter.DynamoDBAttempts-1:
		r.throttled += one
		r.lost += one
		r.lostFirst += first
	default:
		r.throttled += one
		pause := time.Duration(r.random.Float64() * float64(longestPause(w.attempt)))
		if r.Hasty {
			pause = time.Millisecond
		}
		w.at, w.attempt = w.at+pause, w.attempt+1
		heap.Push(&r.retries, w)
	}
}

func (r *run) outcome() Outcome {
	o := Outcome{Load: r.Load, Accepted: float64(r.accepted) / (length / 3).Seconds(), Throttled: share(r.throttled, r.attempts), Lost: share(r.lost, r.begun), LostFirst: share(r.lostFirst, r.first), Partitions: len(r.table.partitions)}
	if r.IndexKeys > 0 {
		o.Partitions += len(r.index.partitions)
	}
	if slices.Sort(r.waits); len(r.waits) > 0 {
		o.P99 = r.waits[len(r.waits)*99/100]
	}
	return o
}

func share(n, of int) float64 { return float64(n) / float64(max(of, 1)) }
