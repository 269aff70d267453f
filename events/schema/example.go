package schema

import (
	"encoding/json/jsontext"
	"strings"
)

// Example returns a value that the schema accepts, made from the example tags
// and the rules, always the same; false when it can't make one: a pattern needs
// an example tag. Members that may be left out are there.
func (s *Schema) Example() (jsontext.Value, bool) {
	w := newWriter()
	w.example(s)
	v := w.value()
	if v == nil || len(s.Validate(v, "")) > 0 {
		return nil, false
	}
	return v, true
}

func (w *writer) example(s *Schema) {
	if s.example != nil {
		w.raw(s.example)
		return
	}
	switch s.kind {
	case kindObject:
		w.begin()
		for _, f := range s.fields {
			w.name(f.name)
			w.example(f.schema)
		}
		w.end()
	case kindMap:
		w.begin()
		for i := range max(s.minLen, 1) {
			w.name("key" + strings.Repeat("-", i))
			w.example(s.elem)
		}
		w.end()
	case kindArray:
		w.token(jsontext.BeginArray)
		for range max(s.minLen, 1) {
			w.example(s.elem)
		}
		w.token(jsontext.EndArray)
	case kindString, kindTime:
		w.token(jsontext.String(s.exampleText()))
	case kindBool, kindAny:
		w.token(jsontext.True)
	default:
		w.raw(s.exampleNumber())
	}
}

func (s *Schema) exampleText() string {
	switch {
	case s.enum != nil:
		return s.enum[0]
	case s.format != nil:
		return s.format.example
	}
	text := "text"
	if short := s.minLen - len(text); short > 0 {
		text += strings.Repeat("t", short)
	}
	if s.maxLen >= 0 && s.maxLen < len(text) {
		text = text[:s.maxLen]
	}
	return text
}

// exampleNumber is 1 if the bounds allow it, else the bound that forbids it.
func (s *Schema) exampleNumber() jsontext.Value {
	one := parseNumber("1")
	switch {
	case s.enum != nil:
		return jsontext.Value(s.enum[0])
	case one.Compare(s.min.Decimal) < 0:
		return jsontext.Value(s.min.text)
	case one.Compare(s.max.Decimal) > 0:
		return jsontext.Value(s.max.text)
	}
	return jsontext.Value(one.text)
}
