package definition

import (
	"bytes"
	"encoding/json/jsontext"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"daybook/events"
	"daybook/events/decimal"
	"daybook/internal/quickjson"
)

// The members that every answered row has.
const (
	FieldID      = "id"
	FieldVersion = "version"
)

// FieldKind is the kind of values a field holds, by its Go type.
type FieldKind uint8

const (
	KindOther FieldKind = iota // an object, an array, or any JSON
	KindString
	KindTime // time.Time
	KindInt
	kindUint
	kindFloat
	KindBool
)

// String returns the kind in words of the API.
func (k FieldKind) String() string {
	switch k {
	case KindString:
		return "string"
	case KindTime:
		return "time"
	case KindInt, kindUint:
		return "integer"
	case kindFloat:
		return "number"
	case KindBool:
		return "boolean"
	}
	return "other"
}

// Number reports whether values of the kind are numbers.
func (k FieldKind) Number() bool { return k == KindInt || k == kindUint || k == kindFloat }

// Operators returns the operators that a filter on the field may have.
func (k FieldKind) Operators() []string {
	switch k {
	case KindString:
		return []string{"eq", "ne", "lt", "lte", "gt", "gte", "prefix", "in", "exists"}
	case KindTime, KindInt, kindUint, kindFloat:
		return []string{"eq", "ne", "lt", "lte", "gt", "gte", "in", "exists"}
	case KindBool:
		return []string{"eq", "ne", "in", "exists"}
	}
	return []string{"exists"}
}

// Field is a member of a row's JSON object.
type Field struct {
	Name     string
	Kind     FieldKind
	Bits     int   // of a number
	Nullable bool  // a pointer: null, or left out, means no value
	Omitted  bool  // left out of the row's JSON while it is zero
	Form     *Form // in which values are compared; nil: as they are
}

var timeType = reflect.TypeFor[time.Time]()

// KindOf is the kind of a Go type, and the bits of a number.
func KindOf(t reflect.Type) (kind FieldKind, bits int) {
	switch t.Kind() {
	case reflect.String:
		return KindString, 0
	case reflect.Bool:
		return KindBool, 0
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return KindInt, t.Bits()
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return kindUint, t.Bits()
	case reflect.Float32, reflect.Float64:
		return kindFloat, t.Bits()
	}
	if t == timeType {
		return KindTime, 0
	}
	return KindOther, 0
}

// Value is what a field holds in the form that equal values share: a string, a
// time in UTC with nine decimals, a number, "true" or "false". Of a value of
// KindOther only the presence is known.
type Value struct {
	Text string
	Num  decimal.Decimal // of a number
}

// timeLayout keeps the order of times as strings.
const timeLayout = "2006-01-02T15:04:05.000000000Z"

// Parse reads a value from the text of a query parameter or of a JSON scalar.
// reason says, for clients, what is wrong.
func (f Field) Parse(text string) (v Value, reason string) {
	switch f.Kind {
	case KindBool:
		if text != "true" && text != "false" {
			return Value{}, "must be true or false"
		}
	case KindTime:
		t, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return Value{}, "must be a time such as 2006-01-02T15:04:05Z"
		}
		text = t.UTC().Format(timeLayout)
	case KindString:
		if !utf8.ValidString(text) {
			return Value{}, "must be valid UTF-8"
		}
		if f.Form != nil {
			return f.Form.apply(text)
		}
	case KindInt, kindUint, kindFloat:
		return f.parseNumber(text)
	}
	return Value{Text: text}, ""
}

func (f Field) parseNumber(text string) (Value, string) {
	num, ok := decimal.Parse(text)
	if !ok {
		return Value{}, "must be a number"
	}
	if f.Kind == kindFloat {
		x, err := strconv.ParseFloat(text, f.Bits)
		if err != nil {
			return Value{}, "is outside the field's range"
		}
		num, _ = decimal.Parse(strconv.FormatFloat(x, 'e', -1, f.Bits))
		return Value{Text: num.String(), Num: num}, ""
	}
	if _, err := strconv.ParseInt(text, 10, f.Bits); err == nil && f.Kind == KindInt && text != "-0" {
		return Value{Text: text, Num: num}, ""
	}
	if !num.IsInteger() {
		return Value{}, "must be a whole number"
	}
	least, greatest := f.Bounds()
	lowest, _ := decimal.Parse(least)
	highest, _ := decimal.Parse(greatest)
	if num.Compare(lowest) < 0 || num.Compare(highest) > 0 {
		return Value{}, "is outside the field's range"
	}
	return Value{Text: num.String(), Num: num}, ""
}

// Bounds returns the least and the greatest number of the field's Go type, "" when
// it is not a number.
func (f Field) Bounds() (least, greatest string) {
	switch f.Kind {
	case KindInt:
		return strconv.FormatInt(math.MinInt64>>(64-f.Bits), 10), strconv.FormatInt(math.MaxInt64>>(64-f.Bits), 10)
	case kindUint:
		return "0", strconv.FormatUint(math.MaxUint64>>(64-f.Bits), 10)
	case kindFloat:
		greatest = strconv.FormatFloat(math.MaxFloat64, 'e', -1, 64)
		if f.Bits == 32 {
			greatest = strconv.FormatFloat(math.MaxFloat32, 'e', -1, 32)
		}
		return "-" + greatest, greatest
	}
	return "", ""
}

