package viewtest

import (
	"bytes"
	"context"
	"encoding/json/jsontext"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"daybook/events"
	"daybook/view"
	"daybook/view/driver"
)

// suiteRow is the row of the suite's views.
type suiteRow struct {
	Group string `json:"group"`
	Name  string `json:"name"`
	Price int64  `json:"price"`
}

type suiteEvent struct{}

func (suiteEvent) EventName() string { return "thing-added" }

func suiteView(name string, version int) view.View {
	return view.New[suiteRow](name, "thing").
		On(func(r suiteRow, _ suiteEvent, _ view.Meta) suiteRow { return r }).
		Index("by-name", view.By("group").Then("name")).
		Index("by-price", view.By("group").Then("price")).
		Version(version)
}

// Run is the conformance suite of driver.Table. open returns tables of the given
// views, empty; Run asks it for new ones in each test. Tests run in parallel.
// Indexes may be behind for up to five seconds.
func Run(t *testing.T, open func(t *testing.T, views []view.View) driver.Tables) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, s *suite)
	}{
		{"get and put", testGetPut},
		{"stores every part of an item", testRoundTrip},
		{"keys of any text", testAnyKey},
		{"tenants are apart", testTenants},
		{"put is conditional", testConditions},
		{"insert is conditional", testInsert},
		{"parked items", testParked},
		{"parking fits in the largest item", testParkedRoom},
		{"the index of parked streams", testParkedIndex},
		{"delete", testDelete},
		{"item too large", testTooLarge},
		{"transaction is all or nothing", testTransact},
		{"transaction of 100", testTransact100},
		{"one writer of a version wins", testRace},
		{"views and versions are apart", testApart},
		{"strings in order", testStringOrder},
		{"numbers in order", testNumberOrder},
		{"bounds", testBounds},
		{"prefix", testPrefix},
		{"pages", testPages},
		{"continues after a deleted item", testAfterDeleted},
		{"equal sort keys", testTies},
		{"index follows the item", testIndexFollows},
		{"range of one key", testRangeKey},
		{"scan sees every item", testScan},
		{"scan in pages", testScanPages},
		{"scan while items change", testScanChanges},
		{"scan refuses", testScanRefuses},
		{"canceled", testCanceled},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			views := []view.View{suiteView("suite-things", 1), suiteView("suite-others", 2)}
			tables := open(t, views)
			test.run(t, &suite{T: t, tables: tables, table: tables.Table("suite-things", 1)})
		})
	}
}

type suite struct {
	*testing.T
	tables driver.Tables
	table  driver.Table
}

func item(key, group, name, price string, version int64) driver.Item {
	return driver.Item{
		Key: key, Row: jsontext.Value(`{"group":"` + group + `"}`), Commit: version, Version: version,
		Index: map[string]driver.IndexKey{
			"by-name":  {Partition: group, Sort: driver.Sort{Kind: driver.SortString, Text: name}},
			"by-price": {Partition: group, Sort: driver.Sort{Kind: driver.SortNumber, Text: price}},
		},
	}
}

// testInsert is for tables that have Insert.
func testInsert(t *testing.T, s *suite) {
	table, ok := s.table.(driver.Inserter)
	if !ok {
		t.Skip("optional: the table stores items one by one")
	}
	there := item("b", "g", "x", "1", 7)
	s.put(there)
	odd := item("it's \"é\"", "g", "x", "1", 1)
	odd.Row = jsontext.Value(`{"it's":"\"é\"","a":[1,{"b":null}]}`)
	large := item("d", "g", "x", "1", 1)
	large.Row = jsontext.Value(`{"text":"` + strings.Repeat("x", 500_000) + `"}`)
	items := []driver.Item{item("a", "g", "x", "1", 1), item("b", "g", "y", "2", 1), odd, large}
	want := []events.Code{"", events.CodeConflict, "", events.CodeTooLarge}
	errs := table.Insert(t.Context(), items)
	if len(errs) != len(want) {
		t.Fatalf("%d errors for %d items", len(errs), len(items))
	}
	for i, err := range errs {
		s.code(err, want[i])
	}
	s.same(s.get("a"), items[0])
	s.same(s.get("b"), there)
	s.same(s.get(odd.Key), odd)
	if got := s.get("d"); got != nil {
		t.Fatalf("an item that is too large is stored: %+v", got)
	}
	many := make([]driver.Item, driver.MaxInsert)
	for i := range many {
		many[i] = item(fmt.Sprintf("many-%02d", i), "g", "x", "1", 1)
	}
	for _, err := range table.Insert(t.Context(), many) {
		s.code(err, "")
	}
	s.same(s.get(many[len(many)-1].Key), many[len(many)-1])
	for _, err := range table.Insert(t.Context(), many) { // as a repeated request would
		s.code(err, events.CodeConflict)
	}
}

