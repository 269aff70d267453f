package schema_test

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"daybook/events"
	"daybook/events/schema"
)

type line struct {
	Product  string `json:"product" rule:"min=1,max=20"`
	Quantity int64  `json:"quantity" rule:"min=1,max=1000"`
}

type Audit struct {
	Note string `json:"note" rule:"optional,max=5"`
}

type status string

type order struct {
	Audit
	Customer string            `json:"customer" rule:"notblank" doc:"Who pays." example:"ada"`
	Email    *string           `json:"email" rule:"format=email"`
	Currency string            `json:"currency" rule:"format=iso4217"`
	Status   status            `json:"status,omitzero" rule:"enum=open|closed"`
	Lines    []line            `json:"lines" rule:"min=1,max=3"`
	Tags     []string          `json:"tags,omitempty" rule:"unique,each.max=4,each.pattern=^[a-z]{1,3}$" example:"[\"abc\"]"`
	Labels   map[string]uint8  `json:"labels,omitzero" rule:"max=2,each.max=9"`
	At       time.Time         `json:"at,omitzero"`
	Weight   float64           `json:"weight,omitzero" rule:"min=0.1,max=1.5e3"`
	Level    int8              `json:"level,omitzero" rule:"enum=1|2|30"`
	Gift     *bool             `json:"gift" rule:"required"`
	Extra    map[string]string `json:"-"`
	hidden   int               //lint:ignore U1000 an unexported field is left out of the schema
}

const valid = `"customer":"ada","currency":"EUR","lines":[{"product":"p","quantity":1}],"gift":null`

