package daybooktest

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"maps"
	"reflect"
	"slices"

	"github.com/google/go-cmp/cmp"
)

// same fails the test unless both lists are equal, with the lines that are missing (-)
// and those that are too much (+).
func (s *Scenario) same(what string, want, got []string) {
	s.t.Helper()
	if diff := cmp.Diff(append([]string{}, want...), append([]string{}, got...)); diff != "" {
		s.t.Fatalf("unexpected %s (- expected, + got):\n%s", what, diff)
	}
}

// fields are the lines of a row, one for each field: of a value, or of its JSON read
// into the type of like.
func fields(like, row any) ([]string, error) {
	if text, ok := row.(string); ok {
		into := reflect.New(reflect.TypeOf(like))
		if err := json.Unmarshal([]byte(text), into.Interface()); err != nil {
			return nil, err
		}
		row = into.Elem().Interface()
	}
	body, err := json.Marshal(row, json.Deterministic(true))
	if err != nil {
		return nil, err
	}
	var all map[string]jsontext.Value
	if err := json.Unmarshal(body, &all); err != nil {
		return nil, err
	}
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		lines = append(lines, name+": "+canonical(all[name]))
	}
	return lines, nil
}

func canonical(v jsontext.Value) string {
	v = v.Clone()
	_ = v.Canonicalize(jsontext.CanonicalizeRawInts(false), jsontext.CanonicalizeRawFloats(false)) // valid
	return string(v)
}