func (s *suite) put(items ...driver.Item) {
	s.Helper()
	for _, it := range items {
		if err := s.table.Put(s.Context(), driver.Write{Item: it}); err != nil {
			s.Fatalf("put of %q: %v", it.Key, err)
		}
	}
}

func (s *suite) get(key string) *driver.Item {
	s.Helper()
	items, err := s.table.Get(s.Context(), []string{key})
	if err != nil || len(items) != 1 {
		s.Fatalf("get of %q: %d items, %v", key, len(items), err)
	}
	return items[0]
}

func (s *suite) same(got *driver.Item, want driver.Item) {
	s.Helper()
	if got == nil {
		s.Fatalf("item %q is missing", want.Key)
	}
	if got.Key != want.Key || !bytes.Equal(got.Row, want.Row) || !bytes.Equal(got.Memo, want.Memo) ||
		(got.Row == nil) != (want.Row == nil) || (got.Memo == nil) != (want.Memo == nil) ||
		got.Commit != want.Commit || got.Version != want.Version || got.Parked != want.Parked ||
		len(got.Index)+len(want.Index) > 0 && !reflect.DeepEqual(got.Index, want.Index) {
		s.Fatalf("got item\n%+v\nwant\n%+v", *got, want)
	}
}

func (s *suite) code(err error, want events.Code) {
	s.Helper()
	if got := events.CodeOf(err); got != want {
		s.Fatalf("got code %q (%v), want %q", got, err, want)
	}
}

// all reads a whole range in pages of r.Limit.
func (s *suite) all(r driver.Range) []string {
	s.Helper()
	keys := []string{}
	for range 1000 {
		items, end, err := s.table.Range(s.Context(), r)
		if err != nil {
			s.Fatalf("range %+v: %v", r, err)
		}
		if len(items) > r.Limit {
			s.Fatalf("a range with limit %d returned %d items", r.Limit, len(items))
		}
		for _, it := range items {
			keys = append(keys, it.Key)
			r.After = &driver.Place{Sort: it.Index[r.Index].Sort, Key: it.Key}
		}
		if end {
			return keys
		}
	}
	s.Fatalf("range %+v does not end", r)
	return nil
}

// holds checks that the range holds exactly the keys, in order, forwards,
// backwards and in small pages, once the index has caught up.
func (s *suite) holds(r driver.Range, want ...string) {
	s.Helper()
	backwards := slices.Clone(want)
	slices.Reverse(backwards)
	for _, limit := range []int{100, 1, 2} {
		r.Limit = limit
		r.Desc = false
		s.eventually(r, want)
		r.Desc = true
		s.eventually(r, backwards)
	}
}

func (s *suite) eventually(r driver.Range, want []string) {
	s.Helper()
	var got []string
	for range 100 {
		if got = s.all(r); slices.Equal(got, want) {
			return
		}
		time.Sleep(50 * time.Millisecond) // an index may be behind
	}
	s.Fatalf("range %+v\n got %q\nwant %q", r, got, want)
}

func text(s string) driver.Sort   { return driver.Sort{Kind: driver.SortString, Text: s} }
func number(s string) driver.Sort { return driver.Sort{Kind: driver.SortNumber, Text: s} }

