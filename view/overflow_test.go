package view_test

import (
	"encoding/json/v2"
	"math"
	"slices"
	"strings"
	"testing"

	"daybook/events"
	"daybook/follow"
	"daybook/view"
	"daybook/view/admin"
	"daybook/view/driver"
)

func overflowing() []view.View {
	keys := func(m productMemo) []string { return []string{m.Category} }
	return []view.View{newKeyed("categories", keys), newUnindexed("spread", keys).Spread(2, addUp)}
}

// TestOverflowsPark the stream whose part does not fit any more, with the reason;
// the row stays right, and a check says that the stream is parked.
func TestOverflowsPark(t *testing.T) {
	t.Parallel()
	views := overflowing()
	b := newBench(t, views...)
	r := b.p.Project(t.Context(), slices.Concat(
		b.append("product/1", added("books", math.MaxInt64-10)), b.append("product/2", added("books", 10)), b.append("product/3", added("toys", 1))))
	b.clean(r)
	r = b.p.Project(t.Context(), b.append("product/4", added("books", 1)))
	if len(r.Faults) == 0 || r.Faults[0].Consumer != "categories" || r.Faults[0].Stream != "product/4" ||
		r.Faults[0].Text != "internal: a sum is beyond what its type holds: field Units" {
		t.Fatalf("got %+v", r.Faults)
	}
	qs := b.queries(views...)
	row, err := qs.Get(t.Context(), "", "categories", "books", nil)
	if err != nil || string(row.JSON) != `{"id":"books","products":2,"units":9223372036854775807}` {
		t.Errorf("%s, %v", row.JSON, err)
	}
	if row, err = qs.Get(t.Context(), "", "categories", "books", token("product/4", 1)); err != nil || !row.Parked {
		t.Errorf("after the parked commit: %+v, %v", row, err)
	}
	v, err := admin.NewVerifier(b.store, b.codec, b.tables, views[:1], nil)
	if err != nil {
		t.Fatal(err)
	}
	report, err := v.Verify(t.Context())
	if err != nil || report.Views[0].Found() != 1 || report.Views[0].Counts[admin.FoundParked] != 1 || !strings.Contains(report.Views[0].Findings[0].Text, "field Units") {
		t.Errorf("%+v, %v", report, err)
	}
}

// TestVerifyFindsWrappedSums that were stored before they were looked for.
func TestVerifyFindsWrappedSums(t *testing.T) {
	t.Parallel()
	views := overflowing()[:1]
	b := newBench(t, views...)
	b.clean(b.p.Project(t.Context(), slices.Concat(b.append("product/1", added("books", math.MaxInt64)), b.append("product/2", added("toys", 1)))))
	// The part of product/2 in books that an earlier program would have made.
	b.more("product/2", added("books", 1))
	checkpoint, books, toys := b.item("categories", "@stream/product/2"), b.item("categories", "books"), b.item("categories", "toys")
	checkpoint.Commit, checkpoint.Version, checkpoint.Memo = 2, 2, []byte(`{"category":"books","stock":1}`)
	books.Row, books.Memo = []byte(`{"products":2,"units":-9223372036854775808}`), []byte(`{"streams":2}`)
	toys.Row, toys.Memo, toys.Index = nil, []byte(`{"streams":0}`), nil
	index := books.Index["all"]
	index.Sort.Text = "2"
	books.Index = map[string]driver.IndexKey{"all": index}
	for _, item := range []driver.Item{checkpoint, books, toys} {
		b.set("categories", item)
	}
	v, err := admin.NewVerifier(b.store, b.codec, b.tables, views, nil)
	if err != nil {
		t.Fatal(err)
	}
	report, err := v.Verify(t.Context())
	if err != nil || report.Views[0].Found() != 1 {
		t.Fatalf("%+v, %v", report, err)
	}
	if f := report.Views[0].Findings[0]; f.Kind != admin.FoundDifferent || f.Row != "books" || !strings.Contains(f.Text, "a sum is beyond what its type holds: field Units") {
		t.Errorf("%+v", f)
	}
}

// TestOverflowOfMergedParts: each part fits and the row does not; a wrong number
// is not answered.
func TestOverflowOfMergedParts(t *testing.T) {
	t.Parallel()
	views := overflowing()[1:]
	b := newBench(t, views...)
	var ds []follow.Delivery
	for _, id := range []string{"a", "b", "c", "d", "e", "f"} { // in both parts
		ds = append(ds, b.append(events.StreamOf("product", id), added("books", math.MaxInt64/6+1))...)
	}
	b.clean(b.p.Project(t.Context(), ds))
	row, err := b.queries(views...).Get(t.Context(), "", "spread", "books", nil)
	if events.CodeOf(err) != events.CodeInternal || !strings.Contains(events.FaultText(err), "field Units") {
		t.Errorf("%s, %v", row.JSON, err)
	}
}

// TestOverflowOfARow and of what a keyed view remembers.
func TestOverflowOfARow(t *testing.T) {
	t.Parallel()
	type stocked struct {
		Stock int64 `json:"stock"`
	}
	add := func(s stocked, e productAdded, _ view.Meta) stocked { s.Stock += e.Stock; return s }
	rows := view.New[stocked]("stocks", "product").On(add)
	keyed := view.NewKeyed[stocked, stocked]("total", "product").On(add).
		Keys(func(stocked) []string { return []string{"all"} }).
		Put(func(r stocked, _ string, m stocked) stocked { r.Stock = events.Add(r.Stock, m.Stock); return r }).
		Take(func(r stocked, _ string, m stocked) stocked { r.Stock = events.Subtract(r.Stock, m.Stock); return r })
	b := newBench(t, rows, keyed)
	r := b.p.Project(t.Context(), slices.Concat(b.append("product/1", added("", math.MaxInt64-1), added("", 1), added("", 1)), b.append("product/2", added("", math.MinInt64))))
	for _, f := range r.Faults {
		if f.Stream != "product/1" || f.Commit != 3 || !strings.Contains(f.Text, "field Stock") {
			t.Errorf("got %+v", f)
		}
	}
	if len(r.Faults) != 2 || r.Retry != nil {
		t.Errorf("got %+v", r)
	}
	// A stream with a part that does not fit, by checked arithmetic.
	r = b.p.Project(t.Context(), b.append("product/3", added("", math.MinInt64)))
	if len(r.Faults) != 1 || r.Faults[0].Consumer != "total" || !strings.Contains(r.Faults[0].Text, "Put panicked with integer overflow in an addition") {
		t.Errorf("got %+v", r.Faults)
	}
	var row stocked
	if err := json.Unmarshal([]byte(b.row("total", "all")), &row); err != nil || row.Stock != -1 {
		t.Errorf("%s, %v", b.row("total", "all"), err)
	}
}
