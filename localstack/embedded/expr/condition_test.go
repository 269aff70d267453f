package expr

import (
	"encoding/json/v2"
	"strings"
	"testing"

	"daybook/localstack/embedded/attr"
)

// testItem is the item that the tests run expressions on.
const testItem = `{
	"pk": {"S": "p"}, "s": {"S": "hello"}, "n": {"N": "5"}, "one": {"N": "1.0"}, "b": {"B": "AQID"},
	"t": {"BOOL": true}, "nil": {"NULL": true}, "e": {"S": ""},
	"ss": {"SS": ["a", "b"]}, "ns": {"NS": ["1", "2"]}, "bs": {"BS": ["AQ=="]},
	"l": {"L": [{"S": "x"}, {"N": "2"}, {"M": {"k": {"S": "v"}}}]},
	"m": {"M": {"a": {"N": "1"}, "deep": {"M": {"er": {"L": [{"N": "7"}]}}}}}
}`

// testValues are the values that the tests' expressions use.
const testValues = `{
	":hello": {"S": "hello"}, ":he": {"S": "he"}, ":HE": {"S": "HE"}, ":a": {"S": "a"}, ":b": {"S": "b"}, ":z": {"S": "z"}, ":x": {"S": "x"},
	":empty": {"S": ""}, ":S": {"S": "S"}, ":bad": {"S": "STRING"},
	":0": {"N": "0"}, ":1": {"N": "1"}, ":2": {"N": "2"}, ":5": {"N": "5"}, ":9": {"N": "9"},
	":bin": {"B": "AQI="}, ":bin1": {"B": "AQ=="}, ":bin9": {"B": "CQ=="},
	":t": {"BOOL": true}, ":nil": {"NULL": true}, ":ss": {"SS": ["b", "a"]}, ":sa": {"SS": ["a"]}, ":sz": {"SS": ["z"]}, ":ns": {"NS": ["2"]}, ":bs": {"BS": ["AQ=="]},
	":l": {"L": [{"N": "8"}]}, ":none": {"L": []}, ":m": {"M": {"k": {"S": "v"}}}
}`

const testNames = `{"#s": "s", "#n": "n", "#size": "size", "#l": "l", "#m": "m", "#a": "a", "#o": "one", "#n2": "n"}`

func mustItem(t testing.TB, text string) attr.Item {
	t.Helper()
	it, err := attr.ParseItem([]byte(text))
	if err != nil {
		t.Fatalf("item %s: %v", text, err)
	}
	return it
}