func testGetPut(t *testing.T, s *suite) {
	if got := s.get("a"); got != nil {
		t.Fatalf("an empty table has %+v", got)
	}
	a, b := item("a", "g", "=n", "1", 1), item("b", "g", "=n", "1", 7)
	s.put(a, b)
	got, err := s.table.Get(t.Context(), []string{"b", "missing", "a"})
	if err != nil || len(got) != 3 || got[1] != nil {
		t.Fatalf("got %v, %v", got, err)
	}
	s.same(got[0], b)
	s.same(got[2], a)
	keys := []string{}
	for i := range 100 {
		keys = append(keys, fmt.Sprintf("k%03d", i))
		if i%2 == 0 {
			s.put(item(keys[i], "g", "=n", "1", int64(i)+1))
		}
	}
	if got, err = s.table.Get(t.Context(), keys); err != nil || len(got) != 100 {
		t.Fatalf("get of 100: %d items, %v", len(got), err)
	}
	for i, it := range got {
		if (it != nil) != (i%2 == 0) || it != nil && (it.Key != keys[i] || it.Version != int64(i)+1) {
			t.Fatalf("item %d is %+v", i, it)
		}
	}
}

func testRoundTrip(t *testing.T, s *suite) {
	long := strings.Repeat("é", 512)
	for _, it := range []driver.Item{
		{Key: "checkpoint", Commit: 3, Version: 9, Memo: jsontext.Value(`{"b":1,"a":[1.50,"x"]}`)},
		{Key: "bare", Commit: 1, Version: 1},
		{Key: "@stream/user/7", Commit: 1, Version: 1, Memo: jsontext.Value(`"text"`)},
		{Key: long, Commit: 1 << 60, Version: 1<<60 + 1, Row: jsontext.Value(`{"z":9007199254740993,"a":" \u0000 é"}`)},
		{Key: "sl/a/sh #?&", Row: jsontext.Value(`{}`), Memo: jsontext.Value(`{"streams":3}`), Version: 4, Index: map[string]driver.IndexKey{
			"by-name": {Partition: long, Sort: text(strings.Repeat("z", 1024))},
		}},
		{Key: "numbers", Row: jsontext.Value(`{}`), Version: 4, Index: map[string]driver.IndexKey{
			"by-price": {Partition: "true", Sort: number("-9223372036854775808")},
		}},
		{Key: "held back", Row: jsontext.Value(`{"n":1}`), Commit: 2, Version: 3, Parked: 7},
		{Key: "big", Row: jsontext.Value(`{"t":"` + strings.Repeat("x", 300_000) + `"}`), Version: 1},
	} {
		s.put(it)
		s.same(s.get(it.Key), it)
	}
}

func testConditions(t *testing.T, s *suite) {
	put := func(it driver.Item, expect int64) error {
		return s.table.Put(t.Context(), driver.Write{Item: it, Expect: expect})
	}
	s.code(put(item("a", "g", "=n", "1", 6), 5), events.CodeConflict)
	if s.get("a") != nil {
		t.Fatal("a put that failed wrote")
	}
	s.code(put(item("a", "g", "=n", "1", 2), 0), "")
	s.code(put(item("a", "g", "=x", "1", 3), 0), events.CodeConflict)
	s.code(put(item("a", "g", "=x", "1", 3), 1), events.CodeConflict)
	s.same(s.get("a"), item("a", "g", "=n", "1", 2))
	s.code(put(item("a", "h", "=x", "2", 3), 2), "")
	s.same(s.get("a"), item("a", "h", "=x", "2", 3))
	// An index entry, a memo and a row that are no longer there must go.
	s.code(put(driver.Item{Key: "a", Version: 4}, 3), "")
	s.same(s.get("a"), driver.Item{Key: "a", Version: 4})
}

