package events_test

import (
	"math"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"daybook/events"
)

// panics returns what f panics with as an operator reads it, "" for nothing.
func panics(f func()) string {
	if err := events.Guard("the handler", f); err != nil {
		return events.FaultText(err)
	}
	return ""
}

// TestArithmeticIsExactOrPanics: against arithmetic of any size.
func TestArithmeticIsExactOrPanics(t *testing.T) {
	t.Parallel()
	t.Run("int64", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			some := rapid.OneOf(rapid.Int64(), rapid.SampledFrom([]int64{math.MinInt64, math.MinInt64 + 1, -1, 0, 1, 2, math.MaxInt64}))
			agrees(t, some, func(n int64) *big.Int { return big.NewInt(n) })
		})
	})
	t.Run("int8", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) { agrees(t, rapid.Int8(), func(n int8) *big.Int { return big.NewInt(int64(n)) }) })
	})
	t.Run("uint64", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			some := rapid.OneOf(rapid.Uint64(), rapid.SampledFrom([]uint64{0, 1, 2, math.MaxUint64}))
			agrees(t, some, func(n uint64) *big.Int { return new(big.Int).SetUint64(n) })
		})
	})
}

func agrees[N events.Integer](t *rapid.T, some *rapid.Generator[N], exact func(N) *big.Int) {
	a, b := some.Draw(t, "a"), some.Draw(t, "b")
	for name, op := range map[string]struct {
		do    func(a, b N) N
		exact func(z, a, b *big.Int) *big.Int
	}{
		"an addition":      {events.Add[N], (*big.Int).Add},
		"a subtraction":    {events.Subtract[N], (*big.Int).Sub},
		"a multiplication": {events.Multiply[N], (*big.Int).Mul},
	} {
		var got N
		text := panics(func() { got = op.do(a, b) })
		want := op.exact(new(big.Int), exact(a), exact(b))
		fits := exact(N(want.Uint64())).Cmp(want) == 0 || want.Sign() < 0 && exact(N(want.Int64())).Cmp(want) == 0
		switch {
		case fits && (text != "" || exact(got).Cmp(want) != 0):
			t.Errorf("%s of %v and %v: %v, %s", name, a, b, got, text)
		case !fits && !strings.Contains(text, "panicked with integer overflow in "+name+" at daybook/events_test/sum_test.go:"):
			t.Errorf("%s of %v and %v: %v, %q", name, a, b, got, text)
		}
	}
}

type inner struct {
	N int8 `json:"n"`
}

type summing struct {
	inner
	Total  int64
	Count  uint32
	Deep   struct{ Value int64 }
	ByName map[string]int64
	Each   map[string]inner
	Last   int64
	text   string
	hidden uint64
}

// TestSumCheck finds what wrapped, in place or not, and nothing else.
func TestSumCheck(t *testing.T) {
	t.Parallel()
	const most = math.MaxInt64
	for name, c := range map[string]struct {
		state summing
		add   func(*summing)
		want  string // the field
	}{
		"a sum":              {summing{Total: most - 1}, func(s *summing) { s.Total += 2 }, "Total"},
		"a difference":       {summing{Total: -most}, func(s *summing) { s.Total -= 3 }, "Total"},
		"twice the greatest": {summing{Total: most}, func(s *summing) { s.Total += most }, "Total"},
		"up to the end":      {summing{Total: most - 1}, func(s *summing) { s.Total++ }, ""},
		"a small type":       {summing{inner: inner{120}}, func(s *summing) { s.N += 8 }, "inner.N"},
		"unsigned":           {summing{Count: math.MaxUint32}, func(s *summing) { s.Count++ }, "Count"},
		"within":             {summing{Deep: struct{ Value int64 }{most}}, func(s *summing) { s.Deep.Value++ }, "Deep.Value"},
		"in a map, in place": {summing{ByName: map[string]int64{"a": most, "b": 1}}, func(s *summing) { add(&s.ByName, "a", 1); add(&s.ByName, "b", 1) }, "ByName[…]"},
		"in a map's struct": {summing{Each: map[string]inner{"a": {127}}}, func(s *summing) {
			if s.Each == nil {
				s.Each = map[string]inner{}
			}
			s.Each["a"] = inner{s.Each["a"].N + 1}
		}, "Each[…].N"},
		"not exported": {summing{hidden: math.MaxUint64}, func(s *summing) { s.hidden++ }, ""},
		"set":          {summing{Last: most}, func(s *summing) { s.Last = math.MinInt64 }, ""},
		"the greatest": {summing{Last: most}, func(s *summing) { s.Last = max(s.Last, most-7) }, ""},
		"it fails for nothing": {summing{Last: most, text: "x"}, func(s *summing) {
			_ = s.text[0]
			s.Total++
		}, ""},
	} {
		after := c.state
		check := events.WatchSums(after)
		c.add(&after)
		err := check.Added(after, func() (none summing) { c.add(&none); return none })
		if text := events.FaultText(err); (err != nil) != (c.want != "") || err != nil && text != "internal: a sum is beyond what its type holds: field "+c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	in, fields := map[string]int64{"a": most}, events.WatchFields(summing{ByName: map[string]int64{"a": most}, Total: most})
	if err := fields.Added(summing{ByName: in}, func() summing { return summing{ByName: map[string]int64{"a": 1}} }); err != nil {
		t.Error(err)
	}
	if fields.Added(summing{Total: math.MinInt64}, func() summing { return summing{Total: 1} }) == nil {
		t.Error("a field that wrapped is not found")
	}
	check := events.WatchSums(summing{Total: -2})
	if check.Taken(summing{Total: most}, func() summing { return summing{Total: most} }) == nil {
		t.Error("what was taken below the least is not found")
	}
	if err := check.Taken(summing{Total: -most}, func() summing { return summing{Total: most - 2} }); err != nil {
		t.Error(err)
	}
}

func add(m *map[string]int64, key string, n int64) {
	if *m == nil {
		*m = map[string]int64{}
	}
	(*m)[key] += n
}
