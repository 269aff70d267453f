package expr

import (
	"strings"
	"testing"

	"daybook/localstack/embedded/attr"
)

func TestProjection(t *testing.T) {
	t.Parallel()
	it := mustItem(t, testItem)
	tests := []struct{ src, want string }{
		{"s", `{"s":{"S":"hello"}}`},
		{"s, #n", `{"n":{"N":"5"},"s":{"S":"hello"}}`},
		{"absent", `{}`},
		{"m.a", `{"m":{"M":{"a":{"N":"1"}}}}`},
		{"m.a, m.deep.er[0]", `{"m":{"M":{"a":{"N":"1"},"deep":{"M":{"er":{"L":[{"N":"7"}]}}}}}}`},
		{"m.x", `{}`},
		{"m.deep.er[4]", `{}`},
		{"l[2], l[0]", `{"l":{"L":[{"S":"x"},{"M":{"k":{"S":"v"}}}]}}`}, // closed up, in the list's order
		{"l[2].k", `{"l":{"L":[{"M":{"k":{"S":"v"}}}]}}`},
		{"l[9], l[1]", `{"l":{"L":[{"N":"2"}]}}`},
		{"l.x, m[0], s.x", `{}`},
		{"#m.#a", `{"m":{"M":{"a":{"N":"1"}}}}`},
	}
	for _, test := range tests {
		t.Run(test.src, func(t *testing.T) {
			t.Parallel()
			p, err := ParseProjection(test.src, usageFor(t, test.src))
			if err != nil {
				t.Fatal(err)
			}
			if got := string(attr.AppendJSON(nil, p.Apply(it))); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

func TestProjectionErrors(t *testing.T) {
	t.Parallel()
	const clash = "; must remove or rewrite one of these paths; path one: "
	tests := []struct{ src, want string }{
		{"", "The expression can not be empty;"},
		{"!!! INVALID !!!", `Syntax error; token: "!", near: "!!"`},
		{"s,", `Syntax error; token: "<EOF>", near: ","`},
		{"s n", `Syntax error; token: "n", near: "s n"`},
		{":a", `Syntax error; token: ":a", near: ":a"`},
		{"é", `Syntax error; token: "é", near: "é"`},
		{"日本", `Syntax error; token: "日", near: "日本"`},
		{"size", "Attribute name is a reserved keyword; reserved keyword: size"},
		{"s, and", "Attribute name is a reserved keyword; reserved keyword: and"},
		{"#x", "An expression attribute name used in the document path is not defined; attribute name: #x"},
		{"a, a", "Two document paths overlap with each other" + clash + "[a], path two: [a]"},
		{"#n, #n2", "Two document paths overlap with each other" + clash + "[n], path two: [n]"},
		{"a, a.b", "Two document paths overlap with each other" + clash + "[a], path two: [a, b]"},
		{"a.b, a", "Two document paths overlap with each other" + clash + "[a, b], path two: [a]"},
		{"a.b, a[0]", "Two document paths conflict with each other" + clash + "[a, b], path two: [a, [0]]"},
	}
	for _, test := range tests {
		t.Run(test.src, func(t *testing.T) {
			t.Parallel()
			_, err := ParseProjection(test.src, usageFor(t, test.src))
			wantMessage(t, err, "Invalid ProjectionExpression: "+test.want)
		})
	}
}

func TestProjectionNamesItsAttributes(t *testing.T) {
	t.Parallel()
	p, err := ParseProjection("a.b, c, a.d", usageFor(t, ""))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(p.Attributes(), " "); got != "a c" {
		t.Errorf("attributes %s", got)
	}
	if got := strings.Join(p.Nested(), " "); got != "a" {
		t.Errorf("nested %s", got)
	}
}
