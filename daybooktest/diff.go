package daybooktest

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"reflect"
	"slices"
	"strings"
)

// same fails the test unless both lists are equal, with what is missing (-) and what
// is too much (+) between what is the same.
func (s *Scenario) same(what string, want, got []string) {
	s.t.Helper()
	if !slices.Equal(want, got) {
		s.t.Fatalf("unexpected %s (- expected, + got):\n%s", what, diff(want, got))
	}
}

// diff is the shortest way from one list of lines to another.
func diff(want, got []string) string {
	common := make([][]int, len(want)+1) // lengths of what the rests have in common
	for i := range common {
		common[i] = make([]int, len(got)+1)
	}
	for i := len(want) - 1; i >= 0; i-- {
		for j := len(got) - 1; j >= 0; j-- {
			if common[i][j] = max(common[i+1][j], common[i][j+1]); want[i] == got[j] {
				common[i][j] = common[i+1][j+1] + 1
			}
		}
	}
	var b strings.Builder
	for i, j := 0, 0; i < len(want) || j < len(got); {
		switch {
		case i < len(want) && j < len(got) && want[i] == got[j]:
			b.WriteString("    " + want[i] + "\n")
			i, j = i+1, j+1
		case j == len(got) || i < len(want) && common[i+1][j] >= common[i][j+1]:
			b.WriteString("  - " + want[i] + "\n")
			i++
		default:
			b.WriteString("  + " + got[j] + "\n")
			j++
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
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
	for _, name := range sortedKeys(all) {
		lines = append(lines, name+": "+canonical(all[name]))
	}
	return lines, nil
}

func canonical(v jsontext.Value) string {
	v = v.Clone()
	_ = v.Canonicalize(jsontext.CanonicalizeRawInts(false), jsontext.CanonicalizeRawFloats(false)) // valid
	return string(v)
}
