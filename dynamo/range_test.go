package dynamo

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"daybook/events"
	"daybook/view"
	"daybook/view/driver"
)

// rangeTable is a table of items whose keys and sort keys all differ.
func rangeTable(t *testing.T) (driver.Table, []driver.Item) {
	t.Helper()
	desc := view.Description{Name: "things", Version: 1, Indexes: []driver.IndexDescription{
		{Name: "by-name", SortKind: driver.SortString}, {Name: "by-price", SortKind: driver.SortNumber},
	}}
	table := NewTables(newFixture(t, ViewTable(desc)).client, testPrefix).Table("things", 1)
	names := []string{"a", "a\x00", "a\x00\x00", "a\x01", "aa", "ab", "b", "ba", strings.Repeat("c", 1024), "é", "\U0001F600"}
	var items []driver.Item
	for i, name := range names {
		it := driver.Item{Key: fmt.Sprint("k", (i*7)%len(names)), Version: 1, Index: map[string]driver.IndexKey{
			"by-name":  {Partition: "p", Sort: driver.Sort{Kind: driver.SortString, Text: name}},
			"by-price": {Partition: "p", Sort: driver.Sort{Kind: driver.SortNumber, Text: fmt.Sprint((i - 5) * 10)}},
		}}
		items = append(items, it)
		if err := table.Put(t.Context(), driver.Write{Item: it}); err != nil {
			t.Fatal(err)
		}
	}
	return table, items
}

// inRange computes a range by hand: all of it, without regard to its limit.
func inRange(items []driver.Item, r driver.Range) []string {
	in := slices.DeleteFunc(slices.Clone(items), func(it driver.Item) bool {
		s := it.Index[r.Index].Sort
		out := !strings.HasPrefix(s.Text, r.Prefix)
		if r.Low != nil {
			c := s.Compare(r.Low.Sort)
			out = out || c < 0 || (c == 0 && r.Low.Open)
		}
		if r.High != nil {
			c := s.Compare(r.High.Sort)
			out = out || c > 0 || (c == 0 && r.High.Open)
		}
		if r.After != nil {
			c := s.Compare(r.After.Sort)
			out = out || c == 0 || (c < 0) != r.Desc
		}
		return out
	})
	slices.SortFunc(in, func(a, b driver.Item) int {
		c := a.Index[r.Index].Sort.Compare(b.Index[r.Index].Sort)
		if r.Desc {
			return -c
		}
		return c
	})
	var keys []string
	for _, it := range in {
		keys = append(keys, it.Key)
	}
	return keys
}

