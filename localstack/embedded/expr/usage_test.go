package expr

import (
	"strings"
	"testing"

	"daybook/localstack/embedded/attr"
)

func TestUsageErrors(t *testing.T) {
	t.Parallel()
	v := attr.S("v")
	tests := []struct {
		name   string
		params Params
		want   string
	}{
		{"no names", Params{Names: map[string]string{}}, "ExpressionAttributeNames must not be empty"},
		{"no values", Params{Values: map[string]attr.Value{}}, "ExpressionAttributeValues must not be empty"},
		{"name without #", Params{Names: map[string]string{"n": "n"}}, `ExpressionAttributeNames contains invalid key: Syntax error; key: "n"`},
		{"# alone", Params{Names: map[string]string{"#": "n"}}, `ExpressionAttributeNames contains invalid key: Syntax error; key: "#"`},
		{"name with a dash", Params{Names: map[string]string{"#a-b": "n"}}, `ExpressionAttributeNames contains invalid key: Syntax error; key: "#a-b"`},
		{"name with é", Params{Names: map[string]string{"#é": "n"}}, `ExpressionAttributeNames contains invalid key: Syntax error; key: "#é"`},
		{"empty name", Params{Names: map[string]string{"#a": ""}}, "ExpressionAttributeNames contains invalid value: Empty attribute name for key #a"},
		{"value without :", Params{Values: map[string]attr.Value{"v": v}}, `ExpressionAttributeValues contains invalid key: Syntax error; key: "v"`},
		{"long key", Params{Names: map[string]string{"#" + strings.Repeat("a", 255): "n"}},
			"ExpressionAttributeNames contains invalid key: The expression attribute map contains a key that is too long; size of key: 256"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := NewUsage(test.params)
			wantMessage(t, err, test.want)
		})
	}
}

// TestUnused: placeholders that no expression uses are an error whether or not
// a condition would pass: nothing has been run yet.
func TestUnused(t *testing.T) {
	t.Parallel()
	names := map[string]string{"#a": "a", "#b": "b", "#c": "c"}
	values := map[string]attr.Value{":a": attr.S("a"), ":b": attr.S("b"), ":c": attr.S("c")}
	tests := []struct {
		update, condition string
		params            Params
		want              string
	}{
		{"SET #a = :a", "#b = :b AND #c = :c", Params{names, values}, ""},
		{"SET #a = :a", "", Params{names, nil}, "Value provided in ExpressionAttributeNames unused in expressions: keys: {#b, #c}"},
		{"SET #a = :a, #b = :b", "#a = #c", Params{names, values}, "Value provided in ExpressionAttributeValues unused in expressions: keys: {:c}"},
		{"SET #a = :a", "attribute_exists(#a)", Params{map[string]string{"#a": "a"}, values}, "Value provided in ExpressionAttributeValues unused in expressions: keys: {:b, :c}"},
		{"", "", Params{Names: names}, "ExpressionAttributeNames can only be specified when using expressions"},
		{"", "", Params{Values: values}, "ExpressionAttributeValues can only be specified when using expressions"},
		{"", "", Params{}, ""},
	}
	for _, test := range tests {
		t.Run(test.update+"|"+test.condition, func(t *testing.T) {
			t.Parallel()
			if test.update != "" && test.params.Values == nil {
				test.params.Values = map[string]attr.Value{":a": attr.S("a")}
			}
			u, err := NewUsage(test.params)
			if err != nil {
				t.Fatal(err)
			}
			if test.update != "" {
				if _, err := ParseUpdate(test.update, u); err != nil {
					t.Fatal(err)
				}
			}
			if test.condition != "" {
				if _, err := ParseCondition(ConditionExpression, test.condition, u); err != nil {
					t.Fatal(err)
				}
			}
			err = u.Unused()
			if test.want == "" && err != nil {
				t.Fatal(err)
			}
			if test.want != "" {
				wantMessage(t, err, test.want)
			}
		})
	}
}

func TestParseValues(t *testing.T) {
	t.Parallel()
	got, err := ParseValues([]byte(`{":a":{"S":"x"},":b":{"N":"1.0"}}`))
	if err != nil || !attr.Equal(got[":b"], attr.Int(1)) {
		t.Fatalf("%v %v", got, err)
	}
	_, err = ParseValues([]byte(`{":a":{"S":"x"},":b":{"M":{"n":{"N":"x"}}}}`))
	wantMessage(t, err, "ExpressionAttributeValues contains invalid value: The parameter cannot be converted to a numeric value: x for key :b")
	_, err = ParseValues([]byte(`{":a":{"S":5}}`))
	if _, ok := err.(*attr.SerializationError); !ok {
		t.Fatalf("error %v, want a SerializationError", err)
	}
}

func TestReservedWords(t *testing.T) {
	t.Parallel()
	if len(reserved) != 573 {
		t.Errorf("%d reserved words", len(reserved))
	}
	longest := 0
	for word := range reserved {
		longest = max(longest, len(word))
		if !isReserved(strings.ToLower(word)) {
			t.Errorf("%s is not reserved in lower case", word)
		}
	}
	if longest != maxReserved {
		t.Errorf("the longest reserved word has %d letters", longest)
	}
	for _, name := range []string{"pk", "sk", "commit_", "localtimestamps", "a"} {
		if isReserved(name) {
			t.Errorf("%s is reserved", name)
		}
	}
}
