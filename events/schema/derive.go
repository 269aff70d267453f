package schema

import (
	"encoding"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"daybook/personal"
)

// deriver makes schemas of types; it knows where it is, for errors, and what
// surrounds it, to find types that contain themselves.
type deriver struct {
	path  string
	above []reflect.Type
}

func (d deriver) errorf(format string, args ...any) error {
	return fmt.Errorf("schema of "+d.path+": "+format, args...)
}

func (d deriver) derive(t reflect.Type) (*Schema, error) {
	if slices.Contains(d.above, t) {
		return nil, d.errorf("type %v contains itself", t)
	}
	s := &Schema{typ: t, maxLen: -1}
	switch {
	case personal.Elem(t) != nil:
		return d.personal(t)
	case t.Kind() == reflect.Pointer:
		return d.pointer(t)
	case t == reflect.TypeFor[time.Time]():
		s.kind = kindTime
		s.format = formats["date-time"]
		return s, nil
	case t == reflect.TypeFor[jsontext.Value]():
		s.kind = kindAny
		return s, nil
	case t == reflect.TypeFor[time.Duration]():
		return nil, d.errorf("a time.Duration has no one form in JSON; use an integer and name its unit")
	case writesOwnJSON(t):
		return nil, d.errorf("type %v writes its own JSON", t)
	}
	d.above = append(slices.Clone(d.above), t)
	switch k := t.Kind(); k {
	case reflect.String:
		s.kind = kindString
	case reflect.Bool:
		s.kind = kindBool
	case reflect.Float32, reflect.Float64:
		s.kind = kindNumber
		s.min, s.max = bounds(t)
	case reflect.Struct:
		return s, d.object(s)
	case reflect.Slice, reflect.Map:
		return s, d.container(s)
	default:
		if k < reflect.Int || k > reflect.Uint64 {
			return nil, d.errorf("type %v is not supported", t)
		}
		s.kind = kindInteger
		s.min, s.max = bounds(t)
	}
	return s, nil
}

func (d deriver) pointer(t reflect.Type) (*Schema, error) {
	if e := t.Elem(); e.Kind() == reflect.Pointer || e == reflect.TypeFor[jsontext.Value]() {
		return nil, d.errorf("a pointer to %v is not supported", e)
	}
	s, err := d.derive(t.Elem())
	if err != nil {
		return nil, err
	}
	s.typ, s.nullable = t, true
	return s, nil
}

// personal is the schema of a personal.Value: that of what it marks.
func (d deriver) personal(t reflect.Type) (*Schema, error) {
	elem := personal.Elem(t)
	if elem.Kind() == reflect.Pointer || personal.Marks(elem) {
		return nil, d.errorf("a personal.Value of %v is not supported: mark a value that is not a pointer and holds no other personal value", elem)
	}
	s, err := d.derive(elem)
	if err != nil {
		return nil, err
	}
	s.typ, s.personal = t, true
	return s, nil
}

func (d deriver) container(s *Schema) (err error) {
	s.kind = kindArray
	if s.typ.Kind() == reflect.Map {
		s.kind = kindMap
		if key := s.typ.Key(); key.Kind() != reflect.String || writesOwnJSON(key) {
			return d.errorf("the keys of a map must be strings")
		}
	} else if s.typ.Elem().Kind() == reflect.Uint8 {
		return d.errorf("bytes are not supported; use a string and name its encoding")
	}
	d.path += "[]"
	s.elem, err = d.derive(s.typ.Elem())
	return err
}

func (d deriver) object(s *Schema) error {
	s.kind = kindObject
	s.byName = map[string]int{}
	if err := d.fields(s, s.typ); err != nil {
		return err
	}
	if len(s.fields) == 0 && s.typ.NumField() > 0 {
		return d.errorf("no field has a place in JSON")
	}
	return nil
}

// fields adds the fields of t to s: t is the type of s or embedded in it.
func (d deriver) fields(s *Schema, t reflect.Type) error {
	for f := range t.Fields() {
		at := d
		at.path += "." + f.Name
		tag, tagged := f.Tag.Lookup("json")
		switch {
		case tag == "-" || !f.IsExported() && !f.Anonymous:
			continue
		case f.Anonymous && !tagged:
			if !f.IsExported() || f.Type.Kind() != reflect.Struct || writesOwnJSON(f.Type) {
				return at.errorf("only an exported struct can be embedded")
			}
			if err := at.fields(s, f.Type); err != nil {
				return err
			}
			continue
		}
		if err := at.field(s, f, tag); err != nil {
			return err
		}
	}
	return nil
}

