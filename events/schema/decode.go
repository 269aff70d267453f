package schema

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"reflect"

	"daybook/events"
	"daybook/personal"
)

// Decode reads raw as a T, strictly: whatever Validate finds, with its paths, is
// an error of code malformed. s must be the schema of T; any other is an error
// of code internal.
func Decode[T any](s *Schema, raw jsontext.Value, at string) (T, error) {
	var value T
	if err := s.decode(raw, at, reflect.TypeFor[T](), &value); err != nil {
		var zero T
		return zero, err
	}
	return value, nil
}

// decode is Decode without its type parameter, factored out so that it is
// compiled once.
func (s *Schema) decode(raw jsontext.Value, at string, typ reflect.Type, to any) error {
	if s.typ != typ {
		return events.Errorf(events.CodeInternal, "the schema of %v was used for another type", s.typ)
	}
	v := s.validate(raw, at)
	if len(v.violations) > 0 {
		return &events.Error{
			Code:    events.CodeMalformed,
			Message: "the request is malformed",
			Fields:  v.violations,
		}
	}
	if err := json.Unmarshal(v.respell(raw), to, json.RejectUnknownMembers(true)); err != nil {
		path := at
		if e, ok := errors.AsType[*json.SemanticError](err); ok {
			path += string(e.JSONPointer)
		}
		e := events.Wrap(events.CodeMalformed, err, "the request is malformed")
		e.Fields = []events.Field{{Path: path, Message: "can't be read"}}
		return e
	}
	return nil
}

// Carry returns JSON of the schema, which must be valid, with its personal values in the
// carried form, of that subject where they have none (see package personal).
func (s *Schema) Carry(raw jsontext.Value, subject string) jsontext.Value {
	v := s.validate(raw, "")
	if len(v.respelled) > 0 {
		raw = v.respell(raw)
		v = s.validate(raw, "")
	}
	return personal.Carry(raw, v.marked, subject)
}

// respell writes integers such as 1e2 as Go reads them.
func (v *validator) respell(raw jsontext.Value) jsontext.Value {
	if len(v.respelled) == 0 {
		return raw
	}
	out := make(jsontext.Value, 0, len(raw)+20*len(v.respelled))
	end := 0
	for _, r := range v.respelled {
		out = append(append(out, raw[end:r.from]...), r.digits...)
		end = r.to
	}
	return append(out, raw[end:]...)
}
