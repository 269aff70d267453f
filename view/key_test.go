package view_test

import (
	"encoding/json/v2"
	"slices"
	"strings"
	"testing"

	"daybook/events"
	"daybook/follow"
	"daybook/view"
	"daybook/view/admin"
	"daybook/view/query"
)

// awkward are row keys that a path, a terminal or DynamoDB does not take as they
// are.
var awkward = []string{
	"", "cat\nx", "\x00", "\x1b[2J", "\u0085", "\ufffe", "a/b//", "@stream/product/1", "@long/x",
	strings.Repeat("k", 1024), strings.Repeat("k", 1025), strings.Repeat("é", 1100), strings.Repeat("é", 1100) + "e", strings.Repeat("😀", 3000),
}

// TestAnyTextIsARowKey: a stream is not parked for its key, the row is found by
// it and shows it, and a check agrees, in rows whole and in parts.
func TestAnyTextIsARowKey(t *testing.T) {
	t.Parallel()
	keys := func(m productMemo) []string { return []string{m.Category} }
	views := []view.View{newKeyed("categories", keys), newUnindexed("spread", keys).Spread(2, addUp)}
	b := newBench(t, views...)
	qs := b.queries(views...)
	var all []follow.Delivery
	for i, key := range awkward {
		for _, n := range []string{"a", "b"} { // two streams per row, in different parts
			all = append(all, b.append(events.StreamOf("product", n+string(rune('A'+i))), added("other", 1), added(key, int64(i)))...)
		}
	}
	b.clean(b.p.Project(t.Context(), all))
	for i, key := range awkward {
		for _, name := range []string{"categories", "spread"} {
			row, err := qs.Get(t.Context(), "", name, key, nil)
			var got struct {
				ID              string
				Products, Units int
			}
			if err == nil {
				err = json.Unmarshal(row.JSON, &got, json.MatchCaseInsensitiveNames(true))
			}
			if err != nil || row.Key != key || got.ID != key || got.Products != 2 || got.Units != 2*i {
				t.Errorf("%s %.40q: %.80s, %v", name, key, row.JSON, err)
			}
			page, err := qs.List(t.Context(), "", name, map[string][]string{"id": {key}})
			if err != nil || len(page.Items) != 1 || string(page.Items[0]) != string(row.JSON) {
				t.Errorf("%s id=%.40q: %.80q, %v", name, key, page.Items, err)
			}
		}
	}
	if got := allIDs(t, qs, "categories", 3); !slices.Equal(got, slices.Sorted(slices.Values(awkward))) {
		t.Errorf("listed %.40q", got)
	}
	v, err := admin.NewVerifier(b.store, b.codec, b.tables, views, nil)
	if err != nil {
		t.Fatal(err)
	}
	if report, err := v.Verify(t.Context()); err != nil || !report.Clean() {
		t.Errorf("%+v, %v", report, err)
	}
}

// allIDs returns the ids of all rows of a view, sorted, read in pages.
func allIDs(t *testing.T, qs *query.Queries, name string, limit int) []string {
	t.Helper()
	var all []string
	for cursor := []string(nil); ; {
		p := map[string][]string{"limit": {string(rune('0' + limit))}}
		if cursor != nil {
			p["cursor"] = cursor
		}
		page, err := qs.List(t.Context(), "", name, p)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			var row struct {
				ID string `json:"id"`
			}
			if err := json.Unmarshal(item, &row); err != nil {
				t.Fatal(err)
			}
			all = append(all, row.ID)
		}
		if page.Next == "" {
			slices.Sort(all)
			return all
		}
		cursor = []string{page.Next}
	}
}

// TestCutKeysParkWithTheReason: half a character is not a text that an answer could
// show.
func TestCutKeysParkWithTheReason(t *testing.T) {
	t.Parallel()
	b := newBench(t, newKeyed("initials", func(m productMemo) []string { return []string{m.Category[:1]} }))
	r := b.p.Project(t.Context(), b.append("product/1", added("École", 1)))
	if len(r.Faults) != 1 || !strings.Contains(r.Faults[0].Text, "cut texts between characters") {
		t.Errorf("got %+v", r.Faults)
	}
}