// testParked: a mark of parking is part of what a write expects, and may come
// and go without a new version.
func testParked(t *testing.T, s *suite) {
	nothing := driver.Item{Key: "a", Parked: 1} // says only that its stream is parked
	s.code(s.table.Put(t.Context(), driver.Write{Item: nothing}), "")
	s.same(s.get("a"), nothing)
	one := item("a", "g", "=n", "1", 1)
	s.code(s.table.Put(t.Context(), driver.Write{Item: one}), events.CodeConflict)
	s.code(s.table.Put(t.Context(), driver.Write{Item: one, ExpectParked: 2}), events.CodeConflict)
	s.code(s.table.Put(t.Context(), driver.Write{Item: one, ExpectParked: 1}), "")
	s.same(s.get("a"), one)
	marked := one
	marked.Parked = 2
	s.code(s.table.Transact(t.Context(), []driver.Write{{Item: marked, Expect: 1, ExpectParked: 1}, {Item: driver.Item{Key: "b", Version: 1}}}), events.CodeConflict)
	s.code(s.table.Transact(t.Context(), []driver.Write{{Item: marked, Expect: 1}, {Item: driver.Item{Key: "b", Version: 1}}}), "")
	s.same(s.get("a"), marked)
	two := item("a", "g", "=n", "1", 2)
	s.code(s.table.Put(t.Context(), driver.Write{Item: two, Expect: 1}), events.CodeConflict)
	s.code(s.table.Put(t.Context(), driver.Write{Item: two, Expect: 1, ExpectParked: 2}), "")
	s.same(s.get("a"), two)
	s.code(s.table.Put(t.Context(), driver.Write{Item: two, Expect: 2, ExpectParked: 2}), events.CodeConflict)
	s.code(s.table.Put(t.Context(), driver.Write{Item: nothing, Expect: 2, ExpectParked: 1, Delete: true}), events.CodeConflict)
	s.code(s.table.Put(t.Context(), driver.Write{Item: nothing, Expect: 2, Delete: true}), "")
}

// testParkedRoom: whatever item can be stored can also be marked.
func testParkedRoom(t *testing.T, s *suite) {
	stored := 0
	for size := 400*1024 - 300; size <= 400*1024; size += 10 {
		it := driver.Item{Key: fmt.Sprintf("k%d", size), Version: 1, Row: randomRow(size)}
		err := s.table.Put(t.Context(), driver.Write{Item: it})
		if events.CodeOf(err) == events.CodeTooLarge {
			continue
		}
		s.code(err, "")
		stored++
		it.Parked = 1_000_000_000
		s.code(s.table.Put(t.Context(), driver.Write{Item: it, Expect: 1}), "")
	}
	if stored == 0 || s.get(fmt.Sprintf("k%d", 400*1024)) != nil {
		t.Fatalf("%d items were small enough", stored)
	}
}

func testParkedIndex(t *testing.T, s *suite) {
	for _, key := range []string{"c", "a", "b"} {
		s.put(driver.Item{Key: "@parked/" + key, Version: 1, Memo: jsontext.Value(`{}`), Index: map[string]driver.IndexKey{
			driver.ParkedIndex: {Partition: "*", Sort: driver.Sort{Kind: driver.SortString, Text: "=" + key}},
		}})
	}
	s.put(item("d", "*", "=d", "1", 1))
	var got []string
	for deadline := time.Now().Add(5 * time.Second); len(got) < 3 && time.Now().Before(deadline); {
		got = s.all(driver.Range{Index: driver.ParkedIndex, Partition: "*", Limit: 10})
	}
	if !slices.Equal(got, []string{"@parked/a", "@parked/b", "@parked/c"}) {
		t.Fatalf("got %q", got)
	}
}

func testDelete(t *testing.T, s *suite) {
	s.put(item("a", "g", "=n", "1", 2))
	del := driver.Write{Item: driver.Item{Key: "a"}, Expect: 1, Delete: true}
	s.code(s.table.Put(t.Context(), del), events.CodeConflict)
	del.Expect = 2
	s.code(s.table.Put(t.Context(), del), "")
	if got := s.get("a"); got != nil {
		t.Fatalf("deleted, but there is %+v", got)
	}
	s.code(s.table.Put(t.Context(), del), events.CodeConflict)
	s.put(item("a", "g", "=n", "1", 1))
}

// testAnyKey: controls and noncharacters in keys, partitions and sort keys, which
// projection.ItemKey and indexes leave as they are, and the numbers at each end.
func testAnyKey(t *testing.T, s *suite) {
	texts := []string{"\x00", "\x00\x00", "\n", "\x1b[2J", "\x7f", "\u0085", "\u2028", "\ufffe", "\U0010ffff", "\"\\", strings.Repeat("é", 499)}
	for i, text := range texts {
		it := item(text, "="+text, "="+text, strconv.Itoa(i), 1)
		it.Row = jsontext.Value(`{"group":"g"}`)
		s.put(it)
		s.same(s.get(text), it)
		s.holds(driver.Range{Index: "by-name", Partition: "=" + text, Prefix: "=" + text}, text)
	}
	numbers := []string{"-9.9999999999999999999999999999999999999e125", "-1e-130", "0", "1e-130", "9.9999999999999999999999999999999999999e125"}
	for i, number := range numbers {
		s.put(item(fmt.Sprint("n", i), "numbers", "=", number, 1))
	}
	s.holds(driver.Range{Index: "by-price", Partition: "numbers"}, "n0", "n1", "n2", "n3", "n4")
}

