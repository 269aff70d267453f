package schema

import (
	"reflect"
	"slices"
)

// LostField returns the path of a field that the JSON of type t leaves out: one
// that is not exported, or is tagged "-". It is empty for a type that JSON keeps
// whole, and does not look into types with a JSON encoding of their own.
func LostField(t reflect.Type) string { return lostField(t, nil) }

// lostField is LostField within types that are being looked at: a type may
// contain itself behind a pointer, slice or map.
func lostField(t reflect.Type, within []reflect.Type) string {
	if slices.Contains(within, t) || WritesJSON(t) {
		return ""
	}
	within = append(slices.Clone(within), t)
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return lostField(t.Elem(), within)
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			if !f.IsExported() && !f.Anonymous || f.Tag.Get("json") == "-" {
				return f.Name
			}
			if path := lostField(f.Type, within); path != "" {
				return f.Name + "." + path
			}
		}
	}
	return ""
}