// usageFor returns a usage of those test placeholders that src holds.
func usageFor(t testing.TB, src string) *Usage {
	t.Helper()
	var names map[string]string
	if err := json.Unmarshal([]byte(testNames), &names); err != nil {
		t.Fatal(err)
	}
	p := Params{Names: map[string]string{}, Values: map[string]attr.Value{}}
	for k, v := range names {
		if strings.Contains(src, k) {
			p.Names[k] = v
		}
	}
	for k, v := range mustItem(t, testValues) {
		if strings.Contains(src, k) {
			p.Values[k] = v
		}
	}
	if len(p.Names) == 0 {
		p.Names = nil
	}
	if len(p.Values) == 0 {
		p.Values = nil
	}
	u, err := NewUsage(p)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func wantMessage(t *testing.T, err error, want string) {
	t.Helper()
	refused, ok := err.(*attr.ValidationError)
	if !ok {
		t.Fatalf("error %v, want a ValidationError: %s", err, want)
	}
	if refused.Message != want {
		t.Fatalf("message\n  %s\nwant\n  %s", refused.Message, want)
	}
}

func TestConditionEval(t *testing.T) {
	t.Parallel()
	it := mustItem(t, testItem)
	tests := []struct {
		src  string
		want bool
	}{
		{"s = :hello", true},
		{"#s = :hello", true},
		{":hello = s", true},
		{"s = :he", false},
		{"s <> :he", true},
		{"s <> :hello", false},
		{"one = :1", true}, // 1.0 is 1
		{"n > :2", true}, {"n > :9", false}, {"n < :9", true}, {"n >= :5", true}, {"n <= :5", true}, {"n < :5", false}, {"n <= :2", false},
		{"n > :hello", false}, // another type has no order
		{"n < :hello", false},
		{"n = :hello", false},
		{"n <> :hello", true},
		{"absent = :1", false}, {"absent <> :1", true}, {"absent < :1", false}, {"absent <> gone", true}, {"absent = gone", false},
		{"t = :t", true}, {"nil = :nil", true}, {"e = :empty", true},
		{"ss = :ss", true}, // sets have no order
		{"ss = :sa", false}, {"m.deep.er = :l", false}, {"l[2] = :m", true},
		{"b > :bin", true}, {"b < :bin", false}, {"b < :bin9", true},
		{"n BETWEEN :2 AND :9", true}, {"n between :5 and :5", true}, {"n BETWEEN :0 AND :2", false}, {"s BETWEEN :a AND :z", true}, {"absent BETWEEN :0 AND :9", false}, {":5 BETWEEN m.a AND :9", true},
		{"s IN (:a, :hello)", true}, {"s IN (:a)", false}, {"absent IN (:a)", false}, {":hello in (pk, s)", true}, {"one IN (:1)", true},
		{"s = :hello AND n = :5", true}, {"s = :hello AND n = :2", false}, {"s = :he OR n = :5", true}, {"s = :he OR n = :2", false},
		{"NOT s = :he", true}, {"NOT s = :hello", false}, {"NOT NOT s = :hello", true}, {"NOT (s = :he OR n = :2)", true},
		{"s = :hello OR s = :he AND n = :2", true}, // AND binds tighter
		{"(s = :hello OR s = :he) AND n = :2", false},
		{"NOT s = :he AND n = :5", true},
		{"attribute_exists(s)", true}, {"attribute_exists(m.deep.er[0])", true}, {"attribute_exists(m.deep.er[1])", false}, {"attribute_exists(s.a)", false}, {"attribute_exists(l[0].x)", false}, {"attribute_exists(m[0])", false},
		{"attribute_not_exists(absent)", true}, {"attribute_not_exists(s)", false}, {"attribute_exists(e)", true},
		{"attribute_type(s, :S)", true}, {"attribute_type(n, :S)", false}, {"attribute_type(absent, :S)", false},
		{"begins_with(s, :he)", true},
		{"begins_with(s, :HE)", false}, // case matters
		{"begins_with(s, :empty)", true}, {"begins_with(b, :bin)", true}, {"begins_with(b, :bin9)", false}, {"begins_with(s, :bin)", false}, {"begins_with(absent, :he)", false}, {"begins_with(n, :he)", false}, {"begins_with(:hello, :he)", true},
		{"contains(s, :he)", true}, {"contains(s, :HE)", false}, {"contains(ss, :a)", true}, {"contains(ss, :z)", false}, {"contains(ns, :2)", true}, {"contains(ns, :a)", false}, {"contains(bs, :bin1)", true},
		{"contains(l, :x)", true}, {"contains(l, :m)", true}, {"contains(l, :9)", false}, {"contains(b, :bin1)", true}, {"contains(n, :5)", false}, {"contains(absent, :a)", false}, {"contains(:hello, s)", true},
		{"size(s) = :5", true}, {"size(ss) = :2", true}, {"size(ns) = :2", true}, {"size(l) > :2", true}, {"size(m) = :2", true}, {"size(b) > :2", true}, {"size(e) = :0", true}, {"size(n) = :1", false}, {"size(absent) = :0", false}, {"size(t) >= :0", false}, {"size(bs) = :1", true},
		{"(s) = (:hello)", true}, {"((s) = :hello) AND (n = :5)", true}, {"(s = :hello AND (n = :5))", true}, {"(size(s)) = :5", true},
		{"#l[2].k <> :a", true}, {"#m.#a = :1", true}, {"#m . #a = :1", true}, {"#l [ 0 ] = :x", true},
	}
	for _, test := range tests {
		t.Run(test.src, func(t *testing.T) {
			t.Parallel()
			u := usageFor(t, test.src)
			c, err := ParseCondition(ConditionExpression, test.src, u)
			if err != nil {
				t.Fatal(err)
			}
			if got := c.Eval(it); got != test.want {
				t.Errorf("%s is %v, want %v", test.src, got, test.want)
			}
		})
	}
}

func TestConditionOfNoItem(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]bool{"attribute_not_exists(pk)": true, "attribute_exists(pk)": false, "pk <> :a": true} {
		c, err := ParseCondition(ConditionExpression, src, usageFor(t, src))
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Eval(nil); got != want {
			t.Errorf("%s of no item is %v", src, got)
		}
	}
}