func (d deriver) field(s *Schema, f reflect.StructField, tag string) error {
	name, options, _ := strings.Cut(tag, ",")
	if !validMember(name) {
		return d.errorf("needs a json name of letters, digits, _ and -")
	}
	if _, ok := s.byName[name]; ok {
		return d.errorf("the name %q is taken by another field", name)
	}
	required := f.Type.Kind() != reflect.Pointer
	for option := range strings.SplitSeq(options, ",") {
		switch option {
		case "":
		case "omitempty", "omitzero":
			required = false
		default:
			return d.errorf("json option %q is not supported", option)
		}
	}
	elem, err := d.derive(f.Type)
	if err != nil {
		return err
	}
	rules, err := parseRules(f.Tag.Get("rule"))
	if err == nil {
		required, err = elem.applyAll(rules, required)
	}
	if err != nil {
		return d.errorf("%w", err)
	}
	elem.doc = f.Tag.Get("doc")
	if text, ok := f.Tag.Lookup("example"); ok {
		if err := elem.setExample(text); err != nil {
			return d.errorf("%w", err)
		}
	}
	s.byName[name] = len(s.fields)
	s.fields = append(s.fields, field{name: name, required: required, schema: elem})
	return nil
}

// setExample takes text as an example of the value, if it is one.
func (s *Schema) setExample(text string) error {
	example := jsontext.Value(text)
	if s.kind == kindString || s.kind == kindTime {
		quoted, err := jsontext.AppendQuote(nil, text)
		if err != nil {
			return fmt.Errorf("example: %w", err)
		}
		example = quoted
	}
	if violations := s.Validate(example, ""); len(violations) > 0 {
		return fmt.Errorf("example %q%s: %s", text, violations[0].Path, violations[0].Message)
	}
	s.example = example
	return nil
}

func validMember(name string) bool {
	for _, r := range name {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-') {
			return false
		}
	}
	return name != "" && name != "-"
}

// writesOwnJSON reports whether encoding/json/v2 would ask t, or a pointer to
// it, how to be written or read.
func writesOwnJSON(t reflect.Type) bool {
	return WritesJSON(t) || implements(t,
		reflect.TypeFor[json.Unmarshaler](), reflect.TypeFor[json.UnmarshalerFrom](),
		reflect.TypeFor[encoding.TextUnmarshaler]())
}

// WritesJSON reports whether a type has a JSON encoding of its own.
func WritesJSON(t reflect.Type) bool {
	return implements(t,
		reflect.TypeFor[json.Marshaler](), reflect.TypeFor[json.MarshalerTo](),
		reflect.TypeFor[encoding.TextMarshaler](), reflect.TypeFor[encoding.TextAppender]())
}

// implements reports whether values of t, or pointers to them, have the methods
// of one of the interfaces.
func implements(t reflect.Type, interfaces ...reflect.Type) bool {
	if t.PkgPath() == "" && t.Kind() != reflect.Struct {
		return false // no name, no methods; the search below is slow
	}
	for _, i := range interfaces {
		if t.Implements(i) || reflect.PointerTo(t).Implements(i) {
			return true
		}
	}
	return false
}

// bounds are the least and the greatest value of a numeric type.
func bounds(t reflect.Type) (low, high *number) {
	switch k := t.Kind(); {
	case k == reflect.Float32:
		return floatBounds(math.MaxFloat32, 32)
	case k == reflect.Float64:
		return floatBounds(math.MaxFloat64, 64)
	case k >= reflect.Uint:
		return parseNumber("0"), parseNumber(strconv.FormatUint(math.MaxUint64>>(64-t.Bits()), 10))
	}
	return parseNumber(strconv.FormatInt(math.MinInt64>>(64-t.Bits()), 10)),
		parseNumber(strconv.FormatInt(math.MaxInt64>>(64-t.Bits()), 10))
}

func floatBounds(greatest float64, bits int) (low, high *number) {
	text := strconv.FormatFloat(greatest, 'g', -1, bits)
	return parseNumber("-" + text), parseNumber(text)
}