// Compare orders two values of the field.
func (f Field) Compare(a, b Value) int {
	if f.Kind.Number() {
		return a.Num.Compare(b.Num)
	}
	return strings.Compare(a.Text, b.Text)
}

// zero returns the value of a field that a row's JSON leaves out or has as null:
// that of the Go type, which a client sees as no member. There is none for a
// pointer, nor for an object or a list.
func (f Field) zero() (v Value, ok bool) {
	if f.Nullable || f.Kind == KindOther {
		return Value{}, false
	}
	text := ""
	switch {
	case f.Kind == KindBool:
		text = "false"
	case f.Kind == KindTime:
		text = "0001-01-01T00:00:00Z"
	case f.Kind.Number():
		text = "0"
	}
	v, reason := f.Parse(text)
	return v, reason == ""
}

// read takes the field's value from JSON; present is false for no value. An error
// has code internal: the row is not of its type.
func (f Field) read(raw string) (v Value, present bool, err error) {
	kind := raw[0]
	if kind == '-' || kind >= '0' && kind <= '9' {
		kind = '0'
	}
	if kind == 'n' {
		v, present = f.zero()
		return v, present, nil
	}
	want := byte('"')
	switch {
	case f.Kind == KindOther:
		return Value{}, true, nil
	case f.Kind == KindBool:
		want = 't'
		if kind == 'f' {
			want = 'f'
		}
	case f.Kind.Number():
		want = '0'
	}
	if kind != want {
		return Value{}, false, events.Errorf(events.CodeInternal, "field %q of a row holds another kind of value than %s", f.Name, f.Kind)
	}
	text := raw
	if kind == '"' {
		if text, err = unquote(raw); err != nil {
			return Value{}, false, events.Wrap(events.CodeInternal, err, "a row can't be read")
		}
	}
	v, reason := f.Parse(text)
	if reason != "" {
		return Value{}, false, events.Errorf(events.CodeInternal, "field %q of a row %s", f.Name, reason)
	}
	return v, true, nil
}

// unquote returns the text of a JSON string.
func unquote(raw string) (string, error) {
	if strings.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1], nil
	}
	b, err := jsontext.AppendUnquote(nil, raw)
	return string(b), err
}

// Values are the values of some fields of a row. A field without a value is not there.
type Values []fieldValue

type fieldValue struct {
	name string
	Value
}

// Of returns the value of a field.
func (vs Values) Of(name string) (v Value, present bool) {
	for i := range vs {
		if vs[i].name == name {
			return vs[i].Value, true
		}
	}
	return Value{}, false
}

// With returns the values with one more, of a field that has none.
func (vs Values) With(name string, v Value) Values { return append(vs, fieldValue{name, v}) }

// ReadFields appends the values of the given fields in the row. A field that the row's
// JSON leaves out because it is zero has its zero value; one without a value (see
// field.zero) is not there.
func ReadFields(to Values, row jsontext.Value, fields []Field) (Values, error) {
	values := to
	member := func(name, raw string) error {
		for i := range fields {
			if fields[i].Name != name {
				continue
			}
			v, present, err := fields[i].read(raw)
			if err != nil {
				return err
			}
			if present {
				values = values.With(name, v)
			}
		}
		return nil
	}
	quick, err := quickMembers(row, member)
	if err == nil && !quick {
		values = to
		err = members(row, member)
	}
	if err != nil {
		return nil, err
	}
	for _, f := range fields {
		if _, present := values.Of(f.Name); !present {
			if v, ok := f.zero(); ok {
				values = values.With(f.Name, v)
			}
		}
	}
	return values, nil
}

// quickMembers calls each with the members of a row that is written compactly; quick
// is false for any other row.
func quickMembers(row jsontext.Value, each func(name, raw string) error) (quick bool, err error) {
	r, quick := quickjson.New(string(row))
	quick = quick && r.Object(func(name string) bool {
		raw, ok := r.Value()
		if ok {
			err = each(name, raw)
		}
		return ok && err == nil
	}) && r.End()
	return quick, err
}

// members calls each with the members of a row.
func members(row jsontext.Value, each func(name, raw string) error) error {
	d := jsontext.NewDecoder(bytes.NewReader(row))
	if tok, err := d.ReadToken(); err != nil || tok.Kind() != '{' {
		return events.Wrap(events.CodeInternal, err, "a row can't be read")
	}
	for d.PeekKind() == '"' {
		tok, err := d.ReadToken()
		if err != nil {
			return events.Wrap(events.CodeInternal, err, "a row can't be read")
		}
		name := tok.String()
		raw, err := d.ReadValue()
		if err != nil {
			return events.Wrap(events.CodeInternal, err, "a row can't be read")
		}
		if err := each(name, string(raw)); err != nil {
			return err
		}
	}
	return nil
}