// testTenants: rows of equal keys, partitions of equal values, and parked streams of
// tenants, with names as long as they can be.
func testTenants(t *testing.T, s *suite) {
	longest := strings.Repeat("t", events.MaxTenantLength)
	tenants := []string{"acme", "acme.2", longest}
	for i, tenant := range tenants {
		stream := string(events.Stream("thing/7").In(tenant))
		it := item("@tenant/"+tenant+"/7", events.Scoped(tenant, "31/=g"), "=n", strconv.Itoa(i), 1)
		s.put(it)
		s.put(driver.Item{Key: "@parked/" + stream, Version: 1, Memo: jsontext.Value(`{}`), Index: map[string]driver.IndexKey{
			driver.ParkedIndex: {Partition: "*", Sort: text("=" + stream)},
		}})
	}
	s.put(item("7", "31/=g", "=n", "9", 1))
	s.holds(driver.Range{Index: "by-name", Partition: "31/=g"}, "7")
	for _, tenant := range tenants {
		s.same(s.get("@tenant/"+tenant+"/7"), item("@tenant/"+tenant+"/7", tenant+":31/=g", "=n", strconv.Itoa(slices.Index(tenants, tenant)), 1))
		s.holds(driver.Range{Index: "by-name", Partition: tenant + ":31/=g"}, "@tenant/"+tenant+"/7")
		s.holds(driver.Range{Index: driver.ParkedIndex, Partition: "*", Prefix: "=" + tenant + ":"}, "@parked/"+tenant+":thing/7")
	}
	// A tenant's parked streams are read from in front of them.
	before := driver.Place{Sort: text("=acme:"), Key: "@parked/acme:"}
	s.eventually(driver.Range{Index: driver.ParkedIndex, Partition: "*", After: &before, Limit: 1}, []string{"@parked/acme:thing/7", "@parked/" + longest + ":thing/7"})
}

func testTooLarge(t *testing.T, s *suite) {
	big := driver.Item{Key: "big", Version: 1, Row: randomRow(600_000)}
	s.code(s.table.Put(t.Context(), driver.Write{Item: big}), events.CodeTooLarge)
	s.code(s.table.Transact(t.Context(), []driver.Write{{Item: item("a", "g", "=n", "1", 1)}, {Item: big}}), events.CodeTooLarge)
	if s.get("big") != nil || s.get("a") != nil {
		t.Fatal("a write that is too large wrote")
	}
}

// randomRow is a row that hardly compresses.
func randomRow(size int) jsontext.Value {
	b := []byte(`{"t":"`)
	x := uint64(1)
	for len(b) < size {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b = append(b, ' '+byte(x%90))
		if b[len(b)-1] == '"' || b[len(b)-1] == '\\' {
			b[len(b)-1] = '_'
		}
	}
	return append(b, `"}`...)
}

func testTransact(t *testing.T, s *suite) {
	s.put(item("a", "g", "=a", "1", 1), item("b", "g", "=b", "1", 1))
	ws := []driver.Write{
		{Item: item("a", "g", "=a2", "1", 2), Expect: 1},
		{Item: item("c", "g", "=c", "1", 1)},
		{Item: driver.Item{Key: "b"}, Expect: 9, Delete: true},
	}
	s.code(s.table.Transact(t.Context(), ws), events.CodeConflict)
	if s.get("c") != nil || s.get("a").Version != 1 || s.get("b") == nil {
		t.Fatal("a failed transaction wrote")
	}
	ws[2].Expect = 1
	s.code(s.table.Transact(t.Context(), ws), "")
	s.same(s.get("a"), item("a", "g", "=a2", "1", 2))
	s.same(s.get("c"), item("c", "g", "=c", "1", 1))
	if s.get("b") != nil {
		t.Fatal("the transaction did not delete")
	}
	// The same once more: every condition fails now.
	s.code(s.table.Transact(t.Context(), ws), events.CodeConflict)
	s.code(s.table.Transact(t.Context(), []driver.Write{{Item: item("d", "g", "=d", "1", 1)}}), "")
	s.same(s.get("d"), item("d", "g", "=d", "1", 1))
}

