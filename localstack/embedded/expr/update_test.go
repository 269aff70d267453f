package expr

import (
	"strings"
	"testing"

	"daybook/localstack/embedded/attr"
)

func update(t testing.TB, src, item string) (attr.Item, *Update, error) {
	t.Helper()
	up, err := ParseUpdate(src, usageFor(t, src))
	if err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	var it attr.Item
	if item != "" {
		it = mustItem(t, item)
	}
	before := string(attr.AppendJSON(nil, it))
	after, err := up.Apply(it)
	if string(attr.AppendJSON(nil, it)) != before {
		t.Errorf("%s changed its item", src)
	}
	return after, up, err
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	const list = `{"l":{"L":[{"N":"0"},{"N":"1"},{"N":"2"},{"N":"3"}]}}`
	tests := []struct{ src, item, want string }{
		{"SET n = :1", ``, `{"n":{"N":"1"}}`},
		{"set n = :1, s = :a", `{"n":{"N":"9"}}`, `{"n":{"N":"1"},"s":{"S":"a"}}`},
		{"SET #n = :1", `{}`, `{"n":{"N":"1"}}`},
		{"SET n = n + :1", `{"n":{"N":"99999999999999999999999999999999999998"}}`, `{"n":{"N":"99999999999999999999999999999999999999"}}`},
		{"SET n = n - :1", `{"n":{"N":"0.5"}}`, `{"n":{"N":"-0.5"}}`},
		{"SET n = :5 - n", `{"n":{"N":"2"}}`, `{"n":{"N":"3"}}`},
		{"SET n = (n + :1)", `{"n":{"N":"2"}}`, `{"n":{"N":"3"}}`},
		{"SET n = (n) + (:1)", `{"n":{"N":"2"}}`, `{"n":{"N":"3"}}`},
		{"SET n = (:1)", ``, `{"n":{"N":"1"}}`},
		{"SET n = if_not_exists(n, :5)", `{"n":{"N":"2"}}`, `{"n":{"N":"2"}}`},
		{"SET n = if_not_exists(n, :5)", `{}`, `{"n":{"N":"5"}}`},
		{"SET n = if_not_exists(m.a, :5) + :1", `{}`, `{"n":{"N":"6"}}`},
		{"SET n = if_not_exists(n, s)", `{"s":{"S":"x"}}`, `{"n":{"S":"x"},"s":{"S":"x"}}`},
		{"SET l = list_append(l, :l)", `{"l":{"L":[{"N":"1"}]}}`, `{"l":{"L":[{"N":"1"},{"N":"8"}]}}`},
		{"SET l = list_append(:l, l)", `{"l":{"L":[{"N":"1"}]}}`, `{"l":{"L":[{"N":"8"},{"N":"1"}]}}`},
		{"SET l = list_append(if_not_exists(l, :none), :l)", `{}`, `{"l":{"L":[{"N":"8"}]}}`},
		// All operands see the item as it was.
		{"SET n = s, s = n", `{"n":{"N":"1"},"s":{"S":"x"}}`, `{"n":{"S":"x"},"s":{"N":"1"}}`},
		{"SET n = s REMOVE s", `{"s":{"S":"x"}}`, `{"n":{"S":"x"}}`},
		{"SET m.b = m.a, n = m.a", `{"m":{"M":{"a":{"N":"1"}}}}`, `{"m":{"M":{"a":{"N":"1"},"b":{"N":"1"}}},"n":{"N":"1"}}`},
		{"SET m.a = :2, m.x = :1", `{"m":{"M":{"a":{"N":"1"}}}}`, `{"m":{"M":{"a":{"N":"2"},"x":{"N":"1"}}}}`},
		// A list.
		{"SET l[1] = :9", list, `{"l":{"L":[{"N":"0"},{"N":"9"},{"N":"2"},{"N":"3"}]}}`},
		{"SET l[9] = :9", list, `{"l":{"L":[{"N":"0"},{"N":"1"},{"N":"2"},{"N":"3"},{"N":"9"}]}}`}, // not padded
		{"SET l[8] = :2, l[6] = :1", `{"l":{"L":[]}}`, `{"l":{"L":[{"N":"1"},{"N":"2"}]}}`},
		{"REMOVE l[0], l[2]", list, `{"l":{"L":[{"N":"1"},{"N":"3"}]}}`}, // places of the list as it was
		{"REMOVE l[2], l[0]", list, `{"l":{"L":[{"N":"1"},{"N":"3"}]}}`},
		{"SET l[1] = :9 REMOVE l[0]", list, `{"l":{"L":[{"N":"9"},{"N":"2"},{"N":"3"}]}}`},
		{"REMOVE l[0] SET l[7] = :9", list, `{"l":{"L":[{"N":"1"},{"N":"2"},{"N":"3"},{"N":"9"}]}}`},
		{"REMOVE l[7]", list, list},
		{"ADD l[1] :5, l[9] :1", list, `{"l":{"L":[{"N":"0"},{"N":"6"},{"N":"2"},{"N":"3"},{"N":"1"}]}}`},
		{"SET l[2].k = :1", `{"l":{"L":[{"N":"0"},{"N":"1"},{"M":{}}]}}`, `{"l":{"L":[{"N":"0"},{"N":"1"},{"M":{"k":{"N":"1"}}}]}}`},
		// REMOVE.
		{"REMOVE s, n", `{"s":{"S":"x"}}`, `{}`},
		{"REMOVE m.a", `{"m":{"M":{"a":{"N":"1"}}}}`, `{"m":{"M":{}}}`},
		{"REMOVE m.x, l[0]", ``, `{}`}, // there is no item at all
		{"REMOVE m.x", `{"m":{"M":{"a":{"N":"1"}}}}`, `{"m":{"M":{"a":{"N":"1"}}}}`},
		// ADD.
		{"ADD n :5", `{}`, `{"n":{"N":"5"}}`},
		{"ADD n :5", `{"n":{"N":"-5"}}`, `{"n":{"N":"0"}}`},
		{"ADD ss :ss", `{}`, `{"ss":{"SS":["a","b"]}}`},
		{"ADD ss :ss", `{"ss":{"SS":["b","c"]}}`, `{"ss":{"SS":["a","b","c"]}}`},
		{"ADD ns :ns, m.a :1", `{"ns":{"NS":["10"]},"m":{"M":{"a":{"N":"1"}}}}`, `{"m":{"M":{"a":{"N":"2"}}},"ns":{"NS":["2","10"]}}`},
		{"ADD bs :bs", `{"bs":{"BS":["Ag=="]}}`, `{"bs":{"BS":["AQ==","Ag=="]}}`},
		// DELETE.
		{"DELETE ss :sa", `{"ss":{"SS":["a","b"]}}`, `{"ss":{"SS":["b"]}}`},
		{"DELETE ss :ss", `{"n":{"N":"1"},"ss":{"SS":["a","b"]}}`, `{"n":{"N":"1"}}`}, // no empty set
		{"DELETE ss :sz", `{"ss":{"SS":["a","b"]}}`, `{"ss":{"SS":["a","b"]}}`},
		{"DELETE ss :sa", `{}`, `{}`},
		{"SET n = :1 REMOVE s ADD ss :sa DELETE ns :ns", `{"s":{"S":"x"},"ns":{"NS":["1","2"]}}`, `{"n":{"N":"1"},"ns":{"NS":["1"]},"ss":{"SS":["a"]}}`},
	}
	for _, test := range tests {
		t.Run(test.src, func(t *testing.T) {
			t.Parallel()
			got, _, err := update(t, test.src, test.item)
			if err != nil {
				t.Fatal(err)
			}
			if text := string(attr.AppendJSON(nil, got)); text != test.want {
				t.Errorf("%s\nwant %s", text, test.want)
			}
		})
	}
}

