package attr

import (
	"bytes"
	"fmt"
	"maps"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// anyValue draws values of all types, at most depth levels deep.
func anyValue(depth int) *rapid.Generator[Value] {
	text := rapid.StringOfN(rapid.SampledFrom([]rune{0, 1, 2, 'a', 'b', '"', '\\', '<', 0x7f, 'é', 0x2028, 0x1f600}), 0, 5, -1)
	raw := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 2, 'a', 0xfe, 0xff}), 0, 5)
	kinds := []*rapid.Generator[Value]{
		rapid.Map(text, S),
		rapid.Map(anyNumber(), N),
		rapid.Map(raw, B),
		rapid.Map(rapid.Bool(), BoolValue),
		rapid.Just(NullValue()),
		rapid.Map(rapid.SliceOfN(text, 1, 4), func(m []string) Value { return SS(m...) }),
		rapid.Map(rapid.SliceOfN(anyNumber(), 1, 4), func(m []Decimal) Value { return NS(m...) }),
		rapid.Map(rapid.SliceOfN(raw, 1, 4), func(m [][]byte) Value { return BS(m...) }),
	}
	if depth > 1 {
		kinds = append(kinds,
			rapid.Map(rapid.SliceOfN(anyValue(depth-1), 0, 3), L),
			rapid.Map(anyItem(depth-1), M))
	}
	return rapid.OneOf(kinds...)
}

func anyItem(depth int) *rapid.Generator[Item] {
	return rapid.Map(rapid.MapOfN(rapid.StringMatching(`[a-cé"]{1,3}`), anyValue(depth), 0, 5),
		func(m map[string]Value) Item { return Item(m) })
}

// TestRoundTrips: an item is the same after JSON and after encoding, and what
// is read from the encoding alone agrees.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		it := anyItem(3).Draw(t, "item")
		wire := AppendJSON(nil, it)
		parsed, err := ParseItem(wire)
		if err != nil || !EqualItems(parsed, it) {
			t.Fatalf("parse of %s: %v %v", wire, parsed, err)
		}
		stored := Encode(nil, it)
		decoded, err := Decode(stored)
		if err != nil || !EqualItems(decoded, it) {
			t.Fatalf("decoded %v, error %v", decoded, err)
		}
		if again := Encode(nil, decoded); !bytes.Equal(again, stored) {
			t.Fatalf("encoding of the same item differs: %x %x", again, stored)
		}
		direct, err := AppendEncodedJSON(nil, stored)
		if err != nil || !bytes.Equal(direct, wire) {
			t.Fatalf("JSON of the encoding is %s (%v), want %s", direct, err, wire)
		}
		for name, want := range it {
			if got, ok, err := DecodeAttr(stored, name); err != nil || !ok || !Equal(got, want) {
				t.Fatalf("attribute %q is %v %v %v", name, got, ok, err)
			}
		}
		if _, ok, err := DecodeAttr(stored, "absent"); ok || err != nil {
			t.Fatalf("absent attribute: %v %v", ok, err)
		}
	})
}

// TestKeyOrder: the order of keys is the order of values, and no key is a
// prefix of another.
func TestKeyOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		scalar := anyValue(1).Filter(func(v Value) bool { return v.Kind() >= String && v.Kind() <= Binary })
		a := scalar.Draw(t, "a")
		b := scalar.Filter(func(v Value) bool { return v.Kind() == a.Kind() }).Draw(t, "b")
		want, ok := Compare(a, b)
		if !ok {
			t.Fatalf("no order")
		}
		keyA, keyB := AppendKey(nil, a), AppendKey(nil, b)
		if got := bytes.Compare(keyA, keyB); got != want {
			t.Fatalf("keys %x %x compare %d, values %d", keyA, keyB, got, want)
		}
		if want != 0 && (bytes.HasPrefix(keyA, keyB) || bytes.HasPrefix(keyB, keyA)) {
			t.Fatalf("key %x and %x: one begins with the other", keyA, keyB)
		}
		if a.Kind() != Number {
			prefix := bytes.HasPrefix(keyA, AppendKeyPrefix(nil, b))
			if prefix != strings.HasPrefix(a.Str(), b.Str()) {
				t.Fatalf("prefix of %q in %q is %v", b.Str(), a.Str(), prefix)
			}
		}
	})
}

func TestKeyOrderOfNumbers(t *testing.T) {
	t.Parallel()
	// In text order 1, 10, 100, 2 would come first.
	ascending := []string{"-1e125", "-100", "-10.5", "-10", "-2", "-1", "-0.5", "-1e-130", "0", "1e-130", "0.5", "1", "1.5", "2", "10", "100", "1e125"}
	for i := 1; i < len(ascending); i++ {
		a, b := N(mustNumber(t, ascending[i-1])), N(mustNumber(t, ascending[i]))
		if bytes.Compare(AppendKey(nil, a), AppendKey(nil, b)) >= 0 {
			t.Errorf("key of %s is not before that of %s", ascending[i-1], ascending[i])
		}
	}
}

