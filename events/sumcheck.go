package events

import (
	"fmt"
	"math/bits"
	"reflect"
	"strings"
)

// SumCheck finds sums that wrap around, as Go's + does silently, in what a
// function of the domain makes of a state. It looks at the integers in exported
// fields of structs and in values of maps, and takes one for a sum when it is what
// it was and what the function makes of nothing, added modulo the size of its
// type. Other sums are not seen: see Add.
type SumCheck[S any] struct {
	before S
	maps   bool // are looked at
}

// WatchSums returns the check of what will be made of s, also in place. It costs
// as much as the maps of s are large.
func WatchSums[S any](s S) SumCheck[S] {
	copyMaps(reflect.ValueOf(&s).Elem())
	return SumCheck[S]{s, true}
}

// WatchFields is WatchSums without the maps: for what is called for each event of
// a long stream.
func WatchFields[S any](s S) SumCheck[S] { return SumCheck[S]{s, false} }

// Added returns an error, of code internal, that names a sum in after which has
// wrapped around. alone returns what the function makes of nothing; it is called
// only where a number is so large that it may have wrapped.
func (c SumCheck[S]) Added(after S, alone func() S) error {
	return c.check(c.before, after, alone)
}

// Taken is Added for a function that takes what alone returns out of the state.
func (c SumCheck[S]) Taken(after S, alone func() S) error {
	return c.check(after, c.before, alone) // what was there is what is left and what was taken
}

func (c SumCheck[S]) check(less, more S, alone func() S) error {
	before, after := reflect.ValueOf(&less).Elem(), reflect.ValueOf(&more).Elem()
	if !large(after, c.maps) && !large(before, c.maps) {
		return nil
	}
	var added S
	if Guard("a repetition", func() { added = alone() }) != nil {
		return nil // what fails for nothing adds nothing
	}
	if path := wrapped(before, after, reflect.ValueOf(&added).Elem(), c.maps); path != "" {
		return Errorf(CodeInternal, "a sum is beyond what its type holds: field %s", strings.TrimPrefix(path, "."))
	}
	return nil
}

// copyMaps gives v maps of its own.
func copyMaps(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				copyMaps(v.Field(i))
			}
		}
	case reflect.Map:
		if v.IsNil() {
			return
		}
		own := reflect.MakeMapWithSize(v.Type(), v.Len())
		for each := v.MapRange(); each.Next(); {
			own.SetMapIndex(each.Key(), each.Value())
		}
		v.Set(own)
	}
}

// large reports whether an integer of v is so large that a sum may have wrapped
// around to it or from it: beyond half of its type's range.
func large(v reflect.Value, maps bool) bool {
	switch {
	case v.CanInt():
		half := int64(1) << (v.Type().Bits() - 2)
		return v.CanInterface() && (v.Int() >= half || v.Int() < -half)
	case v.CanUint():
		return v.CanInterface() && bits.Len64(v.Uint()) == v.Type().Bits()
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			if large(v.Field(i), maps) {
				return true
			}
		}
	case maps && v.Kind() == reflect.Map && v.CanInterface():
		for each := v.MapRange(); each.Next(); {
			if large(each.Value(), maps) {
				return true
			}
		}
	}
	return false
}

// wrapped returns the path of an integer of after that is before plus alone,
// wrapped around; "" for none.
func wrapped(before, after, alone reflect.Value, maps bool) string {
	switch {
	case after.CanInt():
		if after.CanInterface() && wrappedInt(before.Int(), after.Int(), alone.Int(), after.Type().Bits()) {
			return "."
		}
	case after.CanUint():
		if after.CanInterface() && wrappedUint(before.Uint(), after.Uint(), alone.Uint(), after.Type().Bits()) {
			return "."
		}
	case after.Kind() == reflect.Struct:
		for i := range after.NumField() {
			if path := wrapped(before.Field(i), after.Field(i), alone.Field(i), maps); path != "" {
				return strings.TrimSuffix("."+after.Type().Field(i).Name+path, ".")
			}
		}
	case maps && after.Kind() == reflect.Map && after.CanInterface():
		for each := after.MapRange(); each.Next(); {
			b, c := before.MapIndex(each.Key()), alone.MapIndex(each.Key())
			if !b.IsValid() || !c.IsValid() {
				continue
			}
			if path := wrapped(b, each.Value(), c, maps); path != "" {
				return strings.TrimSuffix(fmt.Sprintf("[…]%s", path), ".") // a key may be data
			}
		}
	}
	return ""
}

func wrappedInt(before, after, alone int64, size int) bool {
	sum := before + alone
	narrow := sum << (64 - size) >> (64 - size)
	return after == narrow && (narrow != sum || (alone >= 0) != (sum >= before))
}

func wrappedUint(before, after, alone uint64, size int) bool {
	sum, carry := bits.Add64(before, alone, 0)
	narrow := sum << (64 - size) >> (64 - size)
	return after == narrow && (narrow != sum || carry > 0)
}
