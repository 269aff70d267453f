package view_test

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"daybook/events"
	"daybook/view/projection"
	"daybook/view/query"
)

// The parts of random things and queries.
var (
	someStrings = []string{"", "a", "ab", "b", "é", "@", "=", "a,b", strings.Repeat("x", 1100), strings.Repeat("x", 1100) + "y"}
	someMails   = []string{"", "Ann@x", "ann@X", "ANN", "ä", "Ä", "b", strings.Repeat("X", 1100), strings.Repeat("x", 1100) + "Y"}
	someInts    = []int64{math.MinInt64, -1, 0, 1, 2, 10, 1 << 53, 1<<53 + 1, math.MaxInt64 - 1, math.MaxInt64}
	someFloats  = []float64{
		-1.5, 0, 0.1, 1e-7, 1, 1e20, 9007199254740993,
		-math.MaxFloat64, -1e126, -1e-130, -5e-324, 5e-324, 1e-131, 1e-130, 1e-129, 9.99e125, 1e126, 1e300, // around what an index can hold
	}
	someTimes = []time.Time{
		time.Date(2026, 1, 1, 0, 0, 5, 0, time.UTC),
		time.Date(2026, 1, 1, 0, 0, 5, 5e8, time.UTC),
		time.Date(2026, 1, 1, 2, 0, 5, 0, time.FixedZone("", 7200)),
		time.Date(2025, 12, 31, 23, 0, 0, 1, time.UTC),
	}
)

func pick[T any](t *rapid.T, label string, from []T) T { return rapid.SampledFrom(from).Draw(t, label) }

func randomThing(t *rapid.T) thing {
	th := thing{
		Group: pick(t, "group", someStrings), Flag: rapid.Bool().Draw(t, "flag"), Name: pick(t, "name", someStrings),
		Price: pick(t, "price", someInts), Score: pick(t, "score", someFloats), At: pick(t, "at", someTimes),
		Note: pick(t, "note", someStrings[:3]), Big: uint64(pick(t, "big", someInts)),
	}
	th.Off, th.Gone, th.Mail = rapid.Bool().Draw(t, "off"), pick(t, "gone", someInts), pick(t, "mail", someMails)
	if rapid.Bool().Draw(t, "has nick") {
		th.Nick = ptr(pick(t, "nick", someStrings))
	}
	return th
}

// column is a field as the brute force sees it: its value, nil when absent, and
// how to write one in a query.
type column struct {
	get     func(key string, th thing) any
	compare func(a, b any) int
	ops     []string
	random  func(t *rapid.T) (v any, text string)
}

var ordered = []string{"eq", "ne", "lt", "lte", "gt", "gte", "in", "exists"}

func columnOf[V any](get func(string, thing) *V, compare func(a, b V) int, ops []string, from []V, text func(V) string) column {
	return column{
		get: func(key string, th thing) any {
			if v := get(key, th); v != nil {
				return *v
			}
			return nil
		},
		compare: func(a, b any) int { return compare(a.(V), b.(V)) },
		ops:     ops,
		random: func(t *rapid.T) (any, string) {
			v := pick(t, "value", from)
			return v, text(v)
		},
	}
}

func same(s string) string { return s }

