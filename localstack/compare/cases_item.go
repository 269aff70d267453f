package main

import "strings"

// itemCases are PutItem, GetItem and DeleteItem without expressions.
func itemCases() []testCase {
	old := []string{withPK("n", num("1"), "s", str("x"))}
	big := str(strings.Repeat("x", 409_590))
	return []testCase{
		{"put/new", hashTable, nil, []step{put(withPK("s", str("x"))), get(pk)}},
		{"put/replaces", hashTable, old, []step{put(withPK("t", str("y"))), get(pk)}},
		{"put/all-old", hashTable, old, []step{put(withPK("t", str("y")), `"ReturnValues":"ALL_OLD"`)}},
		{"put/all-old-of-new", hashTable, nil, []step{put(withPK(), `"ReturnValues":"ALL_OLD"`)}},
		{"put/none", hashTable, old, []step{put(withPK(), `"ReturnValues":"NONE"`)}},
		{"put/all-new", hashTable, nil, []step{put(withPK(), `"ReturnValues":"ALL_NEW"`)}},
		{"put/bad-return-values", hashTable, nil, []step{put(withPK(), `"ReturnValues":"SOME"`)}},
		{"put/without-key", hashTable, nil, []step{put(item("s", str("x")))}},
		{"put/empty-item", hashTable, nil, []step{put(`{}`)}},
		{"put/without-sort-key", sortTable, nil, []step{put(withPK())}},
		{"put/key-of-wrong-type", hashTable, nil, []step{put(item("pk", num("1")))}},
		{"put/empty-key", hashTable, nil, []step{put(item("pk", str("")))}},
		{"put/empty-sort-key", sortTable, nil, []step{put(withPK("sk", str("")))}},
		{"put/key-2048", hashTable, nil, []step{put(item("pk", str(strings.Repeat("k", 2048))))}},
		{"put/key-2049", hashTable, nil, []step{put(item("pk", str(strings.Repeat("k", 2049))))}},
		{"put/sort-key-1024", sortTable, nil, []step{put(withPK("sk", str(strings.Repeat("k", 1024))))}},
		{"put/sort-key-1025", sortTable, nil, []step{put(withPK("sk", str(strings.Repeat("k", 1025))))}},
		{"put/400-kb", hashTable, nil, []step{put(withPK("big", str(strings.Repeat("x", 409_600-2-1-3))))}},
		{"put/400-kb-and-1", hashTable, nil, []step{put(withPK("big", str(strings.Repeat("x", 409_600-2-1-3+1))))}},
		{"put/no-item", hashTable, nil, []step{request("PutItem")}},
		{"put/no-table", "", nil, []step{raw("PutItem", `{"TableName":"nowhere","Item":{"pk":{"S":"a"}}}`)}},
		{"put/no-table-name", "", nil, []step{raw("PutItem", `{"Item":{"pk":{"S":"a"}}}`)}},
		{"put/unknown-member", hashTable, nil, []step{put(withPK(), `"Nonsense":{"a":1}`)}},
		{"put/number-key", numTable, nil, []step{put(item("pk", num("1.0"), "s", str("x"))), get(item("pk", num("1")))}},
		{"put/binary-key", sortBTable, nil, []step{put(withPK("sk", bin("AQID"))), get(withPK("sk", bin("AQID")))}},
		{"get/absent", hashTable, nil, []step{get(pk)}},
		{"get/consistent", hashTable, old, []step{get(pk, `"ConsistentRead":true`)}},
		{"get/wrong-key-name", hashTable, old, []step{get(item("id", str("a")))}},
		{"get/key-too-many", hashTable, old, []step{get(withPK("x", str("y")))}},
		{"get/key-too-few", sortTable, nil, []step{get(pk)}},
		{"get/key-of-wrong-type", hashTable, nil, []step{get(item("pk", num("1")))}},
		{"get/key-not-scalar", hashTable, nil, []step{get(item("pk", `{"L":[]}`))}},
		{"get/empty-key", hashTable, nil, []step{get(item("pk", str("")))}},
		{"get/no-key", hashTable, nil, []step{request("GetItem")}},
		{"get/no-table", "", nil, []step{raw("GetItem", `{"TableName":"nowhere","Key":{"pk":{"S":"a"}}}`)}},
		{"get/bad-table-name", "", nil, []step{raw("GetItem", `{"TableName":"a b!","Key":{"pk":{"S":"a"}}}`)}},
		{"get/attributes-to-get", hashTable, old, []step{get(pk, `"AttributesToGet":["n"]`)}},
		{"delete/there", hashTable, old, []step{remove(pk), get(pk)}},
		{"delete/absent", hashTable, nil, []step{remove(pk)}},
		{"delete/all-old", hashTable, old, []step{remove(pk, `"ReturnValues":"ALL_OLD"`)}},
		{"delete/all-old-of-absent", hashTable, nil, []step{remove(pk, `"ReturnValues":"ALL_OLD"`)}},
		{"delete/all-new", hashTable, old, []step{remove(pk, `"ReturnValues":"ALL_NEW"`)}},
		{"delete/wrong-key-name", hashTable, old, []step{remove(item("id", str("a")))}},
		{"delete/empty-key", hashTable, old, []step{remove(item("pk", str("")))}},
		{"update/too-large", hashTable, []string{withPK("b", big)}, []step{update(pk, "SET c = :c", values(":c", str("a longer text")))}},
	}
}

