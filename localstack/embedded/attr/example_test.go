package attr_test

import (
	"fmt"

	"daybook/localstack/embedded/attr"
)

func ExampleParseItem() {
	item, err := attr.ParseItem([]byte(`{"price":{"N":"1.50"},"tags":{"SS":["b","a"]}}`))
	fmt.Println(string(attr.AppendJSON(nil, item)), err)
	fmt.Println(item.Size(), "bytes")

	_, err = attr.ParseItem([]byte(`{"price":{"N":"cheap"}}`))
	fmt.Println(err)
	// Output:
	// {"price":{"N":"1.5"},"tags":{"SS":["a","b"]}} <nil>
	// 14 bytes
	// The parameter cannot be converted to a numeric value: cheap
}

func ExampleDecimal_Add() {
	a, _ := attr.ParseNumber("99999999999999999999999999999999999998")
	b, _ := attr.ParseNumber("1.0")
	fmt.Println(a.Add(b))
	// Output: 99999999999999999999999999999999999999 <nil>
}

func ExampleDecodeAttr() {
	stored := attr.Encode(nil, attr.Item{"id": attr.S("7"), "version": attr.Int(3)})
	v, ok, err := attr.DecodeAttr(stored, "version")
	fmt.Println(v.Num(), ok, err)
	// Output: 3 true <nil>
}

func ExampleAppendKey() {
	for _, n := range []string{"2", "10", "-1"} {
		d, _ := attr.ParseNumber(n)
		fmt.Printf("%s %x\n", n, attr.AppendKey(nil, attr.N(d)))
	}
	// Output:
	// 2 03821500
	// 10 03830b00
	// -1 017df4ff
}
