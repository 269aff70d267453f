package schema

import (
	"bytes"
	"encoding/json/jsontext"
	"reflect"
)

// JSON returns the schema in JSON Schema 2020-12, the dialect of OpenAPI 3.1,
// always the same text. It accepts what Validate accepts; a validator
// need not assert formats, except for the finer points of an email address, a
// URI and a date. Objects allow no other members than they name. If an example
// can be made from the rules and the example tags, it is there.
// A personal value has the member x-personal.
func (s *Schema) JSON() jsontext.Value { return s.json(false) }

// AnswerJSON is JSON of what is answered and not sent: a personal value may be null,
// which says that it was erased.
func (s *Schema) AnswerJSON() jsontext.Value { return s.json(true) }

func (s *Schema) json(answered bool) jsontext.Value {
	w := newWriter()
	w.answered = answered
	w.begin()
	w.schema(s)
	if example, ok := s.Example(); ok && s.kind == kindObject {
		w.name("examples")
		w.token(jsontext.BeginArray)
		w.raw(example)
		w.token(jsontext.EndArray)
	}
	w.end()
	return w.value()
}

// notBlankPattern says what strings.TrimSpace says, in characters that regular
// expressions of Go and of ECMA-262 read alike.
const notBlankPattern = "[^\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"

// writer writes JSON to memory, which can't fail but by a defect; the first
// error is kept, and shows as an empty text.
type writer struct {
	b   *bytes.Buffer
	enc *jsontext.Encoder
	err error

	answered bool // see AnswerJSON
}

// nullable reports whether null is a value of the schema.
func (w *writer) nullable(s *Schema) bool { return s.nullable || s.personal && w.answered }

func newWriter() *writer {
	b := new(bytes.Buffer)
	return &writer{b: b, enc: jsontext.NewEncoder(b)}
}

func (w *writer) token(t jsontext.Token) {
	if w.err == nil {
		w.err = w.enc.WriteToken(t)
	}
}

func (w *writer) raw(v jsontext.Value) {
	if w.err == nil {
		w.err = w.enc.WriteValue(v)
	}
}

func (w *writer) name(s string)            { w.token(jsontext.String(s)) }
func (w *writer) text(name, v string)      { w.name(name); w.token(jsontext.String(v)) }
func (w *writer) count(name string, n int) { w.name(name); w.token(jsontext.Int(int64(n))) }
func (w *writer) begin()                   { w.token(jsontext.BeginObject) }
func (w *writer) end()                     { w.token(jsontext.EndObject) }

func (w *writer) value() jsontext.Value {
	if w.err != nil {
		return nil
	}
	return bytes.TrimSpace(w.b.Bytes())
}

// schema writes the members of s.
func (w *writer) schema(s *Schema) {
	w.types(s)
	if s.personal {
		w.name("x-personal")
		w.token(jsontext.True)
	}
	if s.doc != "" {
		w.text("description", s.doc)
	}
	switch s.kind {
	case kindObject:
		w.object(s)
	case kindArray, kindMap:
		w.container(s)
	case kindString, kindTime:
		w.strings(s)
	case kindInteger, kindNumber:
		w.numbers(s)
	}
	if s.example != nil {
		w.name("examples")
		w.token(jsontext.BeginArray)
		w.raw(s.example)
		w.token(jsontext.EndArray)
	}
}

func (w *writer) types(s *Schema) {
	if s.kind == kindAny {
		return
	}
	name := map[kind]string{
		kindObject: "object", kindMap: "object", kindArray: "array", kindString: "string",
		kindTime: "string", kindBool: "boolean", kindInteger: "integer", kindNumber: "number",
	}[s.kind]
	if !w.nullable(s) {
		w.text("type", name)
		return
	}
	w.name("type")
	w.token(jsontext.BeginArray)
	w.token(jsontext.String(name))
	w.token(jsontext.String("null"))
	w.token(jsontext.EndArray)
}

func (w *writer) object(s *Schema) {
	w.name("properties")
	w.begin()
	required := false
	for _, f := range s.fields {
		w.name(f.name)
		w.begin()
		w.schema(f.schema)
		w.end()
		required = required || f.required
	}
	w.end()
	if required {
		w.name("required")
		w.token(jsontext.BeginArray)
		for _, f := range s.fields {
			if f.required {
				w.token(jsontext.String(f.name))
			}
		}
		w.token(jsontext.EndArray)
	}
	w.name("additionalProperties")
	w.token(jsontext.False)
}

func (w *writer) container(s *Schema) {
	element, least, most := "items", "minItems", "maxItems"
	if s.kind == kindMap {
		element, least, most = "additionalProperties", "minProperties", "maxProperties"
	}
	w.name(element)
	w.begin()
	w.schema(s.elem)
	w.end()
	w.lengths(s, least, most, s.maxLen)
	if s.unique {
		w.name("uniqueItems")
		w.token(jsontext.True)
	}
}

func (w *writer) lengths(s *Schema, least, most string, limit int) {
	if s.minLen > 0 {
		w.count(least, s.minLen)
	}
	if limit >= 0 {
		w.count(most, limit)
	}
}

func (w *writer) strings(s *Schema) {
	limit := s.maxLen
	var patterns []string
	if f := s.format; f != nil {
		if f.name != "" {
			w.text("format", f.name)
		}
		if limit < 0 || f.maxLen < limit {
			limit = f.maxLen
		}
		if f.pattern != "" {
			patterns = append(patterns, f.pattern)
		}
		w.enum(s, f.enum)
	}
	w.lengths(s, "minLength", "maxLength", limit)
	if s.notBlank {
		patterns = append(patterns, notBlankPattern)
	}
	if s.pattern != nil {
		patterns = append(patterns, s.pattern.text)
	}
	w.patterns(patterns)
	w.enum(s, s.enum)
}

// patterns writes all patterns that a string must match.
func (w *writer) patterns(patterns []string) {
	switch len(patterns) {
	case 0:
	case 1:
		w.text("pattern", patterns[0])
	default:
		w.name("allOf")
		w.token(jsontext.BeginArray)
		for _, p := range patterns {
			w.begin()
			w.text("pattern", p)
			w.end()
		}
		w.token(jsontext.EndArray)
	}
}

func (w *writer) numbers(s *Schema) {
	switch s.goType().Kind() { // the formats that OpenAPI 3.1 knows
	case reflect.Float32:
		w.text("format", "float")
	case reflect.Float64:
		w.text("format", "double")
	case reflect.Int32:
		w.text("format", "int32")
	case reflect.Int, reflect.Int64:
		w.text("format", "int64")
	}
	w.name("minimum")
	w.raw(jsontext.Value(s.min.text))
	w.name("maximum")
	w.raw(jsontext.Value(s.max.text))
	w.enum(s, s.enum)
}

func (w *writer) enum(s *Schema, values []string) {
	if values == nil {
		return
	}
	w.name("enum")
	w.token(jsontext.BeginArray)
	for _, v := range values {
		if s.kind == kindInteger {
			w.raw(jsontext.Value(v))
		} else {
			w.token(jsontext.String(v))
		}
	}
	if w.nullable(s) {
		w.token(jsontext.Null)
	}
	w.token(jsontext.EndArray)
}