func testTransact100(t *testing.T, s *suite) {
	ws, keys := []driver.Write{}, []string{}
	for i := range 100 {
		keys = append(keys, fmt.Sprintf("k%02d", i))
		ws = append(ws, driver.Write{Item: item(keys[i], "g", fmt.Sprintf("=%02d", i), "1", 1)})
	}
	s.code(s.table.Transact(t.Context(), ws), "")
	s.holds(driver.Range{Index: "by-name", Partition: "g"}, keys...)
}

func testRace(t *testing.T, s *suite) {
	s.put(item("a", "g", "=n", "1", 1))
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() {
			w := driver.Write{Item: item("a", "g", fmt.Sprintf("=%d", i), "1", 2), Expect: 1}
			if i%2 == 0 {
				errs[i] = s.table.Put(t.Context(), w)
			} else {
				errs[i] = s.table.Transact(t.Context(), []driver.Write{w})
			}
		})
	}
	wg.Wait()
	won := -1
	for i, err := range errs {
		switch {
		case err == nil && won >= 0:
			t.Fatalf("writers %d and %d both wrote version 2", won, i)
		case err == nil:
			won = i
		case !events.Transient(err):
			t.Fatalf("writer %d: %v", i, err)
		}
	}
	if won < 0 {
		t.Fatal("no writer won")
	}
	s.same(s.get("a"), item("a", "g", fmt.Sprintf("=%d", won), "1", 2))
}

func testApart(t *testing.T, s *suite) {
	s.put(item("a", "g", "=n", "1", 1))
	other := s.tables.Table("suite-others", 2)
	got, err := other.Get(t.Context(), []string{"a"})
	if err != nil || got[0] != nil {
		t.Fatalf("another view has %+v, %v", got, err)
	}
	if items, end, err := other.Range(t.Context(), driver.Range{Index: "by-name", Partition: "g", Limit: 5}); err != nil || len(items) > 0 || !end {
		t.Fatalf("another view's index has %+v, end %v, %v", items, end, err)
	}
}

func testStringOrder(t *testing.T, s *suite) {
	// UTF-8 bytes: capitals before small letters, and U+FFxx before U+1xxxx,
	// which UTF-16 has the other way round.
	names := []string{"=", "= ", "=A", "=Z", "=a", "=a\x00", "=a\x00b", "=aa", "=é", "=\uffee", "=\U0001f600"}
	keys := []string{}
	for i, name := range names {
		keys = append(keys, fmt.Sprintf("k%02d", (i*7)%len(names)))
		s.put(item(keys[i], "g", name, "1", 1))
	}
	s.put(item("elsewhere", "h", "=a", "1", 1))
	s.holds(driver.Range{Index: "by-name", Partition: "g"}, keys...)
	s.holds(driver.Range{Index: "by-name", Partition: "h"}, "elsewhere")
	s.holds(driver.Range{Index: "by-name", Partition: "nowhere"})
}

func testNumberOrder(t *testing.T, s *suite) {
	numbers := []string{
		"-9.9e125", "-9223372036854775808", "-9223372036854775807", "-10", "-9", "-1.5", "-0.1", "-1e-130",
		"0", "1e-130", "0.1", "0.11", "1", "2", "9", "10", "100", "9007199254740992", "9007199254740993",
		"9223372036854775806", "9223372036854775807", "18446744073709551615",
		"12345678901234567890123456789012345678", "9.9e125",
	}
	keys := []string{}
	for i, n := range numbers {
		keys = append(keys, fmt.Sprintf("k%02d", (i*7)%len(numbers)))
		s.put(item(keys[i], "g", "=n", n, 1))
	}
	for i, key := range keys {
		if got := s.get(key).Index["by-price"].Sort; got.Kind != driver.SortNumber || got.Compare(number(numbers[i])) != 0 {
			t.Errorf("number %s came back as %+v", numbers[i], got)
		}
	}
	s.holds(driver.Range{Index: "by-price", Partition: "g"}, keys...)
	for i := range numbers {
		b := &driver.Bound{Sort: number(numbers[i])}
		s.holds(driver.Range{Index: "by-price", Partition: "g", Low: b, High: b}, keys[i])
	}
}

