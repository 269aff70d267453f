package embedded

import (
	"bytes"
	"time"

	"github.com/tidwall/btree"

	"daybook/localstack/embedded/attr"
)

// maxExpiryAge is the age beyond which DynamoDB takes an expiry time for a
// mistake and leaves the item alone.
const maxExpiryAge = 5 * 365 * 24 * time.Hour

// expiryEntry is one item's place in the order of expiry. The row is held by
// the table.
type expiryEntry struct {
	at  int64 // Unix seconds
	row ref
}

// expiry orders a table's items by the time at which they expire.
type expiry struct {
	arena     *arena
	attribute string
	entries   *btree.BTreeG[expiryEntry]
}

// setExpiry makes the order of expiry match the definition.
func (t *table) setExpiry() {
	if t.def.TTL == "" {
		t.expiry = nil
		return
	}
	if t.expiry != nil && t.expiry.attribute == t.def.TTL {
		return
	}
	a := t.arena
	t.expiry = &expiry{arena: a, attribute: t.def.TTL, entries: newTree(func(one, two expiryEntry) bool {
		if one.at != two.at {
			return one.at < two.at
		}
		return bytes.Compare(a.rowKey(one.row), a.rowKey(two.row)) < 0
	})}
	t.rows.Scan(func(r ref) bool {
		t.expiry.apply("", a.row(r), 0, r)
		return true
	})
}

// timeOf is when a row expires; false if it never does.
func (x *expiry) timeOf(r row) (int64, bool) {
	v, ok := r.attribute(x.attribute)
	if !ok || v.Kind() != attr.Number {
		return 0, false
	}
	seconds, ok := v.Num().Int64()
	return seconds, ok && seconds >= 0
}

// apply brings the order up to date with one change of an item, whose rows are
// kept at the refs.
func (x *expiry) apply(old, new row, oldRef, newRef ref) {
	if at, ok := x.timeOf(old); ok {
		x.entries.Delete(expiryEntry{at, oldRef})
	}
	if at, ok := x.timeOf(new); ok {
		x.entries.Set(expiryEntry{at, newRef})
	}
}

// due returns up to n rows that have expired.
func (x *expiry) due(now time.Time, n int) []row {
	var due []row
	x.entries.Ascend(expiryEntry{at: now.Add(-maxExpiryAge).Unix()}, func(e expiryEntry) bool {
		if len(due) == n || e.at >= now.Unix() {
			return false
		}
		due = append(due, x.arena.row(e.row))
		return true
	})
	return due
}

// first is when the first of the items expires that can, zero for none. Those that
// DynamoDB leaves alone for their age are none of them.
func (x *expiry) first(now time.Time) (at time.Time) {
	x.entries.Ascend(expiryEntry{at: now.Add(-maxExpiryAge).Unix()}, func(e expiryEntry) bool {
		at = time.Unix(e.at, 0)
		return false
	})
	return at
}
