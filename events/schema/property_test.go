package schema_test

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"daybook/events/schema"
)

// everything has each type and each rule once.
type everything struct {
	Audit
	Word     string            `json:"word" rule:"min=2,max=4"`
	Shown    string            `json:"shown" rule:"notblank,max=3"`
	Code     string            `json:"code" rule:"min=2,notblank,pattern=^[a-c]+,?[0-9]{0,2}$"`
	Email    string            `json:"email" rule:"format=email,max=40"`
	Site     *string           `json:"site" rule:"format=uri"`
	Ref      string            `json:"ref" rule:"format=uuid"`
	Money    *string           `json:"money" rule:"format=iso4217,required"`
	Owner    *string           `json:"owner" rule:"format=id"`
	When     string            `json:"when" rule:"format=date-time"`
	At       time.Time         `json:"at"`
	Color    status            `json:"color" rule:"enum=red|green"`
	Small    int8              `json:"small"`
	Port     uint16            `json:"port" rule:"min=1"`
	Big      int64             `json:"big"`
	Huge     uint64            `json:"huge"`
	Level    *int              `json:"level" rule:"enum=1|2|30"`
	Ratio    float64           `json:"ratio" rule:"min=0.1,max=1.5e3"`
	Single   float32           `json:"single"`
	On       bool              `json:"on"`
	Maybe    *bool             `json:"maybe"`
	Lines    []line            `json:"lines" rule:"min=1,max=3"`
	Tags     []string          `json:"tags" rule:"unique,each.max=3"`
	Set      []int64           `json:"set" rule:"unique,max=4"`
	Prices   map[string]int64  `json:"prices" rule:"min=1,max=2,each.min=0"`
	Nested   map[string][]line `json:"nested,omitzero"`
	Pointers []*line           `json:"pointers,omitempty"`
	Free     jsontext.Value    `json:"free,omitzero"`
}

// compile reads the part of a schema at a JSON pointer as the independent
// validator does.
func compile(t *testing.T, s *schema.Schema, pointer string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(s.JSON())))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("schema.json#" + pointer)
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// TestAgreesWithJSONSchema: what we accept, an independent validator accepts by
// our JSON Schema, and the other way round.
func TestAgreesWithJSONSchema(t *testing.T) {
	t.Parallel()
	s := mustOf[everything](t)
	independent := compile(t, s, "")
	var description map[string]any
	if err := json.Unmarshal(s.JSON(), &description); err != nil {
		t.Fatal(err)
	}
	accepted := 0
	rapid.Check(t, func(t *rapid.T) {
		g := generator{t: t, wild: rapid.SampledFrom([]int{0, 0, 2, 20}).Draw(t, "wild")}
		raw := g.value(description)
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(raw))
		if err != nil {
			t.Fatalf("generated %s: %v", raw, err)
		}
		theirs := independent.Validate(value)
		decoded, ours := schema.Decode[everything](s, jsontext.Value(raw), "")
		if (theirs == nil) != (ours == nil) {
			t.Fatalf("%s\nours:   %v\ntheirs: %v", raw, ours, theirs)
		}
		if ours != nil {
			return
		}
		accepted++
		again, err := json.Marshal(decoded)
		if err != nil {
			t.Fatal(err)
		}
		if violations := s.Validate(again, ""); len(violations) > 0 {
			t.Fatalf("what was decoded is not accepted when it is written: %s: %v", again, violations)
		}
	})
	if accepted == 0 {
		t.Error("nothing was accepted: the generator proves nothing")
	}
}

// generator writes JSON that mostly follows a JSON Schema.
type generator struct {
	t    *rapid.T
	wild int // of 100 values, how many follow nothing
}

func (g generator) rarely(label string, percent int) bool {
	return rapid.IntRange(0, 99).Draw(g.t, label) >= 100-percent
}

func (g generator) pick(pool ...string) string { return rapid.SampledFrom(pool).Draw(g.t, "pick") }

func (g generator) value(s map[string]any) string {
	if g.wild > 0 && g.rarely("wild", g.wild) {
		return g.pick(`null`, `true`, `""`, `"red"`, `1`, `1.0`, `0.5`, `-0`, `1e2`, `[]`, `[1]`, `{}`, `{"a":1}`)
	}
	kind, _ := s["type"].(string)
	if types, ok := s["type"].([]any); ok {
		if g.rarely("null", 30) {
			return "null"
		}
		kind = types[0].(string)
	}
	if values, ok := s["enum"].([]any); ok && !g.rarely("not of the enum", g.wild) {
		b, _ := json.Marshal(rapid.SampledFrom(values).Draw(g.t, "enum"))
		return string(b)
	}
	switch kind {
	case "object":
		return g.object(s)
	case "array":
		var elements []string
		for range rapid.IntRange(1, 3+g.wild/10).Draw(g.t, "elements") {
			elements = append(elements, g.value(s["items"].(map[string]any)))
		}
		return "[" + strings.Join(elements, ", ") + "]"
	case "boolean":
		return g.pick("true", "false")
	case "string":
		return g.text(s)
	}
	return g.number(s)
}

