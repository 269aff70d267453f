package attr

import (
	"strings"
	"testing"
)

func TestParseItemNormalizes(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{}`:                                        `{}`,
		` {"b":{"S":"x"}, "a":{"N":"1.0"}} `:        `{"a":{"N":"1"},"b":{"S":"x"}}`,
		`{"a":{"NS":["10","2","1.0"]}}`:             `{"a":{"NS":["1","2","10"]}}`,
		`{"a":{"SS":["b","","A"]}}`:                 `{"a":{"SS":["","A","b"]}}`,
		`{"a":{"BS":["/w==","AQ==",""]}}`:           `{"a":{"BS":["","AQ==","/w=="]}}`,
		`{"a":{"S":""},"b":{"B":""}}`:               `{"a":{"S":""},"b":{"B":""}}`,
		`{"a":{"L":[]},"b":{"M":{}}}`:               `{"a":{"L":[]},"b":{"M":{}}}`,
		`{"a":{"BOOL":"true"},"b":{"BOOL":"no"}}`:   `{"a":{"BOOL":true},"b":{"BOOL":false}}`,
		`{"a":{"S":null,"N":"1"}}`:                  `{"a":{"N":"1"}}`,
		`{"a":{"X":[1],"S":"x"}}`:                   `{"a":{"S":"x"}}`,
		`{"é":{"S":"\u0000\"\\\u2028é😀<"}}`:         "{\"é\":{\"S\":\"\\u0000\\\"\\\\\u2028é😀<\"}}",
		`{"a":{"M":{"x":{"L":[{"BOOL":false}]}}}}`:  `{"a":{"M":{"x":{"L":[{"BOOL":false}]}}}}`,
		`{"a":{"N":"-0.00"},"b":{"N":"123456e-3"}}`: `{"a":{"N":"0"},"b":{"N":"123.456"}}`,
	} {
		it, err := ParseItem([]byte(in))
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if got := string(AppendJSON(nil, it)); got != want {
			t.Errorf("%s\n  %s\nwant\n  %s", in, got, want)
		}
	}
}

func TestParseItemRefuses(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"a":{}}`:                     msgEmptyValue,
		`{"a":{"S":null}}`:             msgEmptyValue,
		`{"a":{"X":"y"}}`:              msgEmptyValue,
		`{"a":{"S":"x","N":"1"}}`:      msgManyTypes,
		`{"a":{"S":"x","N":"b"}}`:      msgNotNumber + ": b",
		`{"a":{"SS":[]}}`:              "One or more parameter values were invalid: An string set  may not be empty",
		`{"a":{"NS":[]}}`:              "One or more parameter values were invalid: An number set  may not be empty",
		`{"a":{"BS":[]}}`:              "One or more parameter values were invalid: Binary sets should not be empty",
		`{"a":{"SS":["x","y","x"]}}`:   "One or more parameter values were invalid: Input collection [x, y, x] contains duplicates.",
		`{"a":{"NS":["1","2","1.0"]}}`: "Input collection contains duplicates",
		`{"a":{"BS":["AQ==","AQ=="]}}`: "One or more parameter values were invalid: Input collection [AQ==, AQ==]of type BS contains duplicates.",
		`{"a":{"N":""}}`:               msgNotNumber,
		`{"a":{"N":"x"}}`:              msgNotNumber + ": x",
		`{"a":{"NS":["1","x"]}}`:       msgNotNumber + ": x",
		`{"a":{"L":[{"N":"1e126"}]}}`:  msgOverflow,
		`{"a":{"M":{"b":{"SS":[]}}}}`:  msgEmptySS,
		`{"a":{"L":[{}]}}`:             msgEmptyValue,
		`{"a":{"NULL":false}}`:         msgNullFalse,
		`{"a":{"M":{"":{"S":"x"}}}}`:   "Empty attribute name",
		nested(32):                     msgDepth,
		nested(200):                    msgDepth,
	} {
		_, err := ParseItem([]byte(in))
		refused, ok := err.(*ValidationError)
		if !ok || refused.Message != want || refused.Error() != want {
			t.Errorf("%.80s\n  %v\nwant\n  %s", in, err, want)
			continue
		}
		if refused.Name != "a" {
			t.Errorf("%.80s: refused attribute %q", in, refused.Name)
		}
	}
}

