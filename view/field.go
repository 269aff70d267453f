package view

import (
	"bytes"
	"encoding/json/jsontext"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"daybook/events"
	"daybook/events/decimal"
	"daybook/events/schema"
)

// The members that every answered row has.
const (
	fieldID      = "id"
	fieldVersion = "version"
)

// fieldKind is the kind of values a field holds, by its Go type.
type fieldKind uint8

const (
	kindOther fieldKind = iota // an object, an array, or any JSON
	kindString
	kindTime // time.Time
	kindInt
	kindUint
	kindFloat
	kindBool
)

func (k fieldKind) String() string {
	switch k {
	case kindString:
		return "string"
	case kindTime:
		return "time"
	case kindInt, kindUint:
		return "integer"
	case kindFloat:
		return "number"
	case kindBool:
		return "boolean"
	}
	return "other"
}

func (k fieldKind) number() bool { return k == kindInt || k == kindUint || k == kindFloat }

// operators returns the operators that a filter on the field may have.
func (k fieldKind) operators() []string {
	switch k {
	case kindString:
		return []string{"eq", "ne", "lt", "lte", "gt", "gte", "prefix", "in", "exists"}
	case kindTime, kindInt, kindUint, kindFloat:
		return []string{"eq", "ne", "lt", "lte", "gt", "gte", "in", "exists"}
	case kindBool:
		return []string{"eq", "ne", "in", "exists"}
	}
	return []string{"exists"}
}

// field is a member of a row's JSON object.
type field struct {
	name     string
	kind     fieldKind
	bits     int   // of a number
	nullable bool  // a pointer: null, or left out, is no value
	omitted  bool  // left out of the row's JSON while it is zero
	form     *form // in which values are compared; nil: as they are
}

var timeType = reflect.TypeFor[time.Time]()

// declareRow reads the schema and the fields of a row type.
func declareRow[Row any](d *def) {
	t := reflect.TypeFor[Row]()
	if t.Kind() != reflect.Struct || schema.WritesJSON(t) {
		d.fail("a row is a struct without a JSON encoding of its own, not %s", t)
		return
	}
	d.whole("row", t)
	d.rowType = t
	// A cold start must not pay for a schema that only the API's description needs.
	own := sync.OnceValues(schema.Of[Row])
	d.checks = append(d.checks, func() error {
		if _, err := own(); err != nil {
			return fmt.Errorf("rows have no schema: %w", err)
		}
		return nil
	})
	d.schema = sync.OnceValue(func() jsontext.Value {
		own, err := own()
		if err != nil {
			return nil
		}
		return rowSchema(own, d.kind)
	})
	d.fields = structFields(t)
	for _, f := range d.fields {
		if f.name == fieldID || f.name == fieldVersion {
			d.fail("a row must not declare %q: every answered row has it", f.name)
		}
	}
}

// whole checks, when the declaration is checked, that JSON keeps what is stored
// between batches.
func (d *def) whole(what string, t reflect.Type) {
	d.checks = append(d.checks, func() error {
		if path := schema.LostField(t); path != "" {
			return fmt.Errorf("%s %s: field %s is not stored, so it would be lost between batches", what, t, path)
		}
		return nil
	})
}

// structFields lists the members of a struct's JSON, in their order. Package
// schema has checked it: every field has a plain name, and types that write
// JSON of their own are not there.
func structFields(t reflect.Type) []field {
	var fields []field
	for sf := range t.Fields() {
		tag, tagged := sf.Tag.Lookup("json")
		if sf.Anonymous && !tagged {
			fields = append(fields, structFields(sf.Type)...)
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		f := field{name: name, omitted: options != ""} // omitzero or omitempty
		ft := sf.Type
		if ft.Kind() == reflect.Pointer {
			ft, f.nullable = ft.Elem(), true
		}
		f.kind, f.bits = kindOf(ft)
		fields = append(fields, f)
	}
	return fields
}

func kindOf(t reflect.Type) (kind fieldKind, bits int) {
	switch t.Kind() {
	case reflect.String:
		return kindString, 0
	case reflect.Bool:
		return kindBool, 0
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return kindInt, t.Bits()
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return kindUint, t.Bits()
	case reflect.Float32, reflect.Float64:
		return kindFloat, t.Bits()
	}
	if t == timeType {
		return kindTime, 0
	}
	return kindOther, 0
}

// value is what a field holds in the form that equal values share: a string, a
// time in UTC with nine decimals, a number, "true" or "false". Of a value of
// kindOther only the presence is known.
type value struct {
	text string
	num  decimal.Decimal // of a number
}

// timeLayout keeps the order of times as strings.
const timeLayout = "2006-01-02T15:04:05.000000000Z"

// parse reads a value from the text of a query parameter or of a JSON scalar.
// reason says, for clients, what is wrong.
func (f field) parse(text string) (v value, reason string) {
	switch f.kind {
	case kindBool:
		if text != "true" && text != "false" {
			return value{}, "must be true or false"
		}
	case kindTime:
		t, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return value{}, "must be a time such as 2006-01-02T15:04:05Z"
		}
		text = t.UTC().Format(timeLayout)
	case kindString:
		if !utf8.ValidString(text) {
			return value{}, "must be valid UTF-8"
		}
		if f.form != nil {
			return f.form.apply(text)
		}
	case kindInt, kindUint, kindFloat:
		return f.parseNumber(text)
	}
	return value{text: text}, ""
}