func (g generator) object(s map[string]any) string {
	var members []string
	member := func(name, value string) { members = append(members, `"`+name+`": `+value) }
	properties, _ := s["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		required, _ := s["required"].([]any)
		if slices.Contains(required, any(name)) && !g.rarely("missing", g.wild/4) || g.rarely("optional", 50) {
			member(name, g.value(properties[name].(map[string]any)))
		}
	}
	if elem, ok := s["additionalProperties"].(map[string]any); ok {
		for i := range rapid.IntRange(1, 2+g.wild/10).Draw(g.t, "members") {
			member([]string{"", "k", "é", "word"}[i], g.value(elem))
		}
	}
	if g.rarely("unknown", g.wild/4) {
		member("unknown", "1")
	}
	return "{" + strings.Join(members, ",") + "}"
}

func (g generator) text(s map[string]any) string {
	var text string
	format, _ := s["format"].(string)
	if pool := texts[format]; pool != nil {
		n := len(pool)
		if g.wild == 0 {
			n = 2 // the first two are good
		}
		text = rapid.SampledFrom(pool[:n]).Draw(g.t, format)
	} else if _, ok := s["allOf"]; ok {
		text = g.pick("ab", "abc,1", "c12")
		if g.rarely("text", g.wild) {
			text = g.pick("a,123", "abd", "", "A", "a\n", "ab\n", " ab")
		}
	} else {
		text = g.pick("xy", "xyz", "éé")
		if g.rarely("text", g.wild) {
			text = g.pick("", " ", "x", "\u00a0", "\t\u2003\n", "\u200b", "xyzz", "xyzzy", "😀😀", "😀😀😀😀", "e\u0301e\u0301")
		}
	}
	b, _ := json.Marshal(text)
	return string(b)
}

func (g generator) number(s map[string]any) string {
	if s["format"] == "double" && g.wild == 0 {
		return g.pick("0.1", "1", "1500", "1.5E+3", "0.10", "2.5e-1")
	}
	if g.wild == 0 {
		return g.pick("1", "2", "30", "1.0", "2e0", "300e-1", "0.1e1", "127")
	}
	return g.pick(numbers...)
}

var numbers = []string{"0", "-0", "0.0", "1", "1.5", "1e2", "1E+2", "100.0", "0.1e1", "10e-1", "-1", "-128", "-129", "127", "128",
	"65535", "65536", "9007199254740993", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
	"-9223372036854775809", "18446744073709551615", "18446744073709551616", "18446744073709551615.0", "1e19", "1e400",
	"-1e400", "1e-400", "0.1", "0.0999999999999999999999", "1500", "1500.000000000000000000001", "1.7976931348623157e308",
	"1.7976931348623158e308", "3.4028235e38", "3.4028236e38", "0e500"}

var garbage = []string{`null`, `true`, `""`, `"red"`, `"blue"`, `" "`, `"\u00a0"`, `"\u200b"`, `"ab"`, `"ab\n"`, `"ab,12"`, `"ab,123"`, `"xyzzy"`, `"😀😀😀😀"`, `"USD"`, `"usd"`,
	`[]`, `[1]`, `[1,1.0]`, `[0,-0]`, `["a","b"]`, `["a","a"]`, `["1",1]`, `[null]`, `[{"product":"p","quantity":1}]`, `[1,2,3,4,5]`, `{}`, `{"a":1}`, `{"a":-1}`, `{"a":1,"b":2,"c":3}`, `{"a":[]}`}

