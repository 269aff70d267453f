package admin

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"hash/fnv"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"daybook/events"
	"daybook/parallel"
	"daybook/view/driver"
	"daybook/view/internal/definition"
	"daybook/view/internal/routing"
)

// compareKeyed compares the rows of a keyed view with what the memories in its
// checkpoints put into them; the checkpoints themselves are compared with the
// events by streams. Rows are put together in memory, those whose hash lies in
// one range at a time; the range shrinks when the memory does not suffice.
func (r *verifyRun) compareKeyed(ctx context.Context, v *verifiedView) (*tally, error) {
	t := &tally{}
	width := uint64(math.MaxUint64)
	for low := uint64(0); ; {
		high := low + min(width, math.MaxUint64-low)
		s := &sums{v: v, low: low, high: high, budget: r.opts.Memory, sample: r.sample, rows: map[definition.Name]*sum{}, stored: true, folded: r.folds(v)}
		if err := r.sum(ctx, s); err != nil {
			return nil, err
		}
		width = s.high - low
		suspects := s.suspects()
		t.of(v).rows += s.count()
		if err := r.recheck(ctx, v, suspects, t); err != nil {
			return nil, err
		}
		if s.high == math.MaxUint64 {
			return t, nil
		}
		low = s.high + 1
	}
}

// sample reports whether the row of a hash is among those that Fraction takes.
func (v *Verifier) sample(hash uint64) bool {
	if v.opts.Fraction == 1 {
		return true
	}
	mixed := (hash ^ v.opts.Seed) * 0x9e3779b97f4a7c15
	return float64(mixed>>11)/(1<<53) < v.opts.Fraction
}

func hashOf(name definition.Name) uint64 {
	h := fnv.New64a()
	h.Write([]byte(definition.Scope(name.Tenant)))
	h.Write([]byte(name.String()))
	x := h.Sum64() // FNV leaves the high bits of short keys alike
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return x
}

// sums are rows of a keyed view, or the parts they are spread over, put together
// from the memories of its checkpoints.
type sums struct {
	v         *verifiedView
	low, high uint64 // range of the hashes of rows, both within
	budget    int    // bytes
	sample    func(hash uint64) bool
	only      map[definition.Name]bool // the only ones to look at, nil for all
	stored    bool                     // take digests of the stored rows too
	folded    bool                     // memories come from the events

	mu   sync.Mutex
	rows map[definition.Name]*sum
	size int // bytes
}

// sum is one row.
type sum struct {
	hash  uint64
	row   definition.KeyedRow
	err   error // why the row can't be put together
	found bool  // a row is stored
	store [32]byte
	bad   bool // it can't be read
}

// sumOverhead is what an entry of sums takes besides key and row, in bytes.
const sumOverhead = 200

// sum scans the table, several parts at a time.
func (r *verifyRun) sum(ctx context.Context, s *sums) error {
	n := r.opts.Parallel
	if s.folded {
		if err := r.sumFolds(ctx, s); err != nil || !s.stored {
			return err
		}
	}
	return parallel.New(n).Until(ctx, n, func(ctx context.Context, segment int) error { return r.scanTable(ctx, s.v, segment, n, s.addPage) })
}

// wants reports whether a row is put together.
func (s *sums) wants(name definition.Name, hash uint64) bool {
	if s.only != nil {
		return s.only[name]
	}
	return hash >= s.low && hash <= s.high && s.sample(hash)
}