func mustOf[T any](t *testing.T) *schema.Schema {
	t.Helper()
	s, err := schema.Of[T]()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestValidate(t *testing.T) {
	t.Parallel()
	s := mustOf[order](t)
	tests := []struct {
		name, raw string
		want      []string
	}{
		{"valid", `{` + valid + `}`, nil},
		{"white space around", " {" + valid + "}\n", nil},
		{"all there", `{` + valid + `,"note":"n","email":"a.b@c.de","status":"open","tags":["a","b"],"labels":{"x":9},"at":"2026-01-31T09:30:00.5+01:00","weight":1500,"level":30}`, nil},
		{"null pointer", `{` + valid + `,"email":null}`, nil},
		{"nothing", ``, []string{"/payload is not valid JSON (at byte 0)"}},
		{"not an object", `[]`, []string{"/payload must be an object"}},
		{"null", `null`, []string{"/payload must not be null"}},
		{"every member missing", `{}`, []string{
			"/payload/customer is required", "/payload/currency is required",
			"/payload/lines is required", "/payload/gift is required"}},
		{"unknown", `{` + valid + `,"a/b~c":{"deep":[1]},"Customer":1}`, []string{
			"/payload/a~1b~0c unknown field", "/payload/Customer unknown field"}},
		{"twice", `{` + valid + `,"customer":"bob","x":1,"x":2}`, []string{
			"/payload/customer duplicate field", "/payload/x unknown field", "/payload/x duplicate field"}},
		{"twice by an escape", `{` + valid + `,"cust\u006fmer":"bob"}`, []string{"/payload/customer duplicate field"}},
		{"twice in a map", `{` + valid + `,"labels":{"a":1,"a":2}}`, []string{"/payload/labels/a duplicate field"}},
		{"wrong types", `{"customer":1,"currency":null,"lines":{},"gift":"yes","labels":[],"weight":"1","level":true,"at":5}`, []string{
			"/payload/customer must be a string", "/payload/currency must not be null", "/payload/lines must be an array",
			"/payload/gift must be true or false", "/payload/labels must be an object", "/payload/weight must be a number",
			"/payload/level must be a whole number", "/payload/at must be a string"}},
		{"strings", `{"customer":" \u00a0","currency":"EUX","lines":[{"product":"","quantity":1},{"product":"` + strings.Repeat("é", 21) + `","quantity":1}],"gift":true,"note":"éééééé"}`, []string{
			"/payload/customer must not be blank", "/payload/currency must be an ISO 4217 currency code",
			"/payload/lines/0/product must not be empty", "/payload/lines/1/product must have at most 20 characters",
			"/payload/note must have at most 5 characters"}},
		{"numbers", `{` + valid + `,"weight":0.09999999999999999999999,"level":3}`, []string{
			"/payload/weight must be at least 0.1", "/payload/level must be one of 1, 2, 30"}},
		{"more numbers", `{` + valid + `,"weight":1500.00000000000000001,"level":300}`, []string{
			"/payload/weight must be at most 1.5e3", "/payload/level must be at most 127"}},
		{"fraction", `{` + valid + `,"level":1.5}`, []string{"/payload/level must be a whole number"}},
		{"huge exponents", `{` + valid + `,"level":1e999999999999999999999,"weight":1e-999999999999999999999}`, []string{
			"/payload/level must be at most 127", "/payload/weight must be at least 0.1"}},
		{"arrays", `{"customer":"a","currency":"EUR","lines":[],"gift":true,"tags":["a","toolong","a","A"]}`, []string{
			"/payload/lines must not be empty", "/payload/tags/1 must have at most 4 characters",
			"/payload/tags/1 must match ^[a-z]{1,3}$", "/payload/tags/2 duplicate element", "/payload/tags/3 must match ^[a-z]{1,3}$"}},
		{"maps", `{` + valid + `,"labels":{"a":1,"b":10,"c":3}}`, []string{
			"/payload/labels/b must be at most 9", "/payload/labels must have at most 2 members"}},
		{"enum and time", `{` + valid + `,"status":"Open","at":"2026-02-30T00:00:00Z"}`, []string{
			"/payload/status must be one of open, closed",
			"/payload/at must be a date and time as in 2026-01-31T09:30:00Z (RFC 3339)"}},
		{"behind the end", `{` + valid + `} {}`, []string{"/payload trailing data"}},
		{"cut off", `{"customer":"a`, []string{"/payload/customer is not valid JSON (at byte 14)"}},
		{"cut off in a list", `{"lines":[{`, []string{"/payload/lines/0 is not valid JSON (at byte 11)"}},
		{"wrong bracket", `{"lines":[}`, []string{"/payload/lines/0 is not valid JSON (at byte 10)"}},
		{"invalid UTF-8", "{\"customer\":\"\xff\"}", []string{"/payload/customer is not valid JSON (at byte 13)"}},
		{"half a surrogate pair", `{"customer":"\ud800"}`, []string{"/payload/customer is not valid JSON (at byte 13)"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, f := range s.Validate(jsontext.Value(tt.raw), "/payload") {
				got = append(got, f.Path+" "+f.Message)
			}
			if strings.Join(got, "\n") != strings.Join(tt.want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
			_, err := schema.Decode[order](s, jsontext.Value(tt.raw), "/payload")
			if (err != nil) != (tt.want != nil) {
				t.Fatalf("Decode: %v", err)
			}
			if e, ok := errors.AsType[*events.Error](err); err != nil && (!ok || e.Code != events.CodeMalformed || len(e.Fields) != len(tt.want)) {
				t.Errorf("Decode: %v", err)
			}
		})
	}
}

func TestValidateStopsAfterTooManyViolations(t *testing.T) {
	t.Parallel()
	s := mustOf[struct {
		M map[string]int `json:"m"`
	}](t)
	for name, member := range map[string]string{"unknown": `"x%d":0`, "wrong": `"m%d":""`} {
		var b strings.Builder
		for i := range 5_000 {
			fmt.Fprintf(&b, ","+member, i)
		}
		raw := `{"m":{}` + b.String() + "}"
		if name == "wrong" {
			raw = `{"m":{` + b.String()[1:] + "}}"
		}
		if got := len(s.Validate(jsontext.Value(raw), "")); got != schema.MaxViolations {
			t.Errorf("%s: %d violations", name, got)
		}
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	type numbers struct {
		A int64   `json:"a"`
		B uint64  `json:"b"`
		C []int   `json:"c"`
		D float64 `json:"d"`
	}
	s := mustOf[numbers](t)
	got, err := schema.Decode[numbers](s, jsontext.Value(`{ "a": -9223372036854775808, "b":18446744073709551615.0, "c":[1.0, 1e2 ,-0, 120E-1,0e99, 9007199254740993], "d":1e2}`), "")
	if err != nil {
		t.Fatal(err)
	}
	want := numbers{-9223372036854775808, 18446744073709551615, []int{1, 100, 0, 12, 0, 9007199254740993}, 100}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, raw := range []string{
		`{"a":9223372036854775808,"b":0,"c":[],"d":0}`,
		`{"a":0,"b":-1,"c":[],"d":0}`,
		`{"a":0,"b":18446744073709551616,"c":[],"d":0}`,
		`{"a":0,"b":0,"c":[0.5],"d":0}`,
		`{"a":0,"b":0,"c":[],"d":1e309}`,
	} {
		if _, err := schema.Decode[numbers](s, jsontext.Value(raw), ""); events.CodeOf(err) != events.CodeMalformed {
			t.Errorf("%s: %v", raw, err)
		}
	}
	if _, err := schema.Decode[order](s, jsontext.Value(`{}`), ""); events.CodeOf(err) != events.CodeInternal {
		t.Errorf("another type's schema: %v", err)
	}
}

type (
	tree struct {
		Kids []tree `json:"kids"`
	}
	lower struct {
		V int `json:"v"`
	}
	ownJSON   struct{}
	bare      struct{ v int } //lint:ignore U1000 a type without a field of JSON
	cyclicMap map[string]cyclicMap
)

func (ownJSON) MarshalText() ([]byte, error) { return nil, nil }

func TestOfRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		err  error
		want string
	}{
		{of[any](), "type interface {} is not supported"},
		{of[chan int](), "not supported"},
		{of[[2]int](), "not supported"},
		{of[uintptr](), "not supported"},
		{of[complex128](), "not supported"},
		{of[[]byte](), "bytes are not supported"},
		{of[**int](), "a pointer to *int"},
		{of[map[int]int](), "keys of a map must be strings"},
		{of[time.Duration](), "time.Duration"},
		{of[*jsontext.Value](), "a pointer to jsontext.Value"},
		{of[json.Marshaler](), "writes its own JSON"},
		{of[ownJSON](), "writes its own JSON"},
		{of[tree](), "contains itself"},
		{of[cyclicMap](), "contains itself"},
		{of[bare](), "no field has a place"},
		{of[struct{ lower }](), "only an exported struct can be embedded"},
		{of[struct{ *Audit }](), "only an exported struct can be embedded"},
		{of[struct{ A int }](), ".A: needs a json name"},
		{of[struct {
			A int `json:"a b"`
		}](), "needs a json name"},
		{of[struct {
			A int `json:",omitzero"`
		}](), "needs a json name"},
		{of[struct {
			A int `json:"a,string"`
		}](), `json option "string" is not supported`},
		{of[struct {
			Audit
			B int `json:"note"`
		}](), `.B: the name "note" is taken`},
		{of[struct {
			A []chan int `json:"a"`
		}](), ".A[]: type chan int"},
		{of[struct {
			A int `json:"a" rule:"wild"`
		}](), `rule "wild": unknown rule`},
		{of[struct {
			A int `json:"a" rule:"min=1,min=2"`
		}](), `rule "min" is given twice`},
		{of[struct {
			A int `json:"a" rule:"required,optional"`
		}](), "not both"},
		{of[struct {
			A int `json:"a" rule:"required=1"`
		}](), "takes no value"},
		{of[struct {
			A int `json:"a" rule:"min=x"`
		}](), "needs a number"},
		{of[struct {
			A int `json:"a" rule:"min=1.5"`
		}](), "needs a whole number"},
		{of[struct {
			A int8 `json:"a" rule:"max=128"`
		}](), "out of the range"},
		{of[struct {
			A uint `json:"a" rule:"min=-1"`
		}](), "out of the range"},
		{of[struct {
			A int `json:"a" rule:"min=2,max=1"`
		}](), "min=2 is over max=1"},
		{of[struct {
			A string `json:"a" rule:"min=2,max=1"`
		}](), "min=2 is over max=1"},
		{of[struct {
			A string `json:"a" rule:"min=-2"`
		}](), "whole number from 0"},
		{of[struct {
			A bool `json:"a" rule:"min=1"`
		}](), "does not fit the type"},
		{of[struct {
			A bool `json:"a" rule:"enum=true"`
		}](), "does not fit the type"},
		{of[struct {
			A string `json:"a" rule:"enum=a|"`
		}](), "empty value"},
		{of[struct {
			A string `json:"a" rule:"enum=a|a"`
		}](), "twice"},
		{of[struct {
			A int8 `json:"a" rule:"enum=1|1000"`
		}](), "not a value of the type"},
		{of[struct {
			A int8 `json:"a" rule:"enum=1|x"`
		}](), "not a value of the type"},
		{of[struct {
			A string `json:"a" rule:"enum=a,format=email"`
		}](), "not both"},
		{of[struct {
			A int `json:"a" rule:"notblank"`
		}](), "does not fit the type"},
		{of[struct {
			A string `json:"a" rule:"notblank=1"`
		}](), "takes no value"},
		{of[struct {
			A string `json:"a" rule:"unique"`
		}](), "does not fit the type"},
		{of[struct {
			A []line `json:"a" rule:"unique"`
		}](), "does not fit the type"},
		{of[struct {
			A []*int `json:"a" rule:"unique"`
		}](), "does not fit the type"},
		{of[struct {
			A int `json:"a" rule:"format=email"`
		}](), "does not fit the type"},
		{of[struct {
			A string `json:"a" rule:"format=phone"`
		}](), `rule "format=phone": unknown format`},
		{of[struct {
			A string `json:"a" rule:"pattern=("`
		}](), "missing closing )"},
		{of[struct {
			A string `json:"a" rule:"pattern="`
		}](), "needs a regular expression"},
		{of[struct {
			A string `json:"a" rule:"pattern=(?i)a"`
		}](), "does not mean the same"},
		{of[struct {
			A string `json:"a" rule:"each.min=1"`
		}](), "does not fit the type"},
		{of[struct {
			A []string `json:"a" rule:"each.wild"`
		}](), "unknown rule"},
		{of[struct {
			A []string `json:"a" rule:"each.min=2,each.max=1"`
		}](), "is over"},
		{of[struct {
			A string `json:"a" rule:"min=3" example:"x"`
		}](), "example"},
		{of[struct {
			A string `json:"a" example:"\xff"`
		}](), "example"},
		{of[struct {
			A int `json:"a" example:"x"`
		}](), "example"},
	}
	for i, tt := range tests {
		if tt.err == nil || !strings.Contains(tt.err.Error(), tt.want) {
			t.Errorf("%d: got %v, want %q", i, tt.err, tt.want)
		}
	}
}

func of[T any]() error {
	_, err := schema.Of[T]()
	return err
}

func TestJSON(t *testing.T) {
	t.Parallel()
	type payload struct {
		Name  string  `json:"name" rule:"notblank,max=100" doc:"The user's full name." example:"Ada Lovelace"`
		Price int64   `json:"price" rule:"min=1"`
		Kind  *string `json:"kind" rule:"enum=a|b"`
		Ratio float32 `json:"ratio,omitzero" rule:"min=0,max=1"`
		Codes []int32 `json:"codes" rule:"max=2,unique,each.enum=1|2"`
	}
	const want = `{"type":"object","properties":{` +
		`"name":{"type":"string","description":"The user's full name.","maxLength":100,"pattern":"[^\t\n\u000b\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]","examples":["Ada Lovelace"]},` +
		`"price":{"type":"integer","format":"int64","minimum":1,"maximum":9223372036854775807},` +
		`"kind":{"type":["string","null"],"enum":["a","b",null]},` +
		`"ratio":{"type":"number","format":"float","minimum":0,"maximum":1},` +
		`"codes":{"type":"array","items":{"type":"integer","format":"int32","minimum":-2147483648,"maximum":2147483647,"enum":[1,2]},"maxItems":2,"uniqueItems":true}},` +
		`"required":["name","price","codes"],"additionalProperties":false,` +
		`"examples":[{"name":"Ada Lovelace","price":1,"kind":"a","ratio":1,"codes":[1]}]}`
	var w jsontext.Value = []byte(want)
	got := mustOf[payload](t).JSON()
	if err := w.Canonicalize(jsontext.CanonicalizeRawInts(false)); err != nil {
		t.Fatal(err)
	}
	canonical := got.Clone()
	if err := canonical.Canonicalize(jsontext.CanonicalizeRawInts(false)); err != nil || string(canonical) != string(w) {
		t.Errorf("got  %s\nwant %s", canonical, w)
	}
	if again := mustOf[payload](t).JSON(); string(again) != string(got) {
		t.Errorf("not the same text: %s", again)
	}
	if got := string(mustOf[struct{}](t).JSON()); got != `{"type":"object","properties":{},"additionalProperties":false,"examples":[{}]}` {
		t.Errorf("empty payload: %s", got)
	}
}

func TestExample(t *testing.T) {
	t.Parallel()
	if v, ok := mustOf[order](t).Example(); !ok {
		t.Errorf("no example of an order: %s", v)
	}
	if v, ok := mustOf[struct {
		A string `json:"a" rule:"pattern=^x$"`
	}](t).Example(); ok {
		t.Errorf("an example without an example tag for a pattern: %s", v)
	}
	v, ok := mustOf[struct {
		A string         `json:"a" rule:"min=6"`
		B string         `json:"b" rule:"max=2"`
		C int            `json:"c" rule:"min=5"`
		D int            `json:"d" rule:"max=-5"`
		E map[string]int `json:"e" rule:"min=2"`
		F time.Time      `json:"f"`
		G int            `json:"g" rule:"enum=7|8"`
		H bool           `json:"h"`
	}](t).Example()
	const want = `{"a":"texttt","b":"te","c":5,"d":-5,"e":{"key":1,"key-":1},"f":"2026-01-31T09:30:00Z","g":7,"h":true}`
	if !ok || string(v) != want {
		t.Errorf("got %s", v)
	}
}

func TestAnyJSON(t *testing.T) {
	t.Parallel()
	type body struct {
		Free jsontext.Value `json:"free,omitzero"`
	}
	s := mustOf[body](t)
	for _, raw := range []string{`{}`, `{"free":null}`, `{"free": {"a":[1,{"b":1.0}]}}`} {
		if _, err := schema.Decode[body](s, jsontext.Value(raw), ""); err != nil {
			t.Errorf("%s: %v", raw, err)
		}
	}
	got := s.Validate(jsontext.Value(`{"free":{"a":[1,{"b":1,"b":2}]},"x":0}`), "/at")
	if fmt.Sprint(got) != "[{/at/free/a/1/b duplicate field} {/at/x unknown field}]" {
		t.Errorf("got %v", got)
	}
	nested := func(levels int) jsontext.Value {
		return jsontext.Value(`{"free":["[\"[",` + strings.Repeat("[", levels-1) + strings.Repeat("]", levels-1) + `]}`)
	}
	if got := s.Validate(nested(1000), ""); got != nil {
		t.Errorf("1000 levels: %v", got)
	}
	for _, levels := range []int{1001, 9_000, 20_000} {
		if got := fmt.Sprint(s.Validate(nested(levels), "/at")); got != "[{/at/free is nested deeper than 1000 levels}]" {
			t.Errorf("%d levels: %s", levels, got)
		}
	}
	got = s.Validate(jsontext.Value(`{"free":{"a":[`), "")
	if len(got) != 1 || !strings.Contains(got[0].Message, "not valid JSON") {
		t.Errorf("got %v", got)
	}
}

func ExampleDecode() {
	type createUser struct {
		Name  string `json:"name" rule:"notblank,max=100"`
		Email string `json:"email" rule:"format=email"`
	}
	s, err := schema.Of[createUser]()
	if err != nil {
		panic(err)
	}
	user, err := schema.Decode[createUser](s, jsontext.Value(`{"name":"Ada","email":"ada@example.com"}`), "/payload")
	fmt.Println(user, err)

	_, err = schema.Decode[createUser](s, jsontext.Value(`{"name":" ","age":36}`), "/payload")
	if e, ok := errors.AsType[*events.Error](err); ok {
		for _, f := range e.Fields {
			fmt.Println(f.Path, f.Message)
		}
	}
	// Output:
	// {Ada ada@example.com} <nil>
	// /payload/name must not be blank
	// /payload/age unknown field
	// /payload/email is required
}
