package viewtest

import (
	"fmt"
	"strings"
	"testing"

	"daybook/events"
	"daybook/view/driver"
)

// maxScanPages ends a scan that never does.
const maxScanPages = 10_000

// scan reads all segments, and checks that each item comes once.
func (s *suite) scan(table driver.Table, segments int) map[string]driver.Item {
	s.Helper()
	all := map[string]driver.Item{}
	for segment := range segments {
		cursor := ""
		for pages := 0; ; pages++ {
			if pages == maxScanPages {
				s.Fatalf("the scan of segment %d of %d does not end", segment, segments)
			}
			page, next, err := table.Scan(s.Context(), segment, segments, cursor)
			if err != nil {
				s.Fatalf("scan of segment %d of %d: %v", segment, segments, err)
			}
			for _, found := range page {
				if found.Err != nil {
					s.Fatalf("item %q: %v", found.Item.Key, found.Err)
				}
				if _, twice := all[found.Item.Key]; twice {
					s.Fatalf("item %q comes twice", found.Item.Key)
				}
				all[found.Item.Key] = found.Item
			}
			if cursor = next; cursor == "" {
				break
			}
		}
	}
	return all
}

func testScan(t *testing.T, s *suite) {
	for _, segments := range []int{1, 4} {
		if got := s.scan(s.table, segments); len(got) != 0 {
			t.Fatalf("an empty table has %v", got)
		}
	}
	want := map[string]driver.Item{}
	for i := range 60 {
		it := item(fmt.Sprintf("k%d", i), "g", fmt.Sprintf("=%d", i), "1", int64(i)+1)
		switch i % 3 {
		case 1:
			it = driver.Item{Key: fmt.Sprintf("@stream/thing/%d", i), Commit: 1, Version: 1, Memo: []byte(`{"m":1}`)}
		case 2:
			it = driver.Item{Key: it.Key, Commit: 2, Version: 2, Memo: []byte(`{"hidden":true}`)}
		}
		s.put(it)
		want[it.Key] = it
	}
	other := s.tables.Table("suite-others", 2)
	s.code(other.Put(t.Context(), driver.Write{Item: item("other", "g", "=n", "1", 1)}), "")
	for _, segments := range []int{1, 3, 16} {
		got := s.scan(s.table, segments)
		if len(got) != len(want) {
			t.Fatalf("%d segments hold %d items, want %d", segments, len(got), len(want))
		}
		for key, it := range want {
			found := got[key]
			s.same(&found, it)
		}
	}
}

func testScanPages(t *testing.T, s *suite) {
	for i := range 12 {
		it := item(fmt.Sprintf("big-%02d", i), "g", "=n", "1", 1)
		it.Row = []byte(`{"t":"` + strings.Repeat("x", 300_000) + `"}`)
		s.put(it)
	}
	page, next, err := s.table.Scan(t.Context(), 0, 1, "")
	if err != nil || next == "" || len(page) == 12 {
		t.Fatalf("3.6 MB came in a page of %d items, cursor %q, %v: no cursor was tried", len(page), next, err)
	}
	again, nextAgain, err := s.table.Scan(t.Context(), 0, 1, "")
	if err != nil || len(again) != len(page) || nextAgain != next {
		t.Fatalf("a page asked for again is another: %d items, %v", len(again), err)
	}
	if got := s.scan(s.table, 1); len(got) != 12 {
		t.Fatalf("the pages hold %d items, want 12", len(got))
	}
}

// testScanChanges deletes and adds items between pages: those that stay are seen.
func testScanChanges(t *testing.T, s *suite) {
	stays := map[string]bool{}
	for i := range 12 {
		it := item(fmt.Sprintf("big-%02d", i), "g", "=n", "1", 1)
		it.Row = []byte(`{"t":"` + strings.Repeat("x", 300_000) + `"}`)
		s.put(it)
		stays[it.Key] = true
	}
	cursor := ""
	for pages := 0; ; pages++ {
		page, next, err := s.table.Scan(t.Context(), 0, 1, cursor)
		if err != nil || pages == maxScanPages {
			t.Fatalf("page %d: %v", pages, err)
		}
		for _, found := range page {
			delete(stays, found.Item.Key)
		}
		if pages == 0 {
			last := page[len(page)-1].Item
			s.code(s.table.Put(t.Context(), driver.Write{Item: driver.Item{Key: last.Key}, Expect: last.Version, Delete: true}), "")
			s.put(item("new", "g", "=n", "1", 1))
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	if len(stays) > 0 {
		t.Fatalf("items that were there all the time were not seen: %v", stays)
	}
}

func testScanRefuses(t *testing.T, s *suite) {
	scan := func(segment, segments int, cursor string) error {
		_, _, err := s.table.Scan(t.Context(), segment, segments, cursor)
		return err
	}
	for _, bad := range [][2]int{{0, 0}, {1, 1}, {-1, 2}, {0, 1_000_001}} {
		s.code(scan(bad[0], bad[1], ""), events.CodeMalformed)
	}
	s.code(scan(0, 1, "no cursor of a scan"), events.CodeMalformed)
	for i := range 12 {
		it := item(fmt.Sprintf("big-%02d", i), "g", "=n", "1", 1)
		it.Row = []byte(`{"t":"` + strings.Repeat("x", 300_000) + `"}`)
		s.put(it)
	}
	_, next, err := s.table.Scan(t.Context(), 0, 1, "")
	if err != nil || next == "" {
		t.Fatalf("cursor %q, %v", next, err)
	}
	s.code(scan(0, 2, next), events.CodeMalformed)
	s.code(scan(1, 2, next), events.CodeMalformed)
}