func TestRanges(t *testing.T) {
	t.Parallel()
	table, items := rangeTable(t)
	rapid.Check(t, func(rt *rapid.T) {
		r := driver.Range{
			Index: rapid.SampledFrom([]string{"by-name", "by-price"}).Draw(rt, "index"), Partition: "p",
			Desc: rapid.Bool().Draw(rt, "desc"), Limit: rapid.IntRange(1, 12).Draw(rt, "limit"),
		}
		sort := rapid.Custom(func(rt *rapid.T) driver.Sort {
			if r.Index == "by-price" {
				return driver.Sort{Kind: driver.SortNumber, Text: fmt.Sprint(rapid.IntRange(-13, 13).Draw(rt, "n") * 5)}
			}
			text := rapid.SampledFrom([]string{"a", "a\x00", "aa", "ab", "b", "bb", strings.Repeat("c", 1024), "d", "é", "A", "\U0001F600"}).Draw(rt, "text")
			return driver.Sort{Kind: driver.SortString, Text: text}
		})
		bound := rapid.Custom(func(rt *rapid.T) *driver.Bound {
			return &driver.Bound{Sort: sort.Draw(rt, "sort"), Open: rapid.Bool().Draw(rt, "open")}
		})
		if rapid.Bool().Draw(rt, "low") {
			r.Low = bound.Draw(rt, "low bound")
		}
		if rapid.Bool().Draw(rt, "high") {
			r.High = bound.Draw(rt, "high bound")
		}
		if r.Index == "by-name" && rapid.Bool().Draw(rt, "by prefix") {
			r.Low, r.High, r.Prefix = nil, nil, rapid.SampledFrom([]string{"a", "a\x00", "b", "x"}).Draw(rt, "prefix")
		}
		if rapid.Bool().Draw(rt, "after") {
			r.After = &driver.Place{Sort: sort.Draw(rt, "place"), Key: "k3"}
			if at := slices.IndexFunc(items, func(it driver.Item) bool { return it.Index[r.Index].Sort == r.After.Sort }); at >= 0 {
				r.After.Key = items[at].Key
			}
		}
		want := inRange(items, r)
		var got []string
		for pages := 0; ; pages++ {
			page, end, err := table.Range(t.Context(), r)
			if err != nil || len(page) > r.Limit || pages > len(items)+1 {
				rt.Fatalf("%d items, %d pages, error %v", len(page), pages, err)
			}
			for _, it := range page {
				got = append(got, it.Key)
				r.After = &driver.Place{Sort: it.Index[r.Index].Sort, Key: it.Key}
			}
			if end {
				break
			}
			if len(page) == 0 {
				rt.Fatal("an empty page that is not the last")
			}
		}
		if !slices.Equal(got, want) {
			rt.Fatalf("got %v, want %v", got, want)
		}
	})
}

func TestRangesThatCannotBeAsked(t *testing.T) {
	t.Parallel()
	table, _ := rangeTable(t)
	empty := driver.Sort{Kind: driver.SortString}
	for name, r := range map[string]driver.Range{
		"no such index":   {Index: "by-size", Partition: "p", Limit: 1},
		"an empty bound":  {Index: "by-name", Partition: "p", Limit: 1, Low: &driver.Bound{Sort: empty}},
		"an empty place":  {Index: "by-name", Partition: "p", Limit: 1, After: &driver.Place{Sort: empty, Key: "k"}},
		"a place of none": {Index: "by-name", Partition: "p", Limit: 1, After: &driver.Place{Sort: driver.Sort{Kind: driver.SortString, Text: "a"}}},
	} {
		if items, _, err := table.Range(t.Context(), r); events.CodeOf(err) != events.CodeInternal {
			t.Errorf("%s: %d items, error %v", name, len(items), err)
		}
	}
}

func TestScanCursors(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		of := rapid.IntRange(1, maxSegments).Draw(t, "segments")
		scan := commitSegment(rapid.IntRange(0, of-1).Draw(t, "segment"), of)
		want := commitKey(events.Stream("a"+rapid.StringN(0, 200, -1).Draw(t, "stream")), rapid.Int64Range(1, 1<<62).Draw(t, "number"))
		if got := scan.key(scan.cursor(want)); !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
		if noise := rapid.String().Draw(t, "noise"); scan.key(noise) != nil && scan.cursor(scan.key(noise)) != noise {
			t.Fatalf("noise %q is %+v", noise, scan.key(noise))
		}
	})
	s, _ := newStore(t)
	own := commitSegment(1, 4).cursor(commitKey("user/1", 1))
	if _, _, err := s.Scan(t.Context(), 1, 4, own); err != nil {
		t.Errorf("a cursor of this scan: %v", err)
	}
	for _, c := range []struct {
		segment, segments int
		cursor            string
	}{{0, 4, own}, {1, 5, own}, {1, 4, own + "="}, {1, 4, own[1:]}, {1, 4, "!"}, {1, 4, "AQ"}, {-1, 4, ""}, {4, 4, ""}, {0, 0, ""}, {0, 1_000_001, ""}} {
		if _, _, err := s.Scan(t.Context(), c.segment, c.segments, c.cursor); events.CodeOf(err) != events.CodeMalformed {
			t.Errorf("%+v: error %v", c, err)
		}
	}
}