func TestSizeCountsCharacters(t *testing.T) {
	t.Parallel()
	c, err := ParseCondition(FilterExpression, "size(u) = :5", usageFor(t, ":5"))
	if err != nil {
		t.Fatal(err)
	}
	// é is one character and 😀 two UTF-16 units.
	if !c.Eval(attr.Item{"u": attr.S("éé😀é")}) {
		t.Error("size of éé😀é is not 5")
	}
}

func TestConditionErrors(t *testing.T) {
	t.Parallel()
	const syntax, operand = "Syntax error; ", "Incorrect operand type for operator or function; "
	tests := []struct{ src, want string }{
		{"", "The expression can not be empty;"},
		{" ", syntax + `token: "<EOF>", near: ""`},
		{"s = = :a", syntax + `token: "=", near: "= = :a"`},
		{"!!! INVALID !!!", syntax + `token: "!", near: "!!"`},
		{"__s = :a", syntax + `token: "_", near: "__"`},
		{"s =", syntax + `token: "<EOF>", near: "="`},
		{"s", syntax + `token: "<EOF>", near: "s"`},
		{"(s)", syntax + `token: "<EOF>", near: ")"`},
		{"s = :a n = :1", syntax + `token: "n", near: ":a n ="`},
		{"s = :a AND", syntax + `token: "<EOF>", near: "AND"`},
		{"AND = :a", syntax + `token: "AND", near: "AND ="`},
		{"s.in = :a", syntax + `token: "in", near: ".in ="`},
		{"(s AND n = :1)", syntax + `token: "AND", near: "s AND n"`},
		{"(s OR n = :1)", syntax + `token: "OR", near: "s OR n"`},
		{"(s = :a", syntax + `token: "<EOF>", near: ":a"`},
		{"size() = :1", syntax + `token: ")", near: "() ="`},
		{"s IN ()", syntax + `token: ")", near: "()"`},
		{"s IN :a", syntax + `token: ":a", near: "IN :a"`},
		{"n BETWEEN :1 OR :2", syntax + `token: "OR", near: ":1 OR :2"`},
		{"l[a] = :1", syntax + `token: "a", near: "[a]"`},
		{"l[1 = :1", syntax + `token: "=", near: "1 = :1"`},
		{"s. = :1", syntax + `token: "=", near: ". = :1"`},
		{"# = :a", syntax + `token: "#", near: "# ="`},
		{"s = : a", syntax + `token: ":", near: "= : a"`},
		{"1 = :1", syntax + `token: "1", near: "1 ="`},
		{"é = :a", syntax + `token: "é", near: "é ="`},
		{"s = :a é", syntax + `token: "é", near: ":a é"`},
		{"s = 'é'", syntax + `token: "'", near: "= 'é"`},
		{"l[99999999999] = :1", "List index is not within the allowable range; index: [99999999999]"},
		{"((s = :a))", "The expression has redundant parentheses;"},
		{"((s)) = :a", "The expression has redundant parentheses;"},
		{"s = ((:a))", "The expression has redundant parentheses;"},
		{"((s = :a)) AND é", "The expression has redundant parentheses;"},
		{"size = :1", "Attribute name is a reserved keyword; reserved keyword: size"},
		{"Name = :1", "Attribute name is a reserved keyword; reserved keyword: Name"},
		{"m.zone = :1", "Attribute name is a reserved keyword; reserved keyword: zone"},
		{"set = :1", "Attribute name is a reserved keyword; reserved keyword: set"},
		{"foo(s)", "Invalid function name; function: foo"},
		{"SIZE(s) = :1", "Invalid function name; function: SIZE"},
		{"list_append(s, :l) = :l", "The function is not allowed in a condition expression; function: list_append"},
		{"size(s)", "The function is not allowed to be used this way in an expression; function: size"},
		{"NOT size(s)", "The function is not allowed to be used this way in an expression; function: size"},
		{"contains(s, :a) = :t", "The function is not allowed to be used this way in an expression; function: contains"},
		{"size(attribute_exists(s)) = :1", "The function is not allowed to be used this way in an expression; function: attribute_exists"},
		{"size(s, n) = :1", "Incorrect number of operands for operator or function; operator or function: size, number of operands: 2"},
		{"begins_with(s)", "Incorrect number of operands for operator or function; operator or function: begins_with, number of operands: 1"},
		{"#nope = :1", "An expression attribute name used in the document path is not defined; attribute name: #nope"},
		{"s = :nope", "An expression attribute value used in expression is not defined; attribute value: :nope"},
		{"attribute_exists(:a)", "Operator or function requires a document path; operator or function: attribute_exists"},
		{"attribute_not_exists(size(s))", "Operator or function requires a document path; operator or function: attribute_not_exists"},
		{"attribute_type(:S, :S)", "Operator or function requires a document path; operator or function: attribute_type"},
		{"attribute_type(s, n)", operand + "operator or function: attribute_type, operand type: {NS,SS,L,BS,N,M,B,BOOL,NULL,S}"},
		{"attribute_type(s, :1)", operand + "operator or function: attribute_type, operand type: N"},
		{"attribute_type(s, :bad)", "Invalid attribute type name found; type: STRING, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}"},
		{"begins_with(s, :1)", operand + "operator or function: begins_with, operand type: N"},
		{"begins_with(size(s), :a)", operand + "operator or function: begins_with, operand type: N"},
		{"size(:1) = :1", operand + "operator or function: size, operand type: N"},
		{"size(:t) = :1", operand + "operator or function: size, operand type: BOOL"},
		{"n < :t", operand + "operator or function: <, operand type: BOOL"},
		{":l >= n", operand + "operator or function: >=, operand type: L"},
		{"n BETWEEN :t AND n2", operand + "operator or function: BETWEEN, operand type: BOOL"},
		{"n BETWEEN :a AND :1", "The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: {S:a}, upper bound operand: AttributeValue: {N:1}"},
		{"n BETWEEN :9 AND :1", "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {N:9}, upper bound operand: AttributeValue: {N:1}"},
		{"n BETWEEN :bin9 AND :bin1", "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {B:java.nio.HeapByteBuffer[pos=0 lim=1 cap=1]}, upper bound operand: AttributeValue: {B:java.nio.HeapByteBuffer[pos=0 lim=1 cap=1]}"},
		{"s = s", "The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [s]"},
		{"#n <> #n2", "The first operand must be distinct from the remaining operands for this operator or function; operator: <>, first operand: [n]"},
		{"contains(l[0].k, l[0].k)", "The first operand must be distinct from the remaining operands for this operator or function; operator: contains, first operand: [l, [0], k]"},
		{"n BETWEEN n AND :9", "The first operand must be distinct from the remaining operands for this operator or function; operator: BETWEEN, first operand: [n]"},
		{"n IN (:1, n)", "The first operand must be distinct from the remaining operands for this operator or function; operator: IN, first operand: [n]"},
		{strings.Repeat("a", 4097), "Expression size has exceeded the maximum allowed size; expression size: 4097"},
		{"n IN (" + strings.Repeat(":1,", 100) + ":1)", "The IN operator is provided with too many operands; number of operands: 101"},
		{"a" + strings.Repeat("[0]", 32) + " = :1", "The document path has too many nesting levels; nesting levels: 33"},
		{"n=:1" + strings.Repeat(" OR n=:1", 150), "The expression contains more than the maximum allowed number of operators; operator count: 301"},
	}
	for _, test := range tests {
		name := test.src
		if len(name) > 40 {
			name = name[:40]
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := ParseCondition(FilterExpression, test.src, usageFor(t, test.src))
			wantMessage(t, err, "Invalid FilterExpression: "+test.want)
		})
	}
}

func TestConditionLimitsAreInclusive(t *testing.T) {
	t.Parallel()
	for _, src := range []string{
		"n IN (" + strings.Repeat(":1,", 99) + ":1)",
		"a" + strings.Repeat("[0]", 31) + " = :1",
		"n=:1" + strings.Repeat(" OR n=:1", 149) + strings.Repeat(" ", 100),
		strings.Repeat("a", 4091) + " = :1",
	} {
		if _, err := ParseCondition(ConditionExpression, src, usageFor(t, src)); err != nil {
			t.Errorf("%.40s…: %v", src, err)
		}
	}
}

func TestConditionNamesItsAttributes(t *testing.T) {
	t.Parallel()
	src := "s = :a AND (m.a = :1 OR size(l[0]) > n) AND NOT attribute_exists(s)"
	c, err := ParseCondition(FilterExpression, src, usageFor(t, src))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(c.Attributes(), " "); got != "s m l n" {
		t.Errorf("attributes %s", got)
	}
	if got := strings.Join(c.Nested(), " "); got != "m l" {
		t.Errorf("nested %s", got)
	}
}