func testBounds(t *testing.T, s *suite) {
	names := []string{"=a", "=b", "=c", "=d", "=e"}
	for i, name := range names {
		s.put(item(name[1:], "g", name, fmt.Sprint(i*5), 1))
	}
	bound := func(kind driver.SortKind, at int, open bool) *driver.Bound {
		if at < 0 {
			return nil
		}
		if kind == driver.SortNumber {
			return &driver.Bound{Sort: number(fmt.Sprint(at * 5)), Open: open}
		}
		return &driver.Bound{Sort: text(names[at]), Open: open}
	}
	all := []string{"a", "b", "c", "d", "e"}
	for _, r := range []struct {
		low, high         int
		lowOpen, highOpen bool
		want              []string
	}{
		{low: 1, high: 3, want: all[1:4]},
		{low: 1, high: 3, lowOpen: true, want: all[2:4]},
		{low: 1, high: 3, highOpen: true, want: all[1:3]},
		{low: 1, high: 3, lowOpen: true, highOpen: true, want: all[2:3]},
		{low: 1, high: 2, lowOpen: true, highOpen: true},
		{low: 2, high: 2, want: all[2:3]},
		{low: 3, high: -1, want: all[3:]},
		{low: 3, high: -1, lowOpen: true, want: all[4:]},
		{low: -1, high: 1, want: all[:2]},
		{low: -1, high: 1, highOpen: true, want: all[:1]},
	} {
		for index, kind := range map[string]driver.SortKind{"by-name": driver.SortString, "by-price": driver.SortNumber} {
			s.holds(driver.Range{
				Index: index, Partition: "g", Low: bound(kind, r.low, r.lowOpen), High: bound(kind, r.high, r.highOpen),
			}, r.want...)
		}
	}
}

func testPrefix(t *testing.T, s *suite) {
	for _, name := range []string{"=an", "=ann", "=anna", "=Ann", "=ao", "=é", "=éa", "=e"} {
		s.put(item(name[1:], "g", name, "1", 1))
	}
	s.holds(driver.Range{Index: "by-name", Partition: "g", Prefix: "=an"}, "an", "ann", "anna")
	s.holds(driver.Range{Index: "by-name", Partition: "g", Prefix: "=ann"}, "ann", "anna")
	s.holds(driver.Range{Index: "by-name", Partition: "g", Prefix: "=é"}, "é", "éa")
	s.holds(driver.Range{Index: "by-name", Partition: "g", Prefix: "=x"})
}

func testPages(t *testing.T, s *suite) {
	for i := range 9 {
		s.put(item(fmt.Sprintf("k%d", i), "g", fmt.Sprintf("=%d", i), fmt.Sprint(i), 1))
	}
	s.holds(driver.Range{Index: "by-price", Partition: "g"}, "k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7", "k8")
	after := &driver.Place{Sort: text("=4"), Key: "k4"}
	s.eventually(driver.Range{Index: "by-name", Partition: "g", Limit: 3, After: after}, []string{"k5", "k6", "k7", "k8"})
	s.eventually(driver.Range{Index: "by-name", Partition: "g", Limit: 3, After: after, Desc: true}, []string{"k3", "k2", "k1", "k0"})
	low, high := &driver.Bound{Sort: text("=2")}, &driver.Bound{Sort: text("=6"), Open: true}
	s.eventually(driver.Range{Index: "by-name", Partition: "g", Limit: 1, After: after, Low: low, High: high}, []string{"k5"})
	s.eventually(driver.Range{Index: "by-name", Partition: "g", Limit: 1, After: after, Low: low, High: high, Desc: true}, []string{"k3", "k2"})
	after = &driver.Place{Sort: text("=8"), Key: "k8"}
	s.eventually(driver.Range{Index: "by-name", Partition: "g", Limit: 3, After: after}, []string{})
}

