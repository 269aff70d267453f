package expr_test

import (
	"fmt"

	"daybook/localstack/embedded/attr"
	"daybook/localstack/embedded/expr"
)

// The expressions of one request share a Usage.
func Example() {
	usage, err := expr.NewUsage(expr.Params{
		Names:  map[string]string{"#v": "version"},
		Values: map[string]attr.Value{":one": attr.Int(1), ":three": attr.Int(3)},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	update, err := expr.ParseUpdate("SET #v = #v + :one REMOVE draft", usage)
	if err != nil {
		fmt.Println(err)
		return
	}
	condition, err := expr.ParseCondition(expr.ConditionExpression, "#v = :three", usage)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := usage.Unused(); err != nil {
		fmt.Println(err)
		return
	}
	item := attr.Item{"id": attr.S("7"), "version": attr.Int(3), "draft": attr.BoolValue(true)}
	fmt.Println(condition.Eval(item))
	after, err := update.Apply(item)
	fmt.Println(string(attr.AppendJSON(nil, after)), err)
	fmt.Println(string(attr.AppendJSON(nil, update.Touched().Apply(item))))
	// Output:
	// true
	// {"id":{"S":"7"},"version":{"N":"4"}} <nil>
	// {"draft":{"BOOL":true},"version":{"N":"3"}}
}

// A key condition becomes an interval of keys.
func ExampleParseKeyCondition() {
	usage, err := expr.NewUsage(expr.Params{Values: map[string]attr.Value{":s": attr.S("user/7"), ":from": attr.Int(3)}})
	if err != nil {
		fmt.Println(err)
		return
	}
	condition, err := expr.ParseKeyCondition("pk = :s AND seq >= :from", usage)
	if err != nil {
		fmt.Println(err)
		return
	}
	keys, err := condition.Bind(expr.KeySchema{
		Hash:  []expr.KeyAttribute{{Name: "pk", Kind: attr.String}},
		Range: []expr.KeyAttribute{{Name: "seq", Kind: attr.Number}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	from, to := keys.Interval()
	fmt.Printf("%q %q\n", from, to)
	// Output: "user/7\x00\x03\x82\x1f\x00" "user/7\x01"
}

// Errors have DynamoDB's words.
func ExampleParseProjection() {
	usage, _ := expr.NewUsage(expr.Params{})
	_, err := expr.ParseProjection("name", usage)
	fmt.Println(err)
	// Output: Invalid ProjectionExpression: Attribute name is a reserved keyword; reserved keyword: name
}