// valueCases are about single values.
func valueCases() []testCase {
	const nines = "99999999999999999999999999999999999999"
	var cases []testCase
	add := func(name, value string) {
		cases = append(cases, testCase{"value/" + name, hashTable, nil, []step{put(withPK("v", value)), get(pk)}})
	}
	add("string", str("é \" \\ \n \u2028 😀 <>&"))
	add("empty-string", str(""))
	add("empty-binary", bin(""))
	add("binary", bin("AP8="))
	add("bool", `{"BOOL":false}`)
	add("null", `{"NULL":true}`)
	add("null-false", `{"NULL":false}`)
	add("empty-list", `{"L":[]}`)
	add("empty-map", `{"M":{}}`)
	add("nested", `{"M":{"a":{"L":[{"S":"x"},{"M":{"b":{"NULL":true}}}]}}}`)
	add("set-of-strings", `{"SS":["b","a","C"]}`)
	add("set-of-numbers", `{"NS":["10","9","-1","1.50"]}`)
	add("set-of-binaries", `{"BS":["/w==","AQ=="]}`)
	add("set-with-empty-string", `{"SS":["","a"]}`)
	add("set-with-empty-binary", `{"BS":["","AQ=="]}`)
	add("empty-set-of-strings", `{"SS":[]}`)
	add("empty-set-of-numbers", `{"NS":[]}`)
	add("empty-set-of-binaries", `{"BS":[]}`)
	add("duplicate-strings", `{"SS":["a","b","a"]}`)
	add("duplicate-numbers", `{"NS":["1","2","1"]}`)
	add("duplicate-numbers-normalized", `{"NS":["1","1.0"]}`)
	add("duplicate-binaries", `{"BS":["AQ==","AQ=="]}`)
	add("no-type", `{}`)
	add("unknown-type", `{"X":"y"}`)
	add("two-types", `{"S":"a","N":"1"}`)
	add("string-is-number", `{"S":1}`)
	add("number-is-number", `{"N":1}`)
	add("list-is-string", `{"L":"x"}`)
	add("map-is-list", `{"M":[]}`)
	add("bool-is-number", `{"BOOL":1}`)
	add("value-is-string", `"x"`)
	add("bad-base64", bin("A"))
	add("nested-31", strings.Repeat(`{"L":[`, 31)+str("x")+strings.Repeat(`]}`, 31))
	add("nested-32", strings.Repeat(`{"L":[`, 32)+str("x")+strings.Repeat(`]}`, 32))
	add("nested-33", strings.Repeat(`{"L":[`, 33)+str("x")+strings.Repeat(`]}`, 33))
	for name, n := range map[string]string{
		"integer": "42", "negative": "-7", "zero": "0", "negative-zero": "-0", "leading-zeros": "0042", "trailing-zeros": "1.500", "plus": "+1",
		"point-first": ".5", "point-last": "5.", "exponent": "1.5E2", "small-exponent": "25e-3",
		"38-digits": nines, "39-digits": nines + "9", "38-digits-fraction": "0." + nines, "largest": "9.9999999999999999999999999999999999999E125", "over": "1e126", "smallest": "1e-130",
		"under": "1e-131", "most-negative": "-9.9999999999999999999999999999999999999E125", "empty": "", "word": "abc", "nan": "NaN", "infinity": "Infinity", "space": " 1",
		"hex": "0x1F", "beyond-float": "9007199254740993", "underscore": "1_000",
	} {
		add("number-"+name, num(n))
	}
	return sorted(cases)
}