func TestKeyOfNothingElse(t *testing.T) {
	t.Parallel()
	for _, v := range []Value{BoolValue(true), NullValue(), L(nil), M(nil), SS("a"), {}} {
		if key := AppendKey(nil, v); len(key) > 0 {
			t.Errorf("%s has the key %x", v.Kind(), key)
		}
	}
	if prefix := AppendKeyPrefix(nil, Int(1)); len(prefix) > 0 {
		t.Errorf("prefix of a number: %x", prefix)
	}
}

func TestEqualAndCompare(t *testing.T) {
	t.Parallel()
	n := func(s string) Value { return N(mustNumber(t, s)) }
	equal := [][2]Value{
		{n("1.0"), n("1")}, {n("-0"), n("0")}, {SS("a", "b"), SS("b", "a", "a")}, {NS(mustNumber(t, "1.0")), NS(mustNumber(t, "1"))},
		{L([]Value{n("1.0")}), L([]Value{n("1")})}, {M(nil), M(Item{})}, {BS([]byte{1}), BS([]byte{1})}, {NullValue(), NullValue()},
	}
	for _, pair := range equal {
		if !Equal(pair[0], pair[1]) {
			t.Errorf("%v and %v differ", pair[0], pair[1])
		}
	}
	different := []Value{
		S("1"), n("1"), B([]byte("1")), BoolValue(true), BoolValue(false), NullValue(), M(nil), L(nil), SS("1"), NS(mustNumber(t, "1")), BS([]byte("1")),
		S(""), M(Item{"a": n("1")}), M(Item{"b": n("1")}), M(Item{"a": n("2")}), L([]Value{n("1")}), SS("1", "2"), {},
	}
	for i, a := range different {
		for j, b := range different {
			if Equal(a, b) != (i == j) {
				t.Errorf("%v = %v is %v", a, b, i != j)
			}
		}
	}
	for _, pair := range [][2]Value{{S("1"), n("1")}, {BoolValue(true), BoolValue(false)}, {NullValue(), NullValue()}, {L(nil), L(nil)}, {{}, {}}, {S("a"), B([]byte("a"))}} {
		if _, ok := Compare(pair[0], pair[1]); ok {
			t.Errorf("%v and %v have an order", pair[0], pair[1])
		}
	}
	if c, _ := Compare(S("Z"), S("a")); c >= 0 {
		t.Error("Z is not before a: strings are ordered by bytes")
	}
	if c, _ := Compare(B([]byte{0x7f}), B([]byte{0x80})); c >= 0 {
		t.Error("binaries are not unsigned")
	}
}

func TestSets(t *testing.T) {
	t.Parallel()
	set := SS("b", "a", "b")
	if got := len(set.Elems()); got != 2 {
		t.Errorf("%d members", got)
	}
	if !set.Contains(S("a")) || set.Contains(S("c")) || set.Contains(Int(1)) || S("a").Contains(S("a")) {
		t.Error("Contains")
	}
	if got := Union(set, SS("c", "a")); !Equal(got, SS("a", "b", "c")) {
		t.Errorf("union %v", got)
	}
	if got := Difference(set, SS("c", "a")); !Equal(got, SS("b")) {
		t.Errorf("difference %v", got)
	}
	if !Equal(set, SS("a", "b")) {
		t.Error("a set changed")
	}
}

func TestKinds(t *testing.T) {
	t.Parallel()
	for i, name := range kindNames[1:] {
		kind, ok := KindOf(name)
		if !ok || kind.String() != name || int(kind) != i+1 {
			t.Errorf("%s is %d %v", name, kind, ok)
		}
		if kind.IsSet() != (len(name) == 2 && name[1] == 'S') {
			t.Errorf("%s is a set: %v", name, kind.IsSet())
		}
	}
	if _, ok := KindOf(""); ok {
		t.Error("no name is a kind")
	}
	if Kind(99).String() != "" {
		t.Error("kind 99 has a name")
	}
}

func TestItemSize(t *testing.T) {
	t.Parallel()
	for wire, want := range map[string]int{
		`{}`:                            0,
		`{"id":{"S":"abc"}}`:            5,
		`{"é":{"S":"é"}}`:               4,
		`{"b":{"B":"AQID"}}`:            4,
		`{"t":{"BOOL":true}}`:           2,
		`{"n":{"NULL":true}}`:           2,
		`{"n":{"N":"-12.5"}}`:           5,
		`{"l":{"L":[]}}`:                4,
		`{"m":{"M":{}}}`:                4,
		`{"l":{"L":[{"S":"a"}]}}`:       6,
		`{"m":{"M":{"k":{"S":"a"}}}}`:   7,
		`{"s":{"SS":["a","bc"]}}`:       4,
		`{"s":{"NS":["1","100"]}}`:      5,
		`{"s":{"BS":["AQ==","AQID"]}}`:  5,
		`{"a":{"S":""},"b":{"S":"xy"}}`: 4,
	} {
		it, err := ParseItem([]byte(wire))
		if err != nil {
			t.Fatalf("%s: %v", wire, err)
		}
		if got := it.Size(); got != want {
			t.Errorf("%s has %d bytes, want %d", wire, got, want)
		}
	}
}

