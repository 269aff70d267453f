package expr

import (
	"testing"

	"daybook/localstack/embedded/attr"
	"pgregory.net/rapid"
)

// run parses src as every kind of expression and runs what parses: nothing may
// panic, and every error is a ValidationError.
func run(t interface {
	Helper()
	Fatalf(string, ...any)
}, params Params, it attr.Item, src string) {
	t.Helper()
	check := func(err error) bool {
		if err == nil {
			return true
		}
		if _, ok := err.(*attr.ValidationError); !ok {
			t.Fatalf("%q: %T %v", src, err, err)
		}
		return false
	}
	u, err := NewUsage(params)
	if err != nil {
		t.Fatalf("%v", err)
	}
	if c, err := ParseCondition(ConditionExpression, src, u); check(err) {
		for _, of := range []attr.Item{it, nil} {
			is := c.Eval(of)
			for other, want := range map[string]bool{"NOT (" + src + ")": !is, "(" + src + ") AND attribute_not_exists(nowhere)": is} {
				if derived, err := ParseCondition(ConditionExpression, other, u); err == nil && derived.Eval(of) != want {
					t.Fatalf("%q is %t, %q is not %t", src, is, other, want)
				}
			}
		}
	}
	if p, err := ParseProjection(src, u); check(err) {
		p.Apply(it)
	}
	if k, err := ParseKeyCondition(src, u); check(err) {
		if r, err := k.Bind(keySchema); check(err) {
			r.Interval()
		}
	}
	if up, err := ParseUpdate(src, u); check(err) {
		for _, old := range []attr.Item{it, nil} {
			if after, err := up.Apply(old); check(err) {
				up.Touched().Apply(after)
			}
		}
	}
	check(u.Unused())
}

func testParams(t testing.TB) Params {
	return usageFor(t, testNames+testValues).params
}

func FuzzExpressions(f *testing.F) {
	for _, src := range []string{
		"s = :hello AND NOT (n IN (:1, :2) OR size(l) > :2)", "n BETWEEN :1 AND :2", "begins_with(s, :he)",
		"SET l[1] = list_append(l, :l), n = if_not_exists(n, :1) + :2 REMOVE s ADD ns :ns DELETE ss :sa",
		"pk = :a AND n >= :1", "#m.#a, l[2].k", "é = :a", "((s = :a))", "\xff", "s = :a \xe6\x97",
	} {
		f.Add(src)
	}
	params, it := testParams(f), mustItem(f, testItem)
	f.Fuzz(func(t *testing.T, src string) { run(t, params, it, src) })
}

// TestAnyExpression runs rows of random tokens, most of them well-formed ones.
func TestAnyExpression(t *testing.T) {
	t.Parallel()
	params, it := testParams(t), mustItem(t, testItem)
	words := []string{
		"AND", "or", "NOT", "BETWEEN", "IN", "SET", "REMOVE", "ADD", "DELETE", "=", "<>", "<", ">=", "(", ")", "[", "]", ",", ".", "+", "-",
		"pk", "s", "n", "l", "m", "a", "ss", "ns", "#n", "#m", "#x", ":a", ":1", ":l", ":ss", ":ns", ":t", ":x9", "0", "1", "7",
		"size", "contains", "begins_with", "attribute_exists", "attribute_type", "if_not_exists", "list_append", "foo", "name", "é", "日", "_", "!", "'", "\xff", "#", ":",
		"s = :a", "n > :1", "size(l) > :1", "contains(ss, :a)", "SET n = n + :1", "l[1]", "m.a", "pk = :a AND n = :1", "ADD ns :ns", "DELETE ss :ss", "REMOVE l[0], l[2]",
	}
	rapid.Check(t, func(t *rapid.T) {
		src := ""
		for _, w := range rapid.SliceOfN(rapid.SampledFrom(words), 0, 12).Draw(t, "words") {
			src += w + rapid.SampledFrom([]string{" ", "", "\n"}).Draw(t, "space")
		}
		run(t, params, it, src)
	})
}

func BenchmarkParseUpdate(b *testing.B) {
	params := Params{
		Names:  map[string]string{"#n": "n", "#v": "version"},
		Values: map[string]attr.Value{":v": attr.S("x"), ":one": attr.Int(1)},
	}
	it := attr.Item{"pk": attr.S("p"), "n": attr.S("a"), "version": attr.Int(3)}
	b.ReportAllocs()
	for b.Loop() {
		u, err := NewUsage(params)
		if err != nil {
			b.Fatal(err)
		}
		up, err := ParseUpdate("SET #n = :v, #v = #v + :one", u)
		if err != nil {
			b.Fatal(err)
		}
		c, err := ParseCondition(ConditionExpression, "attribute_exists(pk) AND #v >= :one", u)
		if err != nil {
			b.Fatal(err)
		}
		if err := u.Unused(); err != nil || !c.Eval(it) {
			b.Fatal(err)
		}
		if _, err := up.Apply(it); err != nil {
			b.Fatal(err)
		}
	}
}
