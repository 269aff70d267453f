package schema

import (
	"encoding/json/jsontext"
	"reflect"

	"daybook/personal"
)

// Schema describes the JSON of one Go type. It is immutable and safe for
// concurrent use.
type Schema struct {
	typ      reflect.Type
	kind     kind
	nullable bool // null is allowed, and decodes to a nil pointer
	personal bool // the type is personal.Value of what the rest describes
	doc      string
	example  jsontext.Value

	fields []field        // of an object, in order of declaration
	byName map[string]int // index in fields
	elem   *Schema        // of an array or a map

	min, max       *number // of a number
	minLen, maxLen int     // of a string, an array or a map; maxLen -1 means no limit
	enum           []string
	unique         bool
	notBlank       bool
	format         *format
	pattern        *pattern
}

type kind uint8

const (
	kindObject kind = iota + 1
	kindArray
	kindMap
	kindString
	kindTime
	kindBool
	kindInteger
	kindNumber
	kindAny
)

// noun is how a message calls a value of the kind.
func (k kind) noun() string {
	switch k {
	case kindArray:
		return "an array"
	case kindString, kindTime:
		return "a string"
	case kindBool:
		return "true or false"
	case kindInteger:
		return "a whole number"
	case kindNumber:
		return "a number"
	}
	return "an object"
}

type field struct {
	name     string
	required bool
	schema   *Schema
}

// Of returns the schema of T. The error says which field has a type or a rule
// that is not supported.
func Of[T any]() (*Schema, error) { return OfType(reflect.TypeFor[T]()) }

// OfType returns the schema of t, as Of does.
func OfType(t reflect.Type) (*Schema, error) {
	d := deriver{path: t.String()}
	return d.derive(t)
}

// goType is the type of the values that are not null.
func (s *Schema) goType() reflect.Type {
	t := s.typ
	if s.nullable {
		t = t.Elem()
	}
	if s.personal {
		t = personal.Elem(t)
	}
	return t
}
