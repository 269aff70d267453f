package query

import (
	"strings"
	"testing"

	"daybook/events"
	"daybook/view/driver"
	"daybook/view/internal/definition"
	"daybook/view/internal/routing"
)

var cursorTable = &routing.TableView{Definition: &definition.Definition{Name: "things", Version: 1}, Generation: 1}

// TestForgedCursors: a cursor that is well formed but says a place no answer
// can have said is refused before a database sees it.
func TestForgedCursors(t *testing.T) {
	t.Parallel()
	text := func(s string) driver.Sort { return driver.Sort{Kind: driver.SortString, Text: s} }
	number := func(s string) driver.Sort { return driver.Sort{Kind: driver.SortNumber, Text: s} }
	texts := &plan{
		index: "x", sort: definition.Field{Name: "name", Kind: definition.KindString},
		ranges: []driver.Range{{Prefix: "=a"}, {Low: &driver.Bound{Sort: text("=b")}, High: &driver.Bound{Sort: text("=c"), Open: true}}},
	}
	numbers := &plan{
		index: "x", sort: definition.Field{Name: "price", Kind: definition.KindInt, Bits: 64},
		ranges: []driver.Range{{Low: &driver.Bound{Sort: number("5"), Open: true}, High: &driver.Bound{Sort: number("10")}}},
	}
	for name, test := range map[string]struct {
		p      *plan
		places []*driver.Place
		ok     bool
	}{
		"none":            {texts, []*driver.Place{nil, nil}, true},
		"first":           {texts, []*driver.Place{{Sort: text("=ab"), Key: "k"}, nil}, true},
		"second":          {texts, []*driver.Place{nil, {Sort: text("=b"), Key: "@@k"}}, true},
		"both":            {texts, []*driver.Place{{Sort: text("=a"), Key: "k"}, {Sort: text("=bz"), Key: "k"}}, true},
		"too many":        {texts, []*driver.Place{nil, nil, {Sort: text("=a"), Key: "k"}}, false},
		"no prefix":       {texts, []*driver.Place{{Sort: text("=b"), Key: "k"}, nil}, false},
		"below":           {texts, []*driver.Place{nil, {Sort: text("=a"), Key: "k"}}, false},
		"at open end":     {texts, []*driver.Place{nil, {Sort: text("=c"), Key: "k"}}, false},
		"not ours":        {texts, []*driver.Place{nil, {Sort: text("b"), Key: "k"}}, false},
		"empty":           {texts, []*driver.Place{nil, {Sort: text(""), Key: "k"}}, false},
		"long":            {texts, []*driver.Place{{Sort: text("=a" + strings.Repeat("x", 1024)), Key: "k"}, nil}, false},
		"no key":          {texts, []*driver.Place{{Sort: text("=a"), Key: ""}, nil}, false},
		"reserved key":    {texts, []*driver.Place{{Sort: text("=a"), Key: "@stream/user/7"}, nil}, false},
		"control key":     {texts, []*driver.Place{{Sort: text("=a"), Key: "\n"}, nil}, true},
		"digest key":      {texts, []*driver.Place{{Sort: text("=a"), Key: definition.ItemKey("", "")}, nil}, true},
		"long key":        {texts, []*driver.Place{{Sort: text("=a"), Key: strings.Repeat("x", 1026)}, nil}, false},
		"no UTF-8":        {texts, []*driver.Place{{Sort: text("=a"), Key: "\xff"}, nil}, false},
		"number":          {numbers, []*driver.Place{{Sort: number("5.5"), Key: "k"}}, true},
		"number at end":   {numbers, []*driver.Place{{Sort: number("10"), Key: "k"}}, true},
		"number too low":  {numbers, []*driver.Place{{Sort: number("5"), Key: "k"}}, false},
		"number too high": {numbers, []*driver.Place{{Sort: number("11"), Key: "k"}}, false},
		"no number":       {numbers, []*driver.Place{{Sort: number("ten"), Key: "k"}}, false},
	} {
		places, err := decodeCursor(&query{cursor: encodeCursor("", cursorTable, [8]byte{1}, test.places)}, cursorTable, [8]byte{1}, test.p)
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
	twice := encodeCursor("", cursorTable, [8]byte{1}, []*driver.Place{{Sort: text("=a"), Key: "k"}})
	if _, err := decodeCursor(&query{cursor: twice}, cursorTable, [8]byte{2}, texts); err == nil {
		t.Error("a cursor of another query is taken")
	}
	rebuilt := &routing.TableView{Definition: cursorTable.Definition, Generation: 2}
	if _, err := decodeCursor(&query{cursor: twice}, rebuilt, [8]byte{1}, texts); err == nil {
		t.Error("a cursor of another table is taken")
	}
	if _, err := decodeCursor(&query{cursor: strings.Repeat("A", maxCursor+1)}, cursorTable, [8]byte{1}, texts); err == nil {
		t.Error("a huge cursor is taken")
	}
}

func FuzzDecodeCursor(f *testing.F) {
	p := &plan{index: "x", sort: definition.Field{Name: "name", Kind: definition.KindString}, ranges: []driver.Range{{}, {}, {}}}
	f.Add(encodeCursor("", cursorTable, [8]byte{1}, []*driver.Place{{Sort: driver.Sort{Kind: driver.SortString, Text: "=a"}, Key: "k"}, nil, {Sort: driver.Sort{Kind: driver.SortString, Text: "=b"}, Key: "l"}}))
	f.Add("Ag")
	f.Fuzz(func(t *testing.T, cursor string) {
		places, err := decodeCursor(&query{cursor: cursor}, cursorTable, [8]byte{1}, p)
		if err == nil && cursor != "" && encodeCursor("", cursorTable, [8]byte{1}, places) != cursor {
			t.Errorf("cursor %q is taken for %v", cursor, places)
		}
	})
}

func TestSortsThatNoDatabaseKeeps(t *testing.T) {
	t.Parallel()
	for _, s := range []driver.Sort{
		{Kind: driver.SortNumber, Text: "1e126"}, {Kind: driver.SortNumber, Text: "1e-131"}, {Kind: driver.SortNumber, Text: "123456789012345678901234567890123456789"},
		{Kind: driver.SortNumber, Text: ""}, {Kind: driver.SortString, Text: ""}, {Kind: driver.SortString, Text: "\xff"}, {Kind: driver.SortString, Text: strings.Repeat("x", 1025)}, {Kind: 0, Text: "x"},
	} {
		if s.Valid() {
			t.Errorf("%v is valid", s)
		}
	}
}