func columns() map[string]column {
	withPrefix := append(slices.Clone(ordered), "prefix")
	texts := func(get func(string, thing) *string) column {
		return columnOf(get, strings.Compare, withPrefix, someStrings, same)
	}
	bigs := make([]uint64, len(someInts))
	for i, n := range someInts {
		bigs[i] = uint64(n)
	}
	return map[string]column{
		"id":    columnOf(func(key string, _ thing) *string { return &key }, strings.Compare, withPrefix, []string{"0", "1", "@2", "7"}, same),
		"group": texts(func(_ string, th thing) *string { return &th.Group }),
		"name":  texts(func(_ string, th thing) *string { return &th.Name }),
		"nick":  texts(func(_ string, th thing) *string { return th.Nick }),
		"note":  texts(func(_ string, th thing) *string { return &th.Note }), // zero is a value
		"off": columnOf(func(_ string, th thing) *bool { return &th.Off }, func(a, b bool) int {
			return strings.Compare(strconv.FormatBool(a), strconv.FormatBool(b))
		}, []string{"eq", "ne", "in", "exists"}, []bool{true, false}, strconv.FormatBool),
		"gone": columnOf(func(_ string, th thing) *int64 { return &th.Gone }, cmp.Compare[int64], ordered, someInts,
			func(n int64) string { return strconv.FormatInt(n, 10) }),
		// A field with a normal form is compared in that form. A client's value is given as it comes.
		"mail": {
			get: func(_ string, th thing) any { return strings.ToLower(th.Mail) }, ops: withPrefix,
			compare: func(a, b any) int { return strings.Compare(a.(string), b.(string)) },
			random: func(t *rapid.T) (any, string) {
				text := pick(t, "value", someMails)
				return strings.ToLower(text), text
			},
		},
		"flag": columnOf(func(_ string, th thing) *bool { return &th.Flag }, func(a, b bool) int {
			return strings.Compare(strconv.FormatBool(a), strconv.FormatBool(b))
		}, []string{"eq", "ne", "in", "exists"}, []bool{true, false}, strconv.FormatBool),
		"price": columnOf(func(_ string, th thing) *int64 { return &th.Price }, cmp.Compare[int64], ordered, someInts,
			func(n int64) string { return strconv.FormatInt(n, 10) }),
		"big": columnOf(func(_ string, th thing) *uint64 { return &th.Big }, cmp.Compare[uint64], ordered, bigs,
			func(n uint64) string { return strconv.FormatUint(n, 10) }),
		"score": columnOf(func(_ string, th thing) *float64 { return &th.Score }, cmp.Compare[float64], ordered, someFloats,
			func(x float64) string { return strconv.FormatFloat(x, 'e', -1, 64) }),
		"at": columnOf(func(_ string, th thing) *time.Time { return &th.At }, time.Time.Compare, ordered, someTimes,
			func(at time.Time) string { return at.Format(time.RFC3339Nano) }),
	}
}

// condition is a random filter: how a query says it and what it means.
type condition struct {
	field, param string
	values       []string
	holds        func(key string, th thing) bool
}

func randomCondition(t *rapid.T) condition {
	all := columns()
	name := rapid.SampledFrom([]string{"id", "group", "group", "name", "name", "nick", "note", "flag", "price", "big", "score", "at", "off", "gone", "mail"}).Draw(t, "field")
	c := all[name]
	op := pick(t, "op", append(slices.Clone(c.ops), "eq", "eq"))
	cond := condition{field: name, param: name + "." + op}
	var values []any
	for range map[bool]int{true: rapid.IntRange(2, 3).Draw(t, "n"), false: 1}[op == "in"] {
		v, text := c.random(t)
		values, cond.values = append(values, v), append(cond.values, text)
	}
	want := rapid.Bool().Draw(t, "exists")
	if op == "exists" {
		cond.values = []string{strconv.FormatBool(want)}
	}
	cond.holds = func(key string, th thing) bool {
		v := c.get(key, th)
		switch {
		case op == "exists":
			return (v != nil) == want
		case op == "ne":
			return v == nil || c.compare(v, values[0]) != 0
		case v == nil:
			return false
		case op == "prefix":
			return strings.HasPrefix(v.(string), values[0].(string))
		case op == "in":
			return slices.ContainsFunc(values, func(o any) bool { return c.compare(v, o) == 0 })
		}
		return map[string]bool{
			"eq": c.compare(v, values[0]) == 0, "lt": c.compare(v, values[0]) < 0, "lte": c.compare(v, values[0]) <= 0,
			"gt": c.compare(v, values[0]) > 0, "gte": c.compare(v, values[0]) >= 0,
		}[op]
	}
	return cond
}

