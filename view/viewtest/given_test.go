package viewtest_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"daybook/events"
	"daybook/internal/expect"
	"daybook/view"
	"daybook/view/driver"
	"daybook/view/viewtest"
)

type named struct {
	Name string `json:"name"`
}

func (named) EventName() string { return "thing-named" }

var names = view.New[named]("names", "thing").
	On(func(_ named, e named, _ view.Meta) named { return e }).
	Hide(func(r named) bool { return r.Name == "" }).
	Index("all", view.All().Then("name"))

func codec(t testing.TB) *events.Codec {
	c, err := events.NewCodec(events.Type{Name: "thing-named"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func ExampleGiven() {
	t := &testing.T{} // the test's own
	c, _ := events.NewCodec(events.Type{Name: "thing-named"})
	rows := viewtest.Given(t, c, names, viewtest.Commits(t, c, "thing/7",
		named{"Ann"},
		named{"Anna"})...)
	fmt.Println(rows.Row("7"))
	// Output: {"id":"7","name":"Anna","version":2}
}

func TestGiven(t *testing.T) {
	t.Parallel()
	c := codec(t)
	one := viewtest.Commits(t, c, "thing/@1", named{"Ann"}, named{"Anna"})
	two := viewtest.Commits(t, c, "thing/2", named{"Bob"})
	hidden := viewtest.Commits(t, c, "thing/3", named{})
	rows := viewtest.Given(t, c, names, one[0], two[0], hidden[0], one[1])
	if got := rows.Keys(); !slices.Equal(got, []string{"2", "@1"}) {
		t.Errorf("got keys %q", got)
	}
	if got, ok := viewtest.Decode[named](rows, "@1"); !ok || got.Name != "Anna" {
		t.Errorf("got %+v, %v", got, ok)
	}
	if got, ok := viewtest.Decode[named](rows, "3"); ok {
		t.Errorf("a hidden row is %+v", got)
	}
}

// TestMemoryIsStrict: what a database would refuse fails.
// Expectations pass and fail when they should.
func TestThenRow(t *testing.T) {
	t.Parallel()
	c := codec(t)
	given := func(t testing.TB) *viewtest.Rows {
		return viewtest.Given(t, c, names, viewtest.Commits(t, c, "thing/7", named{"Ann"}, named{"Anna"})...)
	}
	given(t).ThenRow("7", named{"Anna"}).ThenNoRow("8")
	for want, scenario := range map[string]func(*viewtest.Rows){
		"unexpected row \"7\" of names (- expected, + got):\n- name: \"Ann\"\n+ name: \"Anna\"": func(r *viewtest.Rows) { r.ThenRow("7", named{"Ann"}) },
		"expected row \"8\" of names, there is none":                                            func(r *viewtest.Rows) { r.ThenRow("8", named{}) },
		"the rows of names are of type viewtest_test.named, not string":                         func(r *viewtest.Rows) { r.ThenRow("7", "Anna") },
		"expected no row \"7\" of names, got\n{\"id\":\"7\",\"name\":\"Anna\",\"version\":2}":   func(r *viewtest.Rows) { r.ThenNoRow("7") },
	} {
		if got := strings.ReplaceAll(expect.Failure(t, func(t testing.TB) { scenario(given(t)) }), `\"`, `"`); got != want {
			t.Errorf("expected the failure\n%s\ngot\n%s", want, got)
		}
	}
}

func TestMemoryIsStrict(t *testing.T) {
	t.Parallel()
	m := viewtest.NewMemory(names)
	table := m.Table("names", 1)
	ctx := context.Background()
	many := make([]string, 101)
	for i := range many {
		many[i] = fmt.Sprint(i)
	}
	put := func(key string, version, expect int64, change func(*driver.Item)) error {
		item := driver.Item{Key: key, Version: version, Row: []byte(`{}`), Index: map[string]driver.IndexKey{
			"all": {Partition: "*", Sort: driver.Sort{Kind: driver.SortString, Text: "=x"}},
		}}
		if change != nil {
			change(&item)
		}
		return table.Put(ctx, driver.Write{Item: item, Expect: expect})
	}
	sortBy := func(kind driver.SortKind, text string) func(*driver.Item) {
		return func(item *driver.Item) {
			item.Index["all"] = driver.IndexKey{Partition: "*", Sort: driver.Sort{Kind: kind, Text: text}}
		}
	}
	bound := func(text string, open bool) *driver.Bound {
		return &driver.Bound{Sort: driver.Sort{Kind: driver.SortString, Text: text}, Open: open}
	}
	get := func(keys ...string) error { _, err := table.Get(ctx, keys); return err }
	query := func(r driver.Range) error { _, _, err := table.Range(ctx, r); return err }
	writes := make([]driver.Write, 101)
	for i := range writes {
		writes[i].Item = driver.Item{Key: many[i], Version: 1}
	}
	for name, err := range map[string]error{
		"get none":             get(),
		"get 101":              get(many...),
		"get twice":            get("a", "b", "a"),
		"transact none":        table.Transact(ctx, nil),
		"transact 101":         table.Transact(ctx, writes),
		"transact twice":       table.Transact(ctx, []driver.Write{writes[0], writes[0]}),
		"no key":               put("", 1, 0, nil),
		"long key":             put(strings.Repeat("k", 2049), 1, 0, nil),
		"version stays":        put("a", 1, 1, nil),
		"version goes back":    put("a", 1, 2, func(item *driver.Item) { item.Parked = 1 }),
		"says nothing":         put("a", 0, 0, nil),
		"no object":            put("a", 1, 0, func(item *driver.Item) { item.Row = []byte(`[]`) }),
		"no JSON":              put("a", 1, 0, func(item *driver.Item) { item.Memo = []byte(`{`) }),
		"hidden in an index":   put("a", 1, 0, func(item *driver.Item) { item.Row = nil }),
		"unknown index":        put("a", 1, 0, func(item *driver.Item) { item.Index["x"] = item.Index["all"] }),
		"no partition":         put("a", 1, 0, func(item *driver.Item) { item.Index["all"] = driver.IndexKey{} }),
		"no sort":              put("a", 1, 0, sortBy(driver.SortString, "")),
		"wrong kind of sort":   put("a", 1, 0, sortBy(driver.SortNumber, "1")),
		"long sort":            put("a", 1, 0, sortBy(driver.SortString, strings.Repeat("x", 1025))),
		"undeclared view":      m.Table("others", 1).Put(ctx, writes[0]),
		"range without limit":  query(driver.Range{Index: "all", Partition: "*"}),
		"range of no index":    query(driver.Range{Index: "x", Partition: "*", Limit: 1}),
		"range from nowhere":   query(driver.Range{Index: "all", Partition: "*", Limit: 1, After: &driver.Place{}}),
		"empty range":          query(driver.Range{Index: "all", Partition: "*", Limit: 1, Low: bound("=b", false), High: bound("=a", false)}),
		"open empty range":     query(driver.Range{Index: "all", Partition: "*", Limit: 1, Low: bound("=b", true), High: bound("=b", false)}),
		"prefix and bound":     query(driver.Range{Index: "all", Partition: "*", Limit: 1, Low: bound("=b", true), Prefix: "=b"}),
		"bound of nothing":     query(driver.Range{Index: "all", Partition: "*", Limit: 1, Low: bound("", true)}),
		"place outside bounds": query(driver.Range{Index: "all", Partition: "*", Limit: 1, Prefix: "=b", After: &driver.Place{Sort: bound("=a", false).Sort, Key: "k"}}),
	} {
		if events.CodeOf(err) != events.CodeInternal {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for i := range writes[:20] {
		writes[i].Item.Memo = []byte(`"` + strings.Repeat("x", 300_000) + `"`)
	}
	if err := table.Transact(ctx, writes[:20]); events.CodeOf(err) != events.CodeTooLarge {
		t.Errorf("a transaction of 6 MB: %v", err)
	}
	if got := m.Items("names", 1); len(got) > 0 {
		t.Errorf("something was written: %+v", got)
	}
}

func TestMemoryHooks(t *testing.T) {
	t.Parallel()
	m := viewtest.NewMemory(names)
	table, lost := m.Table("names", 1), events.Errorf(events.CodeUnavailable, "lost")
	m.After = func(c viewtest.Call) error {
		if c.View != "names" || c.Version != 1 || c.Method != "Put" || !slices.Equal(c.Keys, []string{"a"}) {
			t.Errorf("got call %+v", c)
		}
		return lost
	}
	err := table.Put(t.Context(), driver.Write{Item: driver.Item{Key: "a", Version: 1}})
	if err != lost || len(m.Items("names", 1)) != 1 || m.Calls()["Put"] != 1 {
		t.Errorf("got %v, calls %v", err, m.Calls())
	}
}
