package quickjson_test

import (
	"bytes"
	"encoding/json/jsontext"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"daybook/internal/quickjson"
)

// anyJSON draws JSON text, compact or not, and text that is nearly JSON.
func anyJSON(depth int) *rapid.Generator[string] {
	kinds := []*rapid.Generator[string]{
		rapid.SampledFrom([]string{"null", "true", "false", "0", "-0", "12", "-1.5e3", "01", "1.", "+1", "nul", "", `"`, `"\u00e9"`, `"\x"`, `"\ud800"`, `"a\"b"`, "\"\x01\"", "\"\xff\"", " 1", "1 "}),
		rapid.Map(rapid.String(), func(s string) string {
			b, err := jsontext.AppendQuote(nil, strings.ToValidUTF8(s, ""))
			if err != nil {
				return `""`
			}
			return string(b)
		}),
	}
	if depth > 0 {
		inner := rapid.SliceOfN(anyJSON(depth-1), 0, 3)
		kinds = append(kinds,
			rapid.Map(inner, func(vs []string) string { return "[" + strings.Join(vs, ",") + "]" }),
			rapid.Map(inner, func(vs []string) string {
				for i := range vs {
					vs[i] = `"` + string(rune('a'+i)) + `":` + vs[i]
				}
				return "{" + strings.Join(vs, ",") + "}"
			}))
	}
	return rapid.OneOf(kinds...)
}

// TestValues: what the reader takes for a value is one, and what is valid and compact
// it takes, with the same texts.
func TestValues(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := anyJSON(3).Draw(t, "text")
		valid := jsontext.Value(text).IsValid()
		if got := quickjson.Valid(jsontext.Value(text)); got != valid {
			t.Fatalf("%q: valid %v, want %v", text, got, valid)
		}
		r, ok := quickjson.New(text)
		value, taken := "", false
		if ok {
			value, taken = r.Value()
			taken = taken && r.End()
		}
		if taken && (!valid || value != text) {
			t.Fatalf("%q is taken for %q", text, value)
		}
		compact := jsontext.Value(text)
		if valid && !taken && compact.Compact() == nil && bytes.Equal(compact, []byte(text)) {
			t.Fatalf("%q is declined", text)
		}
	})
}

// TestTexts: a string is read as encoding/json reads it.
func TestTexts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := strings.ToValidUTF8(rapid.String().Draw(t, "text"), "")
		quoted, err := jsontext.AppendQuote(nil, want)
		if err != nil {
			t.Fatal(err)
		}
		r, ok := quickjson.New(string(quoted))
		got, read := r.Text()
		if !ok || !read || got != want || !r.End() {
			t.Fatalf("%s is read as %q, %v", quoted, got, read)
		}
	})
}

func TestDeepValuesAreDeclined(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]bool{100: true, 101: false} {
		r, _ := quickjson.New(strings.Repeat("[", n) + strings.Repeat("]", n))
		if _, ok := r.Value(); ok != want {
			t.Errorf("%d levels: %v", n, ok)
		}
	}
}

// FuzzValid: what is valid passes, and duplicate names are the only fault that may.
func FuzzValid(f *testing.F) {
	f.Add([]byte(`{"a":[1,"x\n",null]}`))
	f.Add([]byte(`{"a":1,"a":2}`))
	f.Fuzz(func(t *testing.T, v []byte) {
		got := quickjson.Valid(v)
		if got && !jsontext.Value(v).IsValid(jsontext.AllowDuplicateNames(true)) || !got && jsontext.Value(v).IsValid() {
			t.Fatalf("%q: %v", v, got)
		}
	})
}
