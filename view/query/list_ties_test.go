package query

import (
	"testing"

	"daybook/view/driver"
)

// A database orders equal sort keys as it likes. A row that sorts like the last
// of a page may be on the next: its absence does not make the page stale.
func TestTiesAtTheEndsOfAPageAreNotMissed(t *testing.T) {
	t.Parallel()
	text := func(s string) driver.Sort { return driver.Sort{Kind: driver.SortString, Text: s} }
	item := func(key, sort string) *driver.Item {
		return &driver.Item{Key: key, Index: map[string]driver.IndexKey{"ix": {Partition: "p", Sort: text(sort)}}}
	}
	for _, desc := range []bool{false, true} {
		first, last := "b", "d"
		if desc {
			first, last = last, first
		}
		l := &listing{
			plan: &plan{index: "ix", desc: desc, ranges: []driver.Range{{Partition: "p"}}},
			from: []*driver.Place{{Sort: text(first), Key: "m"}},
			last: &driver.Place{Sort: text(last), Key: "m"},
			more: true,
		}
		for sort, want := range map[string]bool{"a": false, "b": false, "c": true, "d": false, "e": false} {
			for _, key := range []string{"a", "m", "z"} {
				if got := l.covers(item(key, sort)); got != want {
					t.Errorf("desc %v: row %s sorted by %s belongs in the page: %v", desc, key, sort, got)
				}
			}
		}
	}
}