// TestAgreesWithJSONSchemaMemberByMember puts each of many values in the place of
// each member of an object that is accepted.
func TestAgreesWithJSONSchemaMemberByMember(t *testing.T) {
	t.Parallel()
	s := mustOf[everything](t)
	const valid = `{"word":"abc","shown":"a","code":"ab","email":"a@b","ref":"0198c0de-7e57-7a11-8000-00000000002a","money":"EUR",
		"when":"2026-01-31T09:30:00Z","at":"2026-01-31T09:30:00Z","color":"red","small":1,"port":1,"big":1,"huge":1,"ratio":1,"single":1,
		"on":true,"lines":[{"product":"p","quantity":1}],"tags":[],"set":[],"prices":{"a":1}}`
	if violations := s.Validate(jsontext.Value(valid), ""); violations != nil {
		t.Fatal(violations)
	}
	candidates := slices.Concat(numbers, garbage)
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		for _, text := range texts[name] {
			b, err := json.Marshal(text)
			if err != nil {
				t.Fatal(err)
			}
			candidates = append(candidates, string(b))
		}
	}
	for _, name := range []string{"note", "word", "shown", "code", "email", "site", "ref", "money", "owner", "when", "at", "color", "small", "port",
		"big", "huge", "level", "ratio", "single", "on", "maybe", "lines", "tags", "set", "prices", "nested", "pointers"} {
		independent := compile(t, s, "/properties/"+name)
		var members map[string]jsontext.Value
		if err := json.Unmarshal([]byte(valid), &members); err != nil {
			t.Fatal(err)
		}
		delete(members, name)
		rest, err := json.Marshal(members)
		if err != nil {
			t.Fatal(err)
		}
		others := "," + string(rest[1:])
		accepted := 0
		for _, candidate := range candidates {
			raw := jsontext.Value(`{"` + name + `":` + candidate + others)
			value, err := jsonschema.UnmarshalJSON(strings.NewReader(candidate))
			if err != nil {
				t.Fatal(err)
			}
			theirs := independent.Validate(value)
			_, ours := schema.Decode[everything](s, raw, "")
			if (ours == nil) != (s.Validate(raw, "") == nil) {
				t.Errorf("%s: %s: Decode: %v, Validate does not say so", name, candidate, ours)
			}
			if (theirs == nil) != (ours == nil) {
				t.Errorf("%s: %s\nours:   %v\ntheirs: %v", name, candidate, ours, theirs)
			}
			if ours == nil {
				accepted++
			}
		}
		if accepted == 0 || accepted == len(candidates) {
			t.Errorf("%s: %d of %d accepted, which proves nothing", name, accepted, len(candidates))
		}
	}
}

var texts = map[string][]string{
	"email": {"ada@example.com", "a+b.c@x-y.example", "a@b", "", "@", "a@", "@b", "a b@c", "a..b@c", ".a@b", "a.@b", "a@b..c", "a@-b", "a@b-",
		"a@b_c", "é@b.c", `"a b"@c.d`, "a@[127.0.0.1]", "a@@b", strings.Repeat("a", 64) + "@b", strings.Repeat("a", 65) + "@b", "a@" + strings.Repeat("b", 64), "a@b.c\n"},
	"uri": {"https://example.com/a?b=c#d", "urn:isbn:1", "http://[::1]/", "http://[::1", "http://::1/", "mailto:a@b", "/relative", "relative", "", "http:", "http://",
		"http://a b", "http://é/", "http://%zz/", "HTTP://A", "1a:b", "http://a:port/", "http://[fe80::1%25en0]/", "a:b", "http://[1]/", "http://a/%", "http://a]b/", "x:[", "http://a/\n", "::", "http://[::ffff:1.2.3.4]/", "http://u:p@h:1/"},
	"uuid": {"0198c0de-7e57-7a11-8000-00000000002a", "0198C0DE-7E57-7A11-8000-00000000002A", "0198c0de7e577a11800000000000002a", "{0198c0de-7e57-7a11-8000-00000000002a}",
		"0198c0de-7e57-7a11-8000-00000000002g", "0198c0de-7e57-7a11-80000-0000000002a", ""},
	"id": {"7", "ä/ö", "", " ", "a\tb", "a\x7fb", "a\u0085b", "a\n", strings.Repeat("é", 128), strings.Repeat("é", 129)},
	"date-time": {"2026-01-31T09:30:00Z", "2024-02-29T23:59:59.123456789+14:00", "2026-02-29T00:00:00Z", "2026-01-31", "2026-01-31T09:30:00", "2026-01-31t09:30:00z",
		"2026-01-31 09:30:00Z", "1998-12-31T23:59:60Z", "2026-01-31T24:00:00Z", "2026-01-31T9:30:00Z", "2026-01-31T09:30:00,5Z", "2026-01-31T09:30:00.Z", "2026-01-31T09:30:00.1.2Z", "2026-01-31T09:30:001Z", "2026-01-31T09:30:00+0a:00", "2026-01-31T09:30:00Z ", "2026-01-31T1:30:00.0Z", "2026-1-31T09:30:00.0Z",
		"2026-01-31T09:30:00+24:00", "2026-01-31T09:30:00+23:60", "0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z", "2026-01-31T09:30:00-00:00",
		"2026-01-31T09:30:00.1234567890123Z", "2026-01-31T09:30:00." + strings.Repeat("0", 60) + "Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", ""},
}

func FuzzDecode(f *testing.F) {
	s, err := schema.Of[everything]()
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{``, `{}`, `[`, `{"lines":[{"quantity":1e2}]}`, `{"tags":["a","a"],"set":[1,1.0]}`, `{"a":{"a":1,"a":2}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		violations := s.Validate(raw, "/payload")
		_, err := schema.Decode[everything](s, raw, "/payload")
		if (err == nil) != (len(violations) == 0) {
			t.Fatalf("Validate: %v, Decode: %v", violations, err)
		}
		for _, v := range violations {
			if !strings.HasPrefix(v.Path, "/payload") || v.Message == "" {
				t.Fatalf("violation %+v", v)
			}
		}
	})
}
