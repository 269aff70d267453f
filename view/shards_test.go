package view_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"daybook/events"
	"daybook/view"
	"daybook/view/query"
	"daybook/view/viewtest"
)

// newParcels is a view whose indexes have the given number of shards.
func newParcels(name string, shards int) view.View {
	return view.New[thing](name, "thing").
		On(func(_ thing, e thing, _ view.Meta) thing { return e }).
		Index("by-group", view.By("group").Then("price").Shards(shards)).
		Index("by-flag", view.By("flag").Then("name").Shards(shards)).
		Index("all", view.All().Then("at").Shards(shards)).
		Index("all-id", view.All().Shards(shards))
}

// pages reads all pages of a query and returns each one's rows.
func pages(t *rapid.T, qs *query.Queries, name, request string, limits []int) []string {
	var all []string
	p := params(request)
	for n := 0; ; n++ {
		if n > 200 {
			t.Fatalf("%s of %s does not end", request, name)
		}
		p["limit"] = []string{fmt.Sprint(limits[n%len(limits)])}
		page, err := qs.List(context.Background(), "", name, p)
		if err != nil {
			t.Fatalf("%s of %s: %v", request, name, err)
		}
		for _, item := range page.Items {
			all = append(all, string(item))
		}
		if page.Next == "" {
			return all
		}
		p["cursor"] = []string{page.Next}
	}
}

// TestShardsAreInvisible: a view with sharded indexes answers every query as one
// without does, row by row and in the same order, however it is paged.
func TestShardsAreInvisible(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		shards := rapid.IntRange(2, 16).Draw(rt, "shards")
		a := ask(t, nil, newParcels("plain", 1), newParcels("sharded", shards))
		things := map[string]thing{}
		for i := range rapid.IntRange(0, 60).Draw(rt, "things") {
			th := randomThing(rt)
			th.Group = rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(rt, "group")
			things[fmt.Sprint(i)] = th
		}
		a.set(things)
		where := rapid.SampledFrom([]string{
			"group=a", "group.in=a,b", "group.in=d,b,a,c", "group.in=a,b price.gte=0", "group=b price.lt=10 flag=true",
			"flag=true", "flag.in=true,false", "flag.in=true,false name.prefix=a", "flag=false name.gt=a",
			"", "at.gte=2026-01-01T00:00:05Z", "group.in=nothing,a",
		}).Draw(rt, "where")
		orders := map[string][]string{"group": {"", "sort=price", "sort=-price"}, "flag": {"", "sort=name", "sort=-name"}}
		order := rapid.SampledFrom(append([]string{"sort=at", "sort=-at", "sort=id", "sort=-id"}, orders[where[:min(len(where), strings.IndexAny(where+".", ".="))]]...)).Draw(rt, "order")
		if rest, _, _ := strings.Cut(where, " "); order == "" && rest == "" {
			order = "sort=id"
		}
		limits := rapid.SliceOfN(rapid.IntRange(1, 25), 1, 4).Draw(rt, "limits")
		request := where + " " + order
		got, want := pages(rt, a.qs, "sharded", request, limits), pages(rt, a.qs, "plain", request, []int{1000})
		if !slices.Equal(got, want) {
			rt.Fatalf("%q in %d shards: got\n%s\nwant\n%s", request, shards, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

// TestShardsSpreadTheWrites: the rows of one partition stand in all shards.
func TestShardsSpreadTheWrites(t *testing.T) {
	t.Parallel()
	a := ask(t, nil, newParcels("sharded", 8))
	things := map[string]thing{}
	for i := range 800 {
		things[fmt.Sprint(i)] = thing{Group: "a"}
	}
	a.set(things)
	counts := map[string]int{}
	for _, item := range a.tables.Items("sharded", 1) {
		counts[item.Index["by-group"].Partition]++
	}
	sizes := slices.Collect(maps.Values(counts))
	if len(sizes) != 8 || slices.Min(sizes) < 60 || slices.Max(sizes) > 140 {
		t.Errorf("the shards hold %v", counts)
	}
}

// TestShardsCost: a page of a sharded partition costs one read of each shard, of
// few rows each; and one query reads 64 of them at most.
func TestShardsCost(t *testing.T) {
	t.Parallel()
	a := ask(t, nil, newParcels("sharded", 16))
	things := map[string]thing{}
	for i := range 400 {
		things[fmt.Sprint(i)] = thing{Group: string(rune('a' + i%5)), Price: int64(i)}
	}
	a.set(things)
	for request, reads := range map[string]int{
		"group=a sort=price limit=10":             16,
		"group.in=a,b,c,d sort=-price limit=1":    64,
		"group=a sort=price limit=10 id.gte=none": 16,
	} {
		before := a.tables.Calls()["Range"]
		if _, err := a.qs.List(t.Context(), "", "sharded", params(request)); err != nil {
			t.Errorf("%s: %v", request, err)
		}
		if got := a.tables.Calls()["Range"] - before; got != reads {
			t.Errorf("%s: %d reads, want %d", request, got, reads)
		}
	}
	_, err := a.qs.List(t.Context(), "", "sharded", params("group.in=a,b,c,d,e"))
	if events.CodeOf(err) != events.CodeMalformed {
		t.Errorf("80 ranges: %v", err)
	}
	a.tables.Before = func(c viewtest.Call) error {
		if c.Method == "Range" && strings.HasPrefix(c.Keys[0], "7/") {
			return events.Errorf(events.CodeThrottled, "injected")
		}
		return nil
	}
	if _, err := a.qs.List(t.Context(), "", "sharded", params("group=a")); events.CodeOf(err) != events.CodeThrottled {
		t.Errorf("one shard that fails: %v", err)
	}
}
