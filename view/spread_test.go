package view_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"daybook/events"
	"daybook/follow"
	"daybook/view"
	"daybook/view/admin"
	"daybook/view/viewtest"
)

// rosterRow is a list per key: the stocks of a category's products, greatest
// first, equal ones as often as they are there.
type rosterRow struct {
	Stocks []int64 `json:"stocks"`
}

func newRoster() *view.KeyedView[rosterRow, productMemo] {
	find := func(r rosterRow, stock int64) (int, bool) {
		return slices.BinarySearchFunc(r.Stocks, stock, func(a, b int64) int { return int(b - a) })
	}
	return view.NewKeyed[rosterRow, productMemo]("roster", "product").
		On(func(m productMemo, e productAdded, _ view.Meta) productMemo {
			return productMemo{Category: e.Category, Stock: e.Stock}
		}).
		On(func(productMemo, productRetired, view.Meta) productMemo { return productMemo{} }).
		Keys(func(m productMemo) []string {
			if m.Category == "" {
				return nil
			}
			return []string{m.Category}
		}).
		Put(func(r rosterRow, _ string, m productMemo) rosterRow {
			at, _ := find(r, m.Stock)
			r.Stocks = slices.Insert(r.Stocks, at, m.Stock)
			return r
		}).
		Take(func(r rosterRow, _ string, m productMemo) rosterRow {
			at, _ := find(r, m.Stock)
			r.Stocks = slices.Delete(r.Stocks, at, at+1)
			return r
		})
}

func TestListPerKey(t *testing.T) {
	t.Parallel()
	b := newBench(t, newRoster())
	b.clean(b.p.Project(t.Context(), slices.Concat(
		b.append("product/1", added("books", 3)), b.append("product/2", added("books", 9)),
		b.append("product/3", added("books", 3)), b.append("product/4", added("books", 5), retired()))))
	b.want("roster", "books", `{"stocks":[9,3,3]}`)
	b.clean(b.p.Project(t.Context(), b.more("product/2", retired())))
	b.want("roster", "books", `{"stocks":[3,3]}`)
}

// TestTopOfKeyedRows: the greatest rows come from an index, however many there
// are.
func TestTopOfKeyedRows(t *testing.T) {
	t.Parallel()
	a := ask(t, nil, newCategories())
	var ds []follow.Delivery
	for i := range 300 {
		ds = append(ds, a.append(events.StreamOf("product", fmt.Sprint(i)), added(fmt.Sprintf("c%02d", i%(1+i%40)), 1))...)
	}
	a.clean(a.p.Project(t.Context(), ds))
	page, err := a.qs.List(t.Context(), "", "categories", params("sort=-products limit=3"))
	if err != nil {
		t.Fatal(err)
	}
	products := map[string]int{}
	for _, d := range ds {
		_, rest, _ := strings.Cut(string(d.Commit.Events[0].Data), `"category":"`)
		products[rest[:3]]++
	}
	best := slices.SortedFunc(func(yield func(string) bool) {
		for key := range products {
			if !yield(key) {
				return
			}
		}
	}, func(x, y string) int {
		if c := products[y] - products[x]; c != 0 {
			return c
		}
		return strings.Compare(y, x)
	})
	if got := ids(t, page); got != strings.Join(best[:3], " ") {
		t.Errorf("got %s, want %v of %v", got, best[:3], products)
	}
}

func TestSpreadDeclarations(t *testing.T) {
	t.Parallel()
	keys := func(m productMemo) []string { return []string{m.Category} }
	for want, v := range map[string]view.View{
		"1 parts":                   newUnindexed("x", keys).Spread(1, addUp),
		"33 parts":                  newUnindexed("x", keys).Spread(33, addUp),
		"merges":                    newUnindexed("x", keys).Spread(2, nil),
		"declared twice":            newUnindexed("x", keys).Spread(2, addUp).Spread(3, addUp),
		"so no index can hold them": newKeyed("x", keys).Spread(2, addUp),
	} {
		if v.Err() == nil || !strings.Contains(v.Err().Error(), want) {
			t.Errorf("%q: got %v", want, v.Err())
		}
	}
	if err := newSpread().Err(); err != nil {
		t.Error(err)
	}
}

// TestSpreadRowsLookWhole: rows in parts answer what rows in one piece do, with
// and without tokens, by key and in lists, wherever the projection is.
func TestSpreadRowsLookWhole(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		a := ask(t, nil, newShelves(), newSpread())
		var ds []follow.Delivery
		var tokens []events.Token
		for i := range rapid.IntRange(1, 12).Draw(rt, "streams") {
			stream := events.StreamOf("product", fmt.Sprint(i))
			list := a.append(stream, randomEvents(rt, "product")...)
			ds = append(ds, list...)
			tokens = append(tokens, events.Token{Stream: stream, Version: int64(rapid.IntRange(1, len(list)).Draw(rt, "token"))})
		}
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
		random.Shuffle(len(ds), func(i, j int) { ds[i], ds[j] = ds[j], ds[i] })
		a.clean(a.p.Project(t.Context(), ds[:random.IntN(len(ds)+1)]))
		random.Shuffle(len(tokens), func(i, j int) { tokens[i], tokens[j] = tokens[j], tokens[i] })
		keys := []string{"all", "a", "b", "c", "stock-0", "stock-1", "nothing"}
		for _, key := range keys {
			for _, after := range [][]events.Token{nil, tokens[:1], tokens} {
				want, wantErr := a.qs.Get(t.Context(), "", "shelves", key, after)
				got, err := a.qs.Get(t.Context(), "", "spread", key, after)
				if string(got.JSON) != string(want.JSON) || events.CodeOf(err) != events.CodeOf(wantErr) || (got.Version == 0) != (want.Version == 0) {
					rt.Fatalf("%s after %v: %s, %v; want %s, %v", key, after, got.JSON, err, want.JSON, wantErr)
				}
			}
		}
		query := "id.in=" + strings.Join(keys, ",") + " products.gt=0"
		want, wantErr := a.qs.List(t.Context(), "", "shelves", params(query))
		got, err := a.qs.List(t.Context(), "", "spread", params(query))
		if err != nil || wantErr != nil || fmt.Sprintf("%s", got.Items) != fmt.Sprintf("%s", want.Items) {
			rt.Fatalf("%s: %s, %v; want %s, %v", query, got.Items, err, want.Items, wantErr)
		}
	})
}