// nested is an item whose attribute is a string in that many lists.
func nested(lists int) string {
	return `{"a":` + strings.Repeat(`{"L":[`, lists) + `{"S":"x"}` + strings.Repeat(`]}`, lists) + `}`
}

func TestParseItemDepth(t *testing.T) {
	t.Parallel()
	if _, err := ParseItem([]byte(nested(31))); err != nil {
		t.Errorf("32 levels: %v", err)
	}
}

func TestParseItemMalformed(t *testing.T) {
	t.Parallel()
	const unexpected = "Unexpected token received from parser"
	for in, want := range map[string]string{
		``:                         unexpected,
		`{`:                        unexpected,
		`{"a":{"S":"x"}`:           unexpected,
		`{"a":{"S":"x"}} {}`:       unexpected,
		`{"a":{"S":"x"}}x`:         unexpected,
		`{"a":{"S":"x",}}`:         unexpected,
		`{"a":{"X":}}`:             unexpected,
		`{"a":{"S":"\xff"}}`:       unexpected,
		"{\"a\":{\"S\":\"\xff\"}}": unexpected,
		`{"a":{"L":[`:              unexpected,
		`{"a":{"N":`:               unexpected,
		`{"a":{"BOOL":`:            unexpected,
		`{"a":{"BOOL":"maybe"}}`:   unexpected,
		`5`:                        "Unexpected field type",
		`[]`:                       "Unrecognized collection type java.util.Map<java.lang.String, com.amazonaws.dynamodb.v20120810.AttributeValue>",
		`{"a":5}`:                  "Unexpected value type in payload",
		`{"a":"x"}`:                "Unexpected value type in payload",
		`{"a":[]}`:                 "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.AttributeValue",
		`{"a":{"S":5}}`:            "NUMBER_VALUE cannot be converted to String",
		`{"a":{"S":1.5}}`:          "DECIMAL_VALUE cannot be converted to String",
		`{"a":{"N":5}}`:            "NUMBER_VALUE cannot be converted to String",
		`{"a":{"S":true}}`:         "TRUE_VALUE cannot be converted to String",
		`{"a":{"S":false}}`:        "FALSE_VALUE cannot be converted to String",
		`{"a":{"S":[]}}`:           "Unrecognized collection type class java.lang.String",
		`{"a":{"S":{}}}`:           msgStart,
		`{"a":{"B":5}}`:            "only base-64-encoded strings are convertible to bytes",
		`{"a":{"B":[]}}`:           "Unrecognized collection type class java.nio.ByteBuffer",
		`{"a":{"B":"AQI"}}`:        "Base64 encoded length is expected a multiple of 4 bytes but found: 3",
		`{"a":{"B":"A==="}}`:       msgBadBase64,
		`{"a":{"B":"AR=="}}`:       msgBadBase64,
		`{"a":{"B":"AQ=\n"}}`:      msgBadBase64,
		`{"a":{"BOOL":1}}`:         "NUMBER_VALUE cannot be converted to Boolean",
		`{"a":{"BOOL":[]}}`:        "Unrecognized collection type class java.lang.Boolean",
		`{"a":{"BOOL":{}}}`:        msgStart,
		`{"a":{"SS":"x"}}`:         "Unexpected field type",
		`{"a":{"SS":{}}}`:          msgStart,
		`{"a":{"SS":[1]}}`:         "NUMBER_VALUE cannot be converted to String",
		`{"a":{"L":{}}}`:           msgStart,
		`{"a":{"M":5}}`:            "Unexpected field type",
		// A wrong shape comes before a refused value, wherever it stands.
		`{"a":{"SS":[]},"b":{"S":5}}`: "NUMBER_VALUE cannot be converted to String",
	} {
		_, err := ParseItem([]byte(in))
		bad, ok := err.(*SerializationError)
		if !ok || bad.Message != want || bad.Error() != want {
			t.Errorf("%s\n  %T %v\nwant\n  %s", in, err, err, want)
		}
	}
}