// TestEncodingIsSmall: what stays in memory is near the item's own size.
func TestEncodingIsSmall(t *testing.T) {
	t.Parallel()
	it := Item{
		"stream": S("order/7f3c9a"), "commit": Int(3), "id": S("0198c2f3-51f2-7d3a-9f51-0c9d2e1a7b55"),
		"at": Int(1780000000123), "data": B(bytes.Repeat([]byte{0xab}, 300)), "deleted": BoolValue(false),
	}
	if stored, size := len(Encode(nil, it)), it.Size(); stored*10 > size*11 {
		t.Errorf("%d bytes stored for an item of %d", stored, size)
	}
}

// TestDecodeCorrupt: no cut or changed encoding panics or reads for ever.
func TestDecodeCorrupt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		stored := Encode(nil, anyItem(2).Draw(t, "item"))
		if len(stored) > 1 {
			cut := stored[:rapid.IntRange(0, len(stored)-1).Draw(t, "cut")]
			if _, err := Decode(cut); err == nil {
				t.Fatalf("decoded %x, a part of %x", cut, stored)
			}
			readAll(cut)
		}
		i := rapid.IntRange(0, len(stored)-1).Draw(t, "changed")
		stored[i] ^= rapid.ByteRange(1, 255).Draw(t, "bits")
		readAll(stored)
	})
}

func FuzzDecode(f *testing.F) {
	f.Add(Encode(nil, Item{"a": Int(1), "b": L([]Value{S("x"), BoolValue(true)}), "c": M(Item{"d": SS("e")})}))
	f.Fuzz(func(t *testing.T, b []byte) {
		readAll(b)
		it, err := Decode(b)
		if err != nil {
			if err != ErrCorrupt {
				t.Errorf("%x: %v", b, err)
			}
			return
		}
		again, err := Decode(Encode(nil, it))
		if err != nil || !EqualItems(it, again) {
			t.Errorf("%x is %v, which is stored as %v, %v", b, it, again, err)
		}
		if wire, err := AppendEncodedJSON(nil, b); err != nil {
			t.Errorf("%x has no JSON: %v", b, err)
		} else if parsed, err := ParseItem(wire); err == nil && utf8.Valid(wire) && !bytes.ContainsRune(wire, utf8.RuneError) && !EqualItems(it, parsed) {
			t.Errorf("%x is %v, in JSON %s", b, it, wire)
		}
	})
}

func readAll(b []byte) string {
	it, err := Decode(b)
	wire, err2 := AppendEncodedJSON(nil, b)
	v, ok, err3 := DecodeAttr(b, "a")
	return fmt.Sprint(len(it), err, wire, err2, v, ok, err3)
}

func TestDecodeErrors(t *testing.T) {
	t.Parallel()
	set := Encode(nil, Item{"s": SS("a", "b")})
	unsorted, twice := bytes.Clone(set), bytes.Clone(set)
	copy(unsorted[len(set)-4:], "\x01b\x01a")
	copy(twice[len(set)-4:], "\x01a\x01a")
	names := Encode(nil, Item{"a": BoolValue(true), "b": BoolValue(true)})
	swapped, same := bytes.Replace(names, []byte("a"), []byte("c"), 1), bytes.Replace(names, []byte("b"), []byte("a"), 1)
	for _, b := range [][]byte{unsorted, twice, swapped, same, {}, {1}, {0, 0}, {1, 1, 'a', 99}, {1, 1, 'a', byte(Number), 9}, {1, 1, 'a', byte(Number), keyPositive, 0, 0}, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}} {
		if _, err := Decode(b); err != ErrCorrupt {
			t.Errorf("%x: %v", b, err)
		}
	}
	if _, _, err := DecodeAttr([]byte{1, 1, 'b', 99}, "a"); err != ErrCorrupt {
		t.Errorf("skip: %v", err)
	}
	if _, err := AppendEncodedJSON(nil, []byte{1, 1, 'b', 99}); err != ErrCorrupt {
		t.Errorf("JSON: %v", err)
	}
}

func TestConstructorsCopy(t *testing.T) {
	t.Parallel()
	raw := []byte("ab")
	v := B(raw)
	raw[0] = 'x'
	if v.Str() != "ab" {
		t.Error("a binary shares its bytes")
	}
	members := []string{"b", "a"}
	SS(members...)
	if members[0] != "b" {
		t.Error("SS sorted its arguments")
	}
	fields := Item{"a": Int(1)}
	if got := M(fields).Fields(); !maps.EqualFunc(got, fields, Equal) {
		t.Errorf("fields %v", got)
	}
}

// SS, NS and BS are sets; duplicates are dropped.
func SS(members ...string) Value { return newSet(StringSet, each(members, S)) }

func NS(members ...Decimal) Value { return newSet(NumberSet, each(members, N)) }

func BS(members ...[]byte) Value { return newSet(BinarySet, each(members, B)) }

func each[M any](members []M, value func(M) Value) []Value {
	values := make([]Value, len(members))
	for i, m := range members {
		values[i] = value(m)
	}
	return values
}