func testAfterDeleted(t *testing.T, s *suite) {
	for i := range 4 {
		s.put(item(fmt.Sprintf("k%d", i), "g", fmt.Sprintf("=%d", i), fmt.Sprint(i), 1))
	}
	s.code(s.table.Put(t.Context(), driver.Write{Item: driver.Item{Key: "k1"}, Expect: 1, Delete: true}), "")
	s.holds(driver.Range{Index: "by-price", Partition: "g"}, "k0", "k2", "k3")
	after := &driver.Place{Sort: number("1"), Key: "k1"}
	s.eventually(driver.Range{Index: "by-price", Partition: "g", Limit: 1, After: after}, []string{"k2", "k3"})
	s.eventually(driver.Range{Index: "by-price", Partition: "g", Limit: 1, After: after, Desc: true}, []string{"k0"})
}

// testTies: equal sort keys stand in some order that stays, and paging through
// them misses and repeats none.
func testTies(t *testing.T, s *suite) {
	want := []string{}
	for i := range 7 {
		want = append(want, fmt.Sprintf("k%d", i))
		s.put(item(want[i], "g", "=same", "5", 1))
	}
	for _, index := range []string{"by-name", "by-price"} {
		for _, desc := range []bool{false, true} {
			r := driver.Range{Index: index, Partition: "g", Limit: 2, Desc: desc}
			var got []string
			for range 100 {
				if got = slices.Sorted(slices.Values(s.all(r))); slices.Equal(got, want) {
					break
				}
				time.Sleep(50 * time.Millisecond) // an index may be behind
			}
			if !slices.Equal(got, want) {
				t.Fatalf("pages of equal sort keys hold %q", got)
			}
			first := s.all(r)
			r.Limit = 3
			if second := s.all(r); !slices.Equal(first, second) {
				t.Fatalf("equal sort keys stand as %q, then as %q", first, second)
			}
		}
	}
}

func testIndexFollows(t *testing.T, s *suite) {
	s.put(item("a", "g", "=n", "1", 1))
	s.holds(driver.Range{Index: "by-name", Partition: "g"}, "a")
	write := func(it driver.Item) {
		t.Helper()
		s.code(s.table.Put(t.Context(), driver.Write{Item: it, Expect: it.Version - 1}), "")
	}
	write(item("a", "h", "=n", "1", 2)) // another partition
	s.holds(driver.Range{Index: "by-name", Partition: "g"})
	s.holds(driver.Range{Index: "by-price", Partition: "h"}, "a")
	items, _, err := s.table.Range(t.Context(), driver.Range{Index: "by-name", Partition: "h", Limit: 1})
	if err != nil || len(items) != 1 {
		t.Fatalf("got %d items, %v", len(items), err)
	}
	s.same(&items[0], item("a", "h", "=n", "1", 2)) // an index holds whole items
	sparse := item("a", "h", "=n", "1", 3)
	delete(sparse.Index, "by-price")
	write(sparse)
	s.holds(driver.Range{Index: "by-price", Partition: "h"})
	s.holds(driver.Range{Index: "by-name", Partition: "h"}, "a")
	write(driver.Item{Key: "a", Version: 4, Memo: jsontext.Value(`{}`)}) // hidden
	s.holds(driver.Range{Index: "by-name", Partition: "h"})
}

func testRangeKey(t *testing.T, s *suite) {
	s.put(item("a", "g", "=n", "1", 1))
	items, end, err := s.table.Range(t.Context(), driver.Range{Partition: "a", Limit: 1})
	if err != nil || len(items) != 1 || !end {
		t.Fatalf("got %d items, end %v, %v", len(items), end, err)
	}
	s.same(&items[0], item("a", "g", "=n", "1", 1))
	if items, end, err = s.table.Range(t.Context(), driver.Range{Partition: "b", Limit: 1}); err != nil || len(items) != 0 || !end {
		t.Fatalf("got %d items, end %v, %v", len(items), end, err)
	}
}

func testCanceled(t *testing.T, s *suite) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.table.Get(ctx, []string{"a"})
	s.code(err, events.CodeCanceled)
	s.code(s.table.Put(ctx, driver.Write{Item: item("a", "g", "=n", "1", 1)}), events.CodeCanceled)
	s.code(s.table.Transact(ctx, []driver.Write{{Item: item("a", "g", "=n", "1", 1)}}), events.CodeCanceled)
	_, _, err = s.table.Range(ctx, driver.Range{Index: "by-name", Partition: "g", Limit: 1})
	s.code(err, events.CodeCanceled)
}