// addPage takes in a page of the table.
func (s *sums) addPage(page []driver.ScannedItem) error {
	changes := map[definition.Name]*definition.Change{}
	for _, found := range page {
		stream, isCheckpoint := strings.CutPrefix(found.Item.Key, definition.StreamPrefix)
		if !isCheckpoint || found.Err != nil || s.folded {
			continue
		}
		names, err := s.v.Names(events.Stream(stream), found.Item.Memo)
		if err != nil {
			continue // streams tells that the memory is not what the events say
		}
		for _, name := range names {
			c := changes[name]
			if c == nil {
				c = &definition.Change{}
				changes[name] = c
			}
			c.Parts = append(c.Parts, definition.Part{Memo: found.Item.Memo})
			if found.Item.Parked == definition.ParkedCounted {
				c.Parked++
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addChanges(changes)
	for _, found := range page {
		if name, isRow := s.v.NameOf(&found.Item); s.stored && isRow {
			if e := s.entry(name); e != nil {
				e.recordRow(s.v, found)
			}
		}
	}
	s.shrink()
	return nil
}

// addChanges puts what streams contribute into the rows.
func (s *sums) addChanges(changes map[definition.Name]*definition.Change) {
	for name, c := range changes {
		if e := s.entry(name); e != nil {
			s.size -= len(e.row.Row)
			var err error
			if e.row, err = e.row.With(s.v.Definition, name, c); err != nil && e.err == nil {
				e.err = err
			}
			s.size += len(e.row.Row)
		}
	}
}

// entry returns the sum of a row, nil when it is not one of these.
func (s *sums) entry(name definition.Name) *sum {
	hash := hashOf(name)
	if !s.wants(name, hash) {
		return nil
	}
	e := s.rows[name]
	if e == nil {
		e = &sum{hash: hash}
		s.rows[name] = e
		s.size += len(name.Key) + sumOverhead
	}
	return e
}

// shrink halves the range until what is in it fits the budget.
func (s *sums) shrink() {
	for s.only == nil && s.size > s.budget && s.high > s.low && len(s.rows) > 1 {
		s.high = s.low + (s.high-s.low)/2
		for name, e := range s.rows {
			if e.hash > s.high {
				s.size -= len(name.Key) + sumOverhead + len(e.row.Row)
				delete(s.rows, name)
			}
		}
	}
}

// recordRow remembers a stored row by its digest.
func (e *sum) recordRow(v *verifiedView, found driver.ScannedItem) {
	if found.Err != nil {
		e.found, e.bad = true, true
		return
	}
	if item := v.Significant(&found.Item); item != nil {
		e.found, e.store = true, digestItem(item)
	}
}

// digestItem is equal for items that Same calls the same.
func digestItem(item *driver.Item) [32]byte {
	h := sha256.New()
	write := func(b []byte) {
		h.Write(binary.AppendUvarint(nil, uint64(len(b))))
		h.Write(b)
	}
	write([]byte(item.Key))
	write([]byte(itoa(item.Parked)))
	write(item.Row)
	write(item.Memo)
	for _, name := range slices.Sorted(maps.Keys(item.Index)) {
		k := item.Index[name]
		for _, s := range []string{name, k.Partition, string(rune(k.Sort.Kind)), k.Sort.Text} {
			write([]byte(s))
		}
	}
	return [32]byte(h.Sum(nil))
}

// expected is the item of a sum; nil when no stream contributes.
func (s *sums) expected(name definition.Name) (*driver.Item, error) {
	e := s.rows[name]
	if e == nil {
		return nil, nil
	}
	if e.err != nil {
		return nil, e.err
	}
	item, err := s.v.KeyedItem(name, e.row)
	return s.v.Significant(&item), err
}

// suspects returns the rows that are stored otherwise than the sum.
func (s *sums) suspects() []definition.Name {
	var names []definition.Name
	for name, e := range s.rows {
		want, err := s.expected(name)
		switch {
		case err != nil || e.bad, (want != nil) != e.found:
		case want == nil || digestItem(want) == e.store:
			continue
		}
		names = append(names, name)
	}
	slices.SortFunc(names, definition.Name.Compare)
	return names
}

// count is the number of rows that are stored or should be.
func (s *sums) count() int64 {
	n := int64(0)
	for _, e := range s.rows {
		if e.found || e.row.Streams > 0 {
			n++
		}
	}
	return n
}

// recheckRounds bounds how often suspects are looked at. A row that differs is
// one only when it did so twice: two streams that change places in a row during
// a scan leave the row as it was.
const recheckRounds = 5

// recheck looks at suspects closely. Row and checkpoints change in one
// transaction, so a row whose version is the same before and after all
// checkpoints were read belongs to what was read.
func (r *verifyRun) recheck(ctx context.Context, v *verifiedView, names []definition.Name, t *tally) error {
	differed := map[definition.Name]bool{}
	for round := 1; len(names) > 0; round++ {
		before, findings, err := r.rowsOf(ctx, v, names)
		if err != nil {
			return err
		}
		s := &sums{v: v, only: map[definition.Name]bool{}, rows: map[definition.Name]*sum{}, folded: r.folds(v)}
		for _, name := range names {
			s.only[name] = true
		}
		if err := r.sum(ctx, s); err != nil {
			return err
		}
		after, _, err := r.rowsOf(ctx, v, names)
		if err != nil {
			return err
		}
		var open []definition.Name
		for _, name := range names {
			f := findings[name]
			if f == nil {
				f = s.verdict(name, before[name])
			}
			same := guardOf(before[name]) == guardOf(after[name])
			switch {
			case f == nil && same:
			case f != nil && same && differed[name]:
				t.found(v, f, r.opts.Findings)
			case round == recheckRounds:
				t.found(v, &Finding{Kind: FoundUnsettled, Tenant: name.Tenant, Row: name.String(), Text: "the row changed each time it was looked at"}, r.opts.Findings)
			default:
				differed[name] = f != nil && same
				open = append(open, name)
			}
		}
		if names = open; len(names) > 0 {
			if err := routing.Sleep(ctx, time.Duration(round)*50*time.Millisecond); err != nil {
				return err
			}
		}
	}
	return nil
}

// guardOf is what every write of an item changes.
func guardOf(item *driver.Item) [2]int64 {
	if item == nil {
		return [2]int64{}
	}
	return [2]int64{item.Version, item.Parked}
}

// rowsOf reads rows; one that can't be read is a finding.
func (r *verifyRun) rowsOf(ctx context.Context, v *verifiedView, names []definition.Name) (map[definition.Name]*driver.Item, map[definition.Name]*Finding, error) {
	rows, findings := map[definition.Name]*driver.Item{}, map[definition.Name]*Finding{}
	get := func(names ...definition.Name) error {
		keys := make([]string, len(names))
		for i, name := range names {
			keys[i] = name.ItemKey()
		}
		items, err := patiently(ctx, func() ([]*driver.Item, error) { return v.Table.Get(ctx, keys) })
		for i := range items {
			rows[names[i]] = items[i]
		}
		return err
	}
	for chunk := range slices.Chunk(names, driver.MaxGet) {
		err := get(chunk...)
		if err == nil {
			continue
		}
		if events.Transient(err) {
			return nil, nil, err
		}
		for _, name := range chunk {
			if err := get(name); events.Transient(err) {
				return nil, nil, err
			} else if err != nil {
				findings[name] = &Finding{Kind: FoundUnreadable, Tenant: name.Tenant, Row: name.String(), Text: err.Error()}
			}
		}
	}
	return rows, findings, nil
}

// verdict compares a stored row with its sum.
func (s *sums) verdict(name definition.Name, stored *driver.Item) *Finding {
	want, err := s.expected(name)
	have := s.v.Significant(stored)
	f := s.compare(have, want, err)
	if f == nil {
		return nil
	}
	f.Tenant, f.Row = name.Tenant, name.String()
	if err == nil {
		f.describe(have, want)
	}
	return f
}

func (s *sums) compare(have, want *driver.Item, err error) *Finding {
	switch {
	case err != nil:
		return &Finding{Kind: FoundDifferent, Text: "the row can't be put together: " + events.FaultText(err)}
	case want == nil && have == nil:
		return nil
	case want == nil:
		return &Finding{Kind: FoundExtra, Text: "no stream contributes to it"}
	case have == nil:
		return &Finding{Kind: FoundMissing}
	case s.v.Same(have, want) && have.Parked == want.Parked:
		return nil
	}
	return &Finding{Kind: FoundDifferent, Fields: s.v.fieldsOf(have, want)}
}
