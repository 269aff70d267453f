package expect

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"daybook/events"
	"daybook/personal"
)

// Same fails the test unless both lists are equal, with the lines that are missing (-)
// and those that are too much (+).
func Same(t testing.TB, what string, want, got []string) {
	t.Helper()
	whole := cmp.Comparer(func(a, b string) bool { return a == b }) // no differences inside a line
	if diff := cmp.Diff(append([]string{}, want...), append([]string{}, got...), whole); diff != "" {
		t.Fatalf("unexpected %s (- expected, + got):\n%s", what, diff)
	}
}

// Rejected fails the test unless err is a rejection with the domain's code; instead
// says what came in place of one.
func Rejected(t testing.TB, code string, err error, instead string) {
	t.Helper()
	if e, ok := errors.AsType[*events.Error](err); !ok || !e.Rejected || e.Code != events.Code(code) {
		t.Fatalf("expected a rejection %q, got %s and the error %v", code, instead, err)
	}
}

// When fails the test unless the scenario has run.
func When(t testing.TB, ran bool) {
	t.Helper()
	if !ran {
		t.Fatalf("a scenario needs When before Then")
	}
}

// Shown is an error with the value of a panic: a test may show what a log may not.
func Shown(err error) error {
	if p, ok := errors.AsType[*events.Panic](err); ok {
		return fmt.Errorf("%w: %v", err, p.Value)
	}
	return err
}

// Events are the lines of events.
func Events(es []events.Event) (all []string) {
	for _, e := range es {
		all = append(all, Line(e.Name, e.Data))
	}
	return all
}

// Line is the line of something with a name and JSON data.
func Line(name string, data jsontext.Value) string {
	return name + " " + canonical(personal.Plain(data))
}

// JSON returns a value's JSON in one form.
func JSON(t testing.TB, what string, v any) jsontext.Value {
	t.Helper()
	body, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	return body
}

// Fields are the lines of a JSON value: one for each member of an object, or else
// one for the value.
func Fields(v jsontext.Value) (all []string) {
	var members map[string]jsontext.Value
	if v.Kind() != jsontext.KindBeginObject || json.Unmarshal(v, &members) != nil {
		return []string{canonical(v)}
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		all = append(all, name+": "+canonical(members[name]))
	}
	return all
}

func canonical(v jsontext.Value) string {
	v = v.Clone()
	_ = v.Canonicalize(jsontext.CanonicalizeRawInts(false), jsontext.CanonicalizeRawFloats(false)) // valid
	return string(v)
}