// TestReadYourWritesOfKeyedRows: while projectors work, a reader with tokens
// sees at least what they name, in rows whole and in parts.
func TestReadYourWritesOfKeyedRows(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"whole", "spread"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keys := func(productMemo) []string { return []string{"hot"} }
			v := newUnindexed(name, keys)
			if name == "spread" {
				v = v.Spread(8, addUp)
			}
			a := ask(t, nil, v)
			const n = 90
			ds := make(chan follow.Delivery, n)
			var wg sync.WaitGroup
			for range 3 {
				wg.Go(func() {
					for d := range ds {
						a.p.Project(context.Background(), []follow.Delivery{d})
					}
				})
			}
			var tokens []events.Token
			for i := range n {
				stream := events.StreamOf("product", fmt.Sprint(i))
				d := a.append(stream, added("books", 2))[0]
				tokens = append(tokens, events.Token{Stream: stream, Version: 1})
				if i%3 > 0 {
					ds <- d // every third is never delivered
				}
				row, err := a.qs.Get(t.Context(), "", name, "hot", tokens)
				if events.CodeOf(err) == events.CodeBusy {
					continue
				}
				if want := fmt.Sprintf(`{"id":"hot","products":%d,"units":%d}`, i+1, 2*i+2); err != nil || string(row.JSON) != want {
					t.Errorf("got %s, %v, want %s", row.JSON, err, want)
				}
			}
			close(ds)
			wg.Wait()
		})
	}
}

// TestSpreadSharesTheWrites: streams of one row write different items.
func TestSpreadSharesTheWrites(t *testing.T) {
	t.Parallel()
	b := newBench(t, newUnindexed("spread", func(productMemo) []string { return []string{"hot"} }).Spread(4, addUp))
	for i := range 200 {
		b.clean(b.p.Project(t.Context(), b.append(events.StreamOf("product", fmt.Sprint(i)), added("books", 1))))
	}
	var writes []int64
	for _, item := range b.tables.Items("spread", 1) {
		if strings.HasPrefix(item.Key, "@row/") {
			writes = append(writes, item.Version)
		}
	}
	if len(writes) != 4 || slices.Min(writes) < 25 || slices.Max(writes) > 75 {
		t.Errorf("the parts were written %v times", writes)
	}
	if _, err := b.queries(newUnindexed("spread", func(productMemo) []string { return nil }).Spread(4, func(a, _ categoryRow) categoryRow {
		panic("merge")
	})).Get(t.Context(), "", "spread", "hot", nil); events.CodeOf(err) != events.CodeInternal {
		t.Errorf("a merge that panics: %v", err)
	}
}

// TestSpreadRowHasATag: it changes with every part.
func TestSpreadRowHasATag(t *testing.T) {
	t.Parallel()
	b := newBench(t, newSpread())
	qs, seen := b.queries(newSpread()), map[int64]bool{}
	for i := range 20 {
		b.clean(b.p.Project(t.Context(), b.append(events.StreamOf("product", fmt.Sprint(i)), added("books", 1))))
		if row, err := qs.Get(t.Context(), "", "spread", "books", nil); i != 1 && (err != nil || row.Version <= 0 || seen[row.Version]) {
			t.Errorf("version %d, %v", row.Version, err)
		} else {
			seen[row.Version] = true
		}
	}
	if keys := viewtest.Given(t, b.codec, newSpread(), viewtest.Commits(t, b.codec, "product/1", added("books", 1))...).Keys(); fmt.Sprint(keys) != "[all books stock-1]" {
		t.Errorf("got %v", keys)
	}
}

// TestVerifySpreadRows: every part is checked.
func TestVerifySpreadRows(t *testing.T) {
	t.Parallel()
	b := newBench(t, newSpread())
	var ds []follow.Delivery
	for i := range 60 {
		ds = append(ds, b.append(events.StreamOf("product", fmt.Sprint(i)), added(fmt.Sprint("c", i%3), 2), moved(fmt.Sprint("d", i%2)))...)
	}
	b.clean(b.p.Project(t.Context(), ds))
	v, err := admin.NewVerifier(b.store, b.codec, b.tables, []view.View{newSpread()}, &admin.VerifyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	report, err := v.Verify(t.Context())
	if got := brief(report); err != nil || len(got) > 0 {
		t.Fatalf("got %q, %v", got, err)
	}
	wrong := b.item("spread", "@row/1/d0")
	wrong.Row = []byte(strings.Replace(string(wrong.Row), `"products":`, `"products":1`, 1))
	b.set("spread", wrong)
	b.remove("spread", "@row/2/all")
	report, err = v.Verify(t.Context())
	if got := fmt.Sprint(brief(report)); err != nil || len(brief(report)) != 2 || !strings.Contains(got, "different row 1/d0") || !strings.Contains(got, "missing row 2/all") {
		t.Errorf("got %s, %v", got, err)
	}
}
