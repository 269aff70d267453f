package scale

import (
	"math/rand/v2"
	"slices"
	"time"
)

// Figures of DynamoDB and of the model.
const (
	PartitionWrites = 1000.0 // write units per second
	PartitionReads  = 3000.0 // read units per second
	NewPartitions   = 4      // of a new on-demand table
	SplitAfter      = 6 * time.Second
)

// table is the partitions of a table or an index, by ranges of hashes in [0, 1).
type table struct {
	limit      float64      // units per second of each partition
	partitions []*partition // in the order of their ranges
	random     *rand.Rand
}

type partition struct {
	from, to float64
	tokens   float64
	filled   time.Duration // when tokens were added last
	hot      time.Duration // since when it throttles; negative for not
	last     time.Duration // when it throttled last
	heat     []float64     // hashes of some recent writes
	seen     int
}

// calm is how long a partition must not throttle to be taken for calm.
const calm = 2 * time.Second

// samples bounds the writes by which a partition knows its heat.
const samples = 200

func newTable(partitions int, limit float64, random *rand.Rand) *table {
	t := &table{limit: limit, random: random}
	for i := range partitions {
		n := float64(partitions)
		t.partitions = append(t.partitions, &partition{from: float64(i) / n, to: float64(i+1) / n, tokens: limit, hot: -1})
	}
	return t
}

// at is the partition of a hash.
func (t *table) at(hash float64) *partition {
	i, _ := slices.BinarySearchFunc(t.partitions, hash, func(p *partition, h float64) int {
		switch {
		case h < p.from:
			return 1
		case h >= p.to:
			return -1
		}
		return 0
	})
	return t.partitions[i]
}

// ready reports whether a partition has units. A throttled one may split.
func (t *table) ready(hash, units float64, now time.Duration) bool {
	p := t.at(hash)
	p.tokens = min(t.limit, p.tokens+(now-p.filled).Seconds()*t.limit)
	p.filled = now
	p.note(hash, t.random)
	if p.tokens >= units {
		if p.hot >= 0 && now-p.last > calm {
			p.hot = -1
		}
		return true
	}
	p.last = now
	switch {
	case p.hot < 0:
		p.hot = now
	case now-p.hot >= SplitAfter:
		t.split(p, now)
	}
	return false
}

func (t *table) take(hash, units float64) { t.at(hash).tokens -= units }

// note keeps a fair sample of the writes since the last split.
func (p *partition) note(hash float64, random *rand.Rand) {
	if p.seen++; len(p.heat) < samples {
		p.heat = append(p.heat, hash)
	} else if i := random.IntN(p.seen); i < samples {
		p.heat[i] = hash
	}
}

// split splits a partition where its heat halves, unless that is within one key.
func (t *table) split(p *partition, now time.Duration) {
	p.hot = now
	slices.Sort(p.heat)
	middle := p.heat[len(p.heat)/2]
	if middle == p.heat[0] {
		i := slices.IndexFunc(p.heat, func(h float64) bool { return h > middle })
		if i < 0 {
			return
		}
		middle = p.heat[i] // the hot key stays by itself
	}
	upper := &partition{from: middle, to: p.to, tokens: p.tokens, filled: now, hot: -1}
	p.to, p.hot, p.heat, p.seen = middle, -1, nil, 0
	i := slices.Index(t.partitions, p)
	t.partitions = slices.Insert(t.partitions, i+1, upper)
}