func TestUpdateRunTimeErrors(t *testing.T) {
	t.Parallel()
	tests := []struct{ src, item, want string }{
		{"SET m.a = :1", `{}`, msgPath},
		{"SET m.a = :1", `{"m":{"N":"1"}}`, msgPath},
		{"SET m.a = :1", `{"m":{"L":[]}}`, msgPath},
		{"SET l[0] = :1", `{}`, msgPath},
		{"SET l[0] = :1", `{"l":{"M":{}}}`, msgPath},
		{"SET l[1].k = :1", `{"l":{"L":[{"M":{}}]}}`, msgPath},
		{"REMOVE m.a", `{}`, msgPath},
		{"REMOVE m.a.x", `{"m":{"M":{}}}`, msgPath},
		{"ADD m.a :1", `{}`, msgPath},
		{"DELETE m.a :sa", `{}`, msgPath},
		{"SET n = s", `{}`, msgMissing},
		{"SET n = n + :1", `{}`, msgMissing},
		{"SET l = list_append(l, :l)", `{}`, msgMissing},
		{"SET n = :1 + m.a", `{"m":{"M":{}}}`, msgMissing},
		{"SET n = n + :1", `{"n":{"S":"1"}}`, msgOperand},
		{"SET n = s - :1", `{"s":{"S":"1"}}`, msgOperand},
		{"SET l = list_append(l, :l)", `{"l":{"S":"x"}}`, msgOperand},
		{"SET n = if_not_exists(s, :0) + :1", `{"s":{"S":"x"}}`, msgOperand},
		{"ADD n :1", `{"n":{"S":"1"}}`, msgOperand},
		{"ADD n :sa", `{"n":{"NS":["1"]}}`, msgOperand},
		{"ADD l :ns", `{"l":{"L":[]}}`, msgOperand},
		{"DELETE n :sa", `{"n":{"S":"1"}}`, msgOperand},
		{"DELETE n :ns", `{"n":{"SS":["2"]}}`, msgOperand},
		{"SET n = n + n2", `{"n":{"N":"9.9e125"},"n2":{"N":"9.9e125"}}`, "Number overflow. Attempting to store a number with magnitude larger than supported range"},
		{"ADD n :1", `{"n":{"N":"1e38"}}`, "Attempting to store more than 38 significant digits in a Number"},
	}
	for _, test := range tests {
		t.Run(test.src+test.item, func(t *testing.T) {
			t.Parallel()
			_, _, err := update(t, test.src, test.item)
			wantMessage(t, err, test.want)
		})
	}
}