// sortable is what rows are compared by: an index knows only the beginning of a
// long string, and of a number that DynamoDB can't keep only the nearest it can.
func sortable(v any) any {
	switch v := v.(type) {
	case string:
		return v[:min(len(v), 1000)]
	case float64:
		size := math.Abs(v)
		if size > 0 {
			size = min(max(size, 1e-130), 1e126)
		}
		return math.Copysign(size, v)
	}
	return v
}

// TestQueriesAgainstBruteForce: random queries on random rows, read in pages of
// random sizes, answer what going through all rows does, in order.
func TestQueriesAgainstBruteForce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		a := ask(t, &query.Options{ReadBudget: rapid.IntRange(1, 40).Draw(rt, "budget")}, newThings())
		things := map[string]thing{}
		for i := range rapid.IntRange(0, 12).Draw(rt, "rows") {
			things[[]string{"", "@", "@@"}[i%3]+strconv.Itoa(i)] = randomThing(rt)
		}
		a.set(things)
		for range 5 {
			checkQuery(rt, a, things)
		}
	})
}

func checkQuery(rt *rapid.T, a *asking, things map[string]thing) {
	p := map[string][]string{}
	var conds []condition
	for range rapid.IntRange(0, 3).Draw(rt, "filters") {
		c := randomCondition(rt)
		if p[c.param] == nil {
			p[c.param] = c.values
			conds = append(conds, c)
		}
	}
	by := pick(rt, "sort", []string{"", "", "id", "group", "name", "nick", "price", "big", "score", "at", "gone", "mail", "note"})
	desc := rapid.Bool().Draw(rt, "desc")
	if by != "" {
		p["sort"] = []string{map[bool]string{true: "-"}[desc] + by}
	}
	got, err := a.pages(p, func() int { return rapid.IntRange(1, 5).Draw(rt, "limit") })
	if served := servedBySomeIndex(conds, by); err != nil || !served {
		if events.CodeOf(err) != events.CodeNoIndex || served {
			rt.Fatalf("query %q: %v, but served is %v", p, err, served)
		}
		return
	}
	want := bruteForce(things, conds, by, desc)
	if by == "" {
		slices.Sort(got)
	}
	if !slices.Equal(got, want) {
		rt.Fatalf("query %q:\n got %q\nwant %q", p, got, want)
	}
}

// pages reads all pages of a query.
func (a *asking) pages(p map[string][]string, limit func() int) ([]string, error) {
	got := []string{}
	for range 1000 {
		p["limit"] = []string{strconv.Itoa(limit())}
		page, err := a.qs.List(context.Background(), "", "things", p)
		if err != nil {
			return nil, err
		}
		got = append(got, strings.Fields(ids(a.t, page))...)
		if page.Next == "" {
			return got, nil
		}
		p["cursor"] = []string{page.Next}
	}
	return nil, fmt.Errorf("the pages do not end")
}

func bruteForce(things map[string]thing, conds []condition, by string, desc bool) []string {
	column, keys := columns()[by], []string{}
	for key, th := range things {
		if by != "" && column.get(key, th) == nil || slices.ContainsFunc(conds, func(c condition) bool { return !c.holds(key, th) }) {
			continue
		}
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(x, y string) int {
		c := 0
		if by != "" {
			c = column.compare(sortable(column.get(x, things[x])), sortable(column.get(y, things[y])))
		}
		c = cmp.Or(c, strings.Compare(projection.ItemKey("", x), projection.ItemKey("", y)))
		if by != "" && desc {
			return -c
		}
		return c
	})
	return keys
}

// servedBySomeIndex says the planner's rule in its own words, for newThings.
func servedBySomeIndex(conds []condition, by string) bool {
	compared := map[string]bool{}
	for _, c := range conds {
		if strings.HasSuffix(c.param, ".eq") || strings.HasSuffix(c.param, ".in") {
			compared[c.field] = true
		}
	}
	switch by {
	case "", "at", "name", "nick", "big", "gone", "mail":
		return true // an index of all rows
	case "price":
		return compared["group"] || compared["id"]
	case "score":
		return compared["nick"] || compared["id"]
	case "id":
		return compared["price"] || compared["score"] || compared["mail"] || compared["id"]
	}
	return compared["id"]
}
