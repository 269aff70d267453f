package attr

import (
	"slices"
	"strings"
)

// Kind is the type of a value. The zero Kind is not a type.
type Kind uint8

// The ten types of DynamoDB.
const (
	String Kind = iota + 1
	Number
	Binary
	Bool
	Null
	Map
	List
	StringSet
	NumberSet
	BinarySet
)

var kindNames = [...]string{"", "S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS"}

// String returns the type's name on the wire: S, N, B, BOOL, NULL, M, L, SS,
// NS or BS.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return ""
}

// KindOf returns the type with a wire name, or false if there is none.
func KindOf(name string) (Kind, bool) {
	for i, n := range kindNames {
		if n == name && i > 0 {
			return Kind(i), true
		}
	}
	return 0, false
}

// IsSet tells whether k is a string, number or binary set.
func (k Kind) IsSet() bool { return k >= StringSet && k <= BinarySet }

// element is the type of the members of a set of type k.
func (k Kind) element() Kind { return k - StringSet + String }

// Value is one attribute value. It is immutable: no caller may change a slice
// or map that it hands in or gets out. The zero Value has Kind 0 and stands for
// "no value".
type Value struct {
	kind   Kind
	flag   bool    // Bool
	num    Decimal // Number
	str    string  // String and Binary
	elems  []Value // List, and the members of a set, sorted
	fields Item    // Map
}

// Item is a map from attribute names to values: a whole item, a key, or the
// content of a map value.
type Item map[string]Value

// S returns a string value.
func S(s string) Value { return Value{kind: String, str: s} }

// N returns a number value.
func N(n Decimal) Value { return Value{kind: Number, num: n} }

// Int returns a number value.
func Int(i int64) Value { return N(DecimalFromInt(i)) }

// B returns a binary value with a copy of b.
func B(b []byte) Value { return Value{kind: Binary, str: string(b)} }

// BoolValue returns a boolean value.
func BoolValue(b bool) Value { return Value{kind: Bool, flag: b} }

// NullValue returns the null value.
func NullValue() Value { return Value{kind: Null} }

// M returns a map value that shares it.
func M(it Item) Value {
	if it == nil {
		it = Item{}
	}
	return Value{kind: Map, fields: it}
}

// L returns a list value that shares values.
func L(values []Value) Value { return Value{kind: List, elems: values} }

// newSet sorts members in place and drops duplicates.
func newSet(kind Kind, members []Value) Value {
	slices.SortFunc(members, compareScalars)
	members = slices.CompactFunc(members, func(a, b Value) bool { return compareScalars(a, b) == 0 })
	return Value{kind: kind, elems: members}
}

// Kind returns the value's type; 0 for the zero Value.
func (v Value) Kind() Kind { return v.kind }

// Str returns the text of a String or the raw bytes of a Binary.
func (v Value) Str() string { return v.str }

// Num returns the number of a Number.
func (v Value) Num() Decimal { return v.num }

// Fields returns the content of a Map, not to be changed.
func (v Value) Fields() Item { return v.fields }

// Elems returns the elements of a List, or the members of a set in ascending
// order, not to be changed.
func (v Value) Elems() []Value { return v.elems }

// Contains tells whether a set has the member m.
func (v Value) Contains(m Value) bool {
	if !v.kind.IsSet() || m.kind != v.kind.element() {
		return false
	}
	_, found := slices.BinarySearchFunc(v.elems, m, compareScalars)
	return found
}

// Union returns the set with the members of both sets, which must be of one
// type.
func Union(a, b Value) Value {
	merged := make([]Value, 0, len(a.elems)+len(b.elems))
	return newSet(a.kind, append(append(merged, a.elems...), b.elems...))
}

// Difference returns the set a without the members of b. It can be empty, a
// value that DynamoDB does not store.
func Difference(a, b Value) Value {
	left := make([]Value, 0, len(a.elems))
	for _, m := range a.elems {
		if !b.Contains(m) {
			left = append(left, m)
		}
	}
	return Value{kind: a.kind, elems: left}
}

// Equal tells whether two values are the same: of one type, numbers by value
// (1.0 equals 1), sets whatever their order on the wire, maps and lists deeply.
func Equal(a, b Value) bool {
	if a.kind != b.kind {
		return false
	}
	switch a.kind {
	case String, Binary:
		return a.str == b.str
	case Number:
		return a.num == b.num
	case Bool:
		return a.flag == b.flag
	case Map:
		return EqualItems(a.fields, b.fields)
	}
	return slices.EqualFunc(a.elems, b.elems, Equal)
}

// EqualItems tells whether two items have the same attributes.
func EqualItems(a, b Item) bool {
	if len(a) != len(b) {
		return false
	}
	for name, v := range a {
		w, ok := b[name]
		if !ok || !Equal(v, w) {
			return false
		}
	}
	return true
}

// Compare orders two values of one type among String (by UTF-8 bytes), Number
// and Binary (by unsigned bytes). It returns false for any other pair, which
// DynamoDB cannot order.
func Compare(a, b Value) (int, bool) {
	if a.kind != b.kind || a.kind < String || a.kind > Binary {
		return 0, false
	}
	return compareScalars(a, b), true
}

// compareScalars orders two values of the same type S, N or B.
func compareScalars(a, b Value) int {
	if a.kind == Number {
		return a.num.Cmp(b.num)
	}
	return strings.Compare(a.str, b.str)
}