func TestUpdateRefusesDeepNesting(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"L":[`, 30) + `{"N":"1"}` + strings.Repeat(`]}`, 30) // 31 levels
	v := mustItem(t, `{"v":`+deep+`}`)["v"]
	it := mustItem(t, `{"m":{"M":{"a":{"M":{}}}}}`)
	for src, want := range map[string]string{"SET m.a = :v": "", "SET m.a.b = :v": msgNesting} {
		u, err := NewUsage(Params{Values: map[string]attr.Value{":v": v}})
		if err != nil {
			t.Fatal(err)
		}
		up, err := ParseUpdate(src, u)
		if err != nil {
			t.Fatal(err)
		}
		_, err = up.Apply(it)
		if want == "" && err != nil {
			t.Errorf("%s: %v", src, err)
		}
		if want != "" {
			wantMessage(t, err, want)
		}
	}
}

func TestUpdateErrors(t *testing.T) {
	t.Parallel()
	const syntax, operand = "Syntax error; ", "Incorrect operand type for operator or function; "
	tests := []struct{ src, want string }{
		{"", "The expression can not be empty;"},
		{"INVALID SYNTAX HERE", syntax + `token: "INVALID", near: "INVALID SYNTAX"`},
		{"SET", syntax + `token: "<EOF>", near: "SET"`},
		{"set _something = :a", syntax + `token: "_", near: "set _something"`},
		{"SET a = :a,", syntax + `token: "<EOF>", near: ","`},
		{"SET n, s = :a", syntax + `token: ",", near: "n, s"`},
		{"SET n = :1 s = :a", syntax + `token: "s", near: ":1 s ="`},
		{"SET n = :1 + :1 + :1", syntax + `token: "+", near: ":1 + :1"`},
		{"SET n = ", syntax + `token: "<EOF>", near: "= "`},
		{"SET n = :1 é", syntax + `token: "é", near: ":1 é"`},
		{"ADD n = :1", syntax + `token: "=", near: "n = :1"`},
		{"ADD n s", syntax + `token: "s", near: "n s"`},
		{"DELETE ss", syntax + `token: "<EOF>", near: "ss"`},
		{"REMOVE :a", syntax + `token: ":a", near: "REMOVE :a"`},
		{"SET add = :a", syntax + `token: "add", near: "SET add ="`},
		{"SET n = :1 FOO", syntax + `token: "FOO", near: ":1 FOO"`},
		{"SET n = ((:1))", "The expression has redundant parentheses;"},
		{"SET name = :a", "Attribute name is a reserved keyword; reserved keyword: name"},
		{"SET n = name", "Attribute name is a reserved keyword; reserved keyword: name"},
		{"REMOVE m.and", "Attribute name is a reserved keyword; reserved keyword: and"},
		{"SET n = foo(:1)", "Invalid function name; function: foo"},
		{"SET n = size(s)", "The function is not allowed in an update expression; function: size"},
		{"SET n = if_not_exists(n)", "Incorrect number of operands for operator or function; operator or function: if_not_exists, number of operands: 1"},
		{"SET n = list_append(n, :l, :l)", "Incorrect number of operands for operator or function; operator or function: list_append, number of operands: 3"},
		{"SET n = if_not_exists(:1, :1)", "Operator or function requires a document path; operator or function: if_not_exists"},
		{"SET n = :1 SET s = :a", `The "SET" section can only be used once in an update expression;`},
		{"REMOVE s ADD n :1 REMOVE l", `The "REMOVE" section can only be used once in an update expression;`},
		{"SET #x = :1", "An expression attribute name used in the document path is not defined; attribute name: #x"},
		{"SET n = #x", "An expression attribute name used in the document path is not defined; attribute name: #x"},
		{"SET n = :x9", "An expression attribute value used in expression is not defined; attribute value: :x9"},
		{"SET n = :1, n = :2", "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [n], path two: [n]"},
		{"SET m.a = :1 REMOVE m", "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [m, a], path two: [m]"},
		{"SET #n = :1, #n2 = :2", "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [n], path two: [n]"},
		{"SET m[0] = :1, m.a = :2", "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [m, [0]], path two: [m, a]"},
		{"SET n = n + :a", operand + "operator or function: +, operand type: S"},
		{"SET n = :l - :1", operand + "operator or function: -, operand type: L"},
		{"SET n = list_append(:1, l)", operand + "operator or function: list_append, operand type: N"},
		{"ADD n :a", operand + "operator: ADD, operand type: STRING, typeSet: ALLOWED_FOR_ADD_OPERAND"},
		{"ADD l :l", operand + "operator: ADD, operand type: LIST, typeSet: ALLOWED_FOR_ADD_OPERAND"},
		{"DELETE n :1", operand + "operator: DELETE, operand type: NUMBER, typeSet: ALLOWED_FOR_DELETE_OPERAND"},
		{"SET n = if_not_exists(n, n)", "The first operand must be distinct from the remaining operands for this operator or function; operator: if_not_exists, first operand: [n]"},
		{"SET n = " + strings.Repeat("a", 4096), "Expression size has exceeded the maximum allowed size; expression size: 4104"},
		{"SET a = :1" + manySets(301), "The expression contains more than the maximum allowed number of operators; operator count: 301"},
	}
	for _, test := range tests {
		name := test.src
		if len(name) > 40 {
			name = name[:40]
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := ParseUpdate(test.src, usageFor(t, test.src))
			wantMessage(t, err, "Invalid UpdateExpression: "+test.want)
		})
	}
}

// manySets is n further actions with one operator each, on attributes of their
// own.
func manySets(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(", l[")
		b.WriteByte(byte('0' + i/100))
		b.WriteByte(byte('0' + i/10%10))
		b.WriteByte(byte('0' + i%10))
		b.WriteString("]=:1+n")
	}
	return b.String()
}

func TestUpdateKindOf(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]attr.Kind{
		"SET n = :a": attr.String, "SET n = :1 + s": attr.Number, "SET n = list_append(s, l)": attr.List, "ADD n :1": attr.Number, "ADD n :ss": attr.StringSet,
		"SET n = s": 0, "SET n = if_not_exists(n, :1)": 0, "SET n.x = :a": 0, "REMOVE n": 0, "DELETE n :ss": 0, "SET s = :a": 0,
	} {
		up, err := ParseUpdate(src, usageFor(t, src))
		if err != nil {
			t.Fatal(err)
		}
		if got := up.KindOf("n"); got != want {
			t.Errorf("%s gives n the type %q, want %q", src, got, want)
		}
	}
}

func TestUpdateTouches(t *testing.T) {
	t.Parallel()
	src := "SET m.a = :1, n = n + :1, l[1] = :9 REMOVE s ADD ns :ns"
	old := `{"pk":{"S":"p"},"s":{"S":"x"},"n":{"N":"5"},"l":{"L":[{"N":"0"},{"N":"1"}]},"m":{"M":{"a":{"N":"0"},"b":{"N":"0"}}}}`
	after, up, err := update(t, src, old)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(up.Attributes(), " "); got != "m n l s ns" {
		t.Errorf("attributes %s", got)
	}
	if got := strings.Join(up.Nested(), " "); got != "m l" {
		t.Errorf("nested %s", got)
	}
	for _, test := range []struct {
		name string
		item attr.Item
		want string
	}{
		{"UPDATED_OLD", mustItem(t, old), `{"l":{"L":[{"N":"1"}]},"m":{"M":{"a":{"N":"0"}}},"n":{"N":"5"},"s":{"S":"x"}}`},
		{"UPDATED_NEW", after, `{"l":{"L":[{"N":"9"}]},"m":{"M":{"a":{"N":"1"}}},"n":{"N":"6"},"ns":{"NS":["2"]}}`},
	} {
		if got := string(attr.AppendJSON(nil, up.Touched().Apply(test.item))); got != test.want {
			t.Errorf("%s\n  %s\nwant\n  %s", test.name, got, test.want)
		}
	}
}