func TestParseItem(t *testing.T) {
	t.Parallel()
	it, err := ParseItem([]byte(`{"a":{"L":[{"N":"1.0"}]}}`))
	if err != nil || !EqualItems(it, Item{"a": L([]Value{Int(1)})}) {
		t.Errorf("%v %v", it, err)
	}
	if got := string(AppendJSON(nil, it)); got != `{"a":{"L":[{"N":"1"}]}}` {
		t.Error(got)
	}
	if _, err := ParseItem([]byte(`{"a":{"N":"x"}}`)); err == nil {
		t.Error("no error for a bad number")
	}
	if _, err := ParseItem([]byte(`{"a":{"S":"x"}}{}`)); err == nil {
		t.Error("no error for more JSON")
	}
}

// quickItems are items near what quickItem takes, which are the first four.
var quickItems = []string{
	`{}`, `{"a":{"S":""}}`, `{"a":{"S":"x"},"b":{"N":"1.50e3"},"c":{"B":"AAEC/w=="},"é😀":{"S":"é😀"}}`,
	`{"a":{"S":"q\"u\\"},"\u0062":{"S":"\u00e9\n\\\""}}`,
	`{"a":{"S":"x"},"a":{"S":"y"}}`, `{"a":{"N":"x"}}`, `{"a":{"B":"A"}}`, `{"":{"S":"x"}}`, `{"a":{"S":"x","N":"1"}}`, `{"a":{"X":"x"}}`,
	`{"a": {"S":"x"}}`, `{"a":{"S":"x"}} `, `{"a":{"S":"x"}`, `{"a":{"S":"x\"}}`, "{\"a\":{\"S\":\"\x01\"}}", "{\"a\":{\"S\":\"\xff\"}}",
	`{"a":{"S":"\ud800"}}`, `{"a":{"BOOL":true}}`, `{"a":{"L":[]}}`, `{"a":{"S":null}}`, `null`, `[]`, `{"a":{"S":7}}`,
}

// TestQuickItem: what is read quickly is what the parser reads, and ordinary items are.
func TestQuickItem(t *testing.T) {
	t.Parallel()
	for i, in := range quickItems {
		quick, ok := quickItem([]byte(in))
		if want := i < 4; ok != want {
			t.Errorf("%s is read quickly: %t", in, ok)
		}
		if whole, err := parseItem([]byte(in)); ok && (err != nil || !EqualItems(quick, whole)) {
			t.Errorf("%s is quickly %v, else %v, %v", in, quick, whole, err)
		}
	}
}

func FuzzParseItem(f *testing.F) {
	f.Add([]byte(`{"a":{"L":[{"N":"1e5"},{"M":{"b":{"SS":["x","y"]}}}]},"c":{"B":"AQ=="},"d":{"BOOL":true}}`))
	for _, in := range quickItems {
		f.Add([]byte(in))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if quick, ok := quickItem(in); ok {
			if whole, err := parseItem(in); err != nil || !EqualItems(quick, whole) {
				t.Fatalf("%s is quickly %v, else %v, %v", in, quick, whole, err)
			}
		}
		it, err := ParseItem(in)
		if err != nil {
			return
		}
		again, err := ParseItem(AppendJSON(nil, it))
		if err != nil || !EqualItems(it, again) {
			t.Fatalf("%s does not round-trip: %v", in, err)
		}
	})
}

func BenchmarkParseItem(b *testing.B) {
	in := []byte(`{"stream":{"S":"order/7f3c9a"},"commit":{"N":"3"},"id":{"S":"0198c2f3-51f2-7d3a-9f51-0c9d2e1a7b55"},"at":{"N":"1780000000123"},"data":{"S":"` +
		strings.Repeat("x", 300) + `"},"events":{"L":[{"M":{"n":{"S":"order-placed"},"v":{"N":"1"}}}]}}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseItem(in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendEncodedJSON(b *testing.B) {
	stored := Encode(nil, Item{"stream": S("order/7f3c9a"), "commit": Int(3), "at": Int(1780000000123), "data": S(strings.Repeat("x", 300))})
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if dst, err = AppendEncodedJSON(dst[:0], stored); err != nil {
			b.Fatal(err)
		}
	}
}