func (f field) parseNumber(text string) (value, string) {
	num, ok := decimal.Parse(text)
	if !ok {
		return value{}, "must be a number"
	}
	if f.kind == kindFloat {
		x, err := strconv.ParseFloat(text, f.bits)
		if err != nil {
			return value{}, "is outside the field's range"
		}
		num, _ = decimal.Parse(strconv.FormatFloat(x, 'e', -1, f.bits))
		return value{text: num.String(), num: num}, ""
	}
	if !num.IsInteger() {
		return value{}, "must be a whole number"
	}
	least, greatest := f.bounds()
	lowest, _ := decimal.Parse(least)
	highest, _ := decimal.Parse(greatest)
	if num.Compare(lowest) < 0 || num.Compare(highest) > 0 {
		return value{}, "is outside the field's range"
	}
	return value{text: num.String(), num: num}, ""
}

// bounds returns the least and the greatest number of the field's Go type, "" when
// it is not a number.
func (f field) bounds() (least, greatest string) {
	switch f.kind {
	case kindInt:
		return strconv.FormatInt(math.MinInt64>>(64-f.bits), 10), strconv.FormatInt(math.MaxInt64>>(64-f.bits), 10)
	case kindUint:
		return "0", strconv.FormatUint(math.MaxUint64>>(64-f.bits), 10)
	case kindFloat:
		greatest = strconv.FormatFloat(math.MaxFloat64, 'e', -1, 64)
		if f.bits == 32 {
			greatest = strconv.FormatFloat(math.MaxFloat32, 'e', -1, 32)
		}
		return "-" + greatest, greatest
	}
	return "", ""
}

// compare orders two values of the field.
func (f field) compare(a, b value) int {
	if f.kind.number() {
		return a.num.Compare(b.num)
	}
	return strings.Compare(a.text, b.text)
}

// zero returns the value of a field that a row's JSON leaves out or has as null:
// that of the Go type, which a client sees as no member. There is none for a
// pointer, nor for an object or a list.
func (f field) zero() (v value, ok bool) {
	if f.nullable || f.kind == kindOther {
		return value{}, false
	}
	text := ""
	switch {
	case f.kind == kindBool:
		text = "false"
	case f.kind == kindTime:
		text = "0001-01-01T00:00:00Z"
	case f.kind.number():
		text = "0"
	}
	v, reason := f.parse(text)
	return v, reason == ""
}

// read takes the field's value from JSON; present is false for no value. An error
// has code internal: the row is not of its type.
func (f field) read(raw jsontext.Value) (v value, present bool, err error) {
	kind := raw.Kind()
	if kind == 'n' {
		v, present = f.zero()
		return v, present, nil
	}
	want := jsontext.Kind('"')
	switch {
	case f.kind == kindOther:
		return value{}, true, nil
	case f.kind == kindBool:
		want = 't'
		if kind == 'f' {
			want = 'f'
		}
	case f.kind.number():
		want = '0'
	}
	if kind != want {
		return value{}, false, events.Errorf(events.CodeInternal, "field %q of a row holds another kind of value than %s", f.name, f.kind)
	}
	text := string(raw)
	if kind == '"' {
		b, err := jsontext.AppendUnquote(nil, raw)
		if err != nil {
			return value{}, false, events.Wrap(events.CodeInternal, err, "a row can't be read")
		}
		text = string(b)
	}
	v, reason := f.parse(text)
	if reason != "" {
		return value{}, false, events.Errorf(events.CodeInternal, "field %q of a row %s", f.name, reason)
	}
	return v, true, nil
}

// readFields returns the values of the given fields in the row, by name. A field
// that the row's JSON leaves out because it is zero has its zero value; one
// without a value (see field.zero) is not there.
func readFields(row jsontext.Value, fields []field) (map[string]value, error) {
	values := make(map[string]value, len(fields))
	d := jsontext.NewDecoder(bytes.NewReader(row))
	if tok, err := d.ReadToken(); err != nil || tok.Kind() != '{' {
		return nil, events.Wrap(events.CodeInternal, err, "a row can't be read")
	}
	for d.PeekKind() == '"' {
		tok, err := d.ReadToken()
		if err != nil {
			return nil, events.Wrap(events.CodeInternal, err, "a row can't be read")
		}
		name := tok.String()
		raw, err := d.ReadValue()
		if err != nil {
			return nil, events.Wrap(events.CodeInternal, err, "a row can't be read")
		}
		for _, f := range fields {
			if f.name != name {
				continue
			}
			v, present, err := f.read(raw)
			if err != nil {
				return nil, err
			}
			if present {
				values[name] = v
			}
		}
	}
	for _, f := range fields {
		if _, present := values[f.name]; !present {
			if v, ok := f.zero(); ok {
				values[f.name] = v
			}
		}
	}
	return values, nil
}
