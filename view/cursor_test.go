package view

import (
	"strings"
	"testing"

	"daybook/events"
)

var cursorTable = &tableView{def: &def{name: "things", version: 1}, generation: 1}

// TestForgedCursors: a cursor that is well formed but says a place no answer
// can have said is refused before a database sees it.
func TestForgedCursors(t *testing.T) {
	t.Parallel()
	text := func(s string) Sort { return Sort{Kind: SortString, Text: s} }
	number := func(s string) Sort { return Sort{Kind: SortNumber, Text: s} }
	texts := &plan{
		index: "x", sort: field{name: "name", kind: kindString},
		ranges: []Range{{Prefix: "=a"}, {Low: &Bound{Sort: text("=b")}, High: &Bound{Sort: text("=c"), Open: true}}},
	}
	numbers := &plan{
		index: "x", sort: field{name: "price", kind: kindInt, bits: 64},
		ranges: []Range{{Low: &Bound{Sort: number("5"), Open: true}, High: &Bound{Sort: number("10")}}},
	}
	for name, test := range map[string]struct {
		p      *plan
		places []*Place
		ok     bool
	}{
		"none":            {texts, []*Place{nil, nil}, true},
		"first":           {texts, []*Place{{text("=ab"), "k"}, nil}, true},
		"second":          {texts, []*Place{nil, {text("=b"), "@@k"}}, true},
		"both":            {texts, []*Place{{text("=a"), "k"}, {text("=bz"), "k"}}, true},
		"too many":        {texts, []*Place{nil, nil, {text("=a"), "k"}}, false},
		"no prefix":       {texts, []*Place{{text("=b"), "k"}, nil}, false},
		"below":           {texts, []*Place{nil, {text("=a"), "k"}}, false},
		"at open end":     {texts, []*Place{nil, {text("=c"), "k"}}, false},
		"not ours":        {texts, []*Place{nil, {text("b"), "k"}}, false},
		"empty":           {texts, []*Place{nil, {text(""), "k"}}, false},
		"long":            {texts, []*Place{{text("=a" + strings.Repeat("x", 1024)), "k"}, nil}, false},
		"no key":          {texts, []*Place{{text("=a"), ""}, nil}, false},
		"reserved key":    {texts, []*Place{{text("=a"), "@stream/user/7"}, nil}, false},
		"control key":     {texts, []*Place{{text("=a"), "\n"}, nil}, true},
		"digest key":      {texts, []*Place{{text("=a"), ItemKey("")}, nil}, true},
		"long key":        {texts, []*Place{{text("=a"), strings.Repeat("x", 1026)}, nil}, false},
		"no UTF-8":        {texts, []*Place{{text("=a"), "\xff"}, nil}, false},
		"number":          {numbers, []*Place{{number("5.5"), "k"}}, true},
		"number at end":   {numbers, []*Place{{number("10"), "k"}}, true},
		"number too low":  {numbers, []*Place{{number("5"), "k"}}, false},
		"number too high": {numbers, []*Place{{number("11"), "k"}}, false},
		"no number":       {numbers, []*Place{{number("ten"), "k"}}, false},
	} {
		places, err := decodeCursor(encodeCursor(cursorTable, [8]byte{1}, test.places), cursorTable, [8]byte{1}, test.p)
		if (err == nil) != test.ok || err != nil && events.CodeOf(err) != events.CodeMalformed {
			t.Errorf("%s: %v", name, err)
		}
		for i, want := range test.places {
			if test.ok && (places[i] == nil) != (want == nil) || test.ok && want != nil && *places[i] != *want {
				t.Errorf("%s: place %d is %+v", name, i, places[i])
			}
		}
	}
	// The same range twice: behind which one would it go on?
	twice := encodeCursor(cursorTable, [8]byte{1}, []*Place{{text("=a"), "k"}})
	if _, err := decodeCursor(twice, cursorTable, [8]byte{2}, texts); err == nil {
		t.Error("a cursor of another query is taken")
	}
	rebuilt := &tableView{def: cursorTable.def, generation: 2}
	if _, err := decodeCursor(twice, rebuilt, [8]byte{1}, texts); err == nil {
		t.Error("a cursor of another table is taken")
	}
	if _, err := decodeCursor(strings.Repeat("A", maxCursor+1), cursorTable, [8]byte{1}, texts); err == nil {
		t.Error("a huge cursor is taken")
	}
}

func FuzzDecodeCursor(f *testing.F) {
	p := &plan{index: "x", sort: field{name: "name", kind: kindString}, ranges: []Range{{}, {}, {}}}
	f.Add(encodeCursor(cursorTable, [8]byte{1}, []*Place{{Sort{SortString, "=a"}, "k"}, nil, {Sort{SortString, "=b"}, "l"}}))
	f.Add("Ag")
	f.Fuzz(func(t *testing.T, cursor string) {
		places, err := decodeCursor(cursor, cursorTable, [8]byte{1}, p)
		if err == nil && cursor != "" && encodeCursor(cursorTable, [8]byte{1}, places) != cursor {
			t.Errorf("cursor %q is taken for %v", cursor, places)
		}
	})
}

func TestSortsThatNoDatabaseKeeps(t *testing.T) {
	t.Parallel()
	for _, s := range []Sort{
		{SortNumber, "1e126"}, {SortNumber, "1e-131"}, {SortNumber, "123456789012345678901234567890123456789"},
		{SortNumber, ""}, {SortString, ""}, {SortString, "\xff"}, {SortString, strings.Repeat("x", 1025)}, {0, "x"},
	} {
		if s.Valid() {
			t.Errorf("%v is valid", s)
		}
	}
}
