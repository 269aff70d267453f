package main

import "strings"

// letters are items of two partitions with string sort keys.
var letters = []string{
	withPK("sk", str("A"), "n", num("1")), withPK("sk", str("a"), "n", num("2")), withPK("sk", str("ab"), "n", num("3")),
	withPK("sk", str("b"), "n", num("4"), "s", str("x")), withPK("sk", str("é"), "n", num("5")), withPK("sk", str("😀"), "n", num("6")),
	item("pk", str("b"), "sk", str("a"), "n", num("7")),
}

// figures are items with number sort keys.
func figures() []string {
	var items []string
	for _, n := range []string{"1", "2", "10", "100", "-1", "-10", "0", "0.5", "1e20", "9007199254740993", "9007199254740992", "-1e-130"} {
		items = append(items, withPK("sk", num(n)))
	}
	return items
}

func queryCases() []testCase {
	var cases []testCase
	for name, source := range map[string]string{
		"hash": "pk = :a", "hash-reversed": ":a = pk", "equal": "pk = :a AND sk = :x", "less": "pk = :a AND sk < :x", "less-or-equal": "pk = :a AND sk <= :x", "greater": "pk = :a AND sk > :x", "greater-or-equal": "pk = :a AND sk >= :x", "value-first": "pk = :a AND :x < sk", "sort-first": "sk = :x AND pk = :a",
		"between": "pk = :a AND sk BETWEEN :x AND :y", "between-reversed": "pk = :a AND sk BETWEEN :y AND :x", "begins": "pk = :a AND begins_with(sk, :x)", "begins-upper": "pk = :a AND begins_with(sk, :upper)", "begins-empty": "pk = :a AND begins_with(sk, :empty)", "parens": "(pk = :a) AND (sk = :x)", "parens-all": "(pk = :a AND sk = :x)", "redundant-parens": "((pk = :a))",
		"no-hash": "sk = :x", "hash-less": "pk < :a", "hash-begins": "begins_with(pk, :a)", "other-attribute": "pk = :a AND n = :1", "three": "pk = :a AND sk = :x AND n = :1", "twice": "pk = :a AND sk > :x AND sk < :y", "or": "pk = :a OR pk = :x", "not": "NOT pk = :a", "in": "pk IN (:a)", "not-equal": "pk = :a AND sk <> :x", "contains": "pk = :a AND contains(sk, :x)", "exists": "pk = :a AND attribute_exists(sk)", "size": "pk = :a AND size(sk) = :1", "nested": "pk = :a AND sk.x = :x", "wrong-type": "pk = :1", "sort-wrong-type": "pk = :a AND sk = :1", "empty-hash": "pk = :empty", "two-names": "pk = sk", "two-values": ":a = :x",
		"undefined": "pk = :nope", "syntax": "pk = = :a", "reserved": "name = :a", "blank": " ",
	} {
		var pairs []string
		for _, v := range [][2]string{{":a", str("a")}, {":x", str("a")}, {":y", str("b")}, {":upper", str("A")}, {":empty", str("")}, {":1", num("1")}} {
			if hasWord(source, v[0]) {
				pairs = append(pairs, v[0], v[1])
			}
		}
		var members []string
		if pairs != nil {
			members = append(members, values(pairs...))
		}
		cases = append(cases, testCase{"query/" + name, sortTable, letters, []step{query(source, members...)}})
	}
	cases = sorted(cases)
	const all = "pk = :a"
	a := values(":a", str("a"))
	more := func(extra ...string) string { return values(append([]string{":a", str("a")}, extra...)...) }
	return append(cases,
		testCase{"query/numbers", sortNTable, figures(), []step{query(all, a)}},
		testCase{"query/numbers-between", sortNTable, figures(), []step{query("pk = :a AND sk BETWEEN :l AND :h", more(":l", num("0.5"), ":h", num("10")))}},
		testCase{"query/numbers-precise", sortNTable, figures(), []step{query("pk = :a AND sk > :l", more(":l", num("9007199254740992")))}},
		testCase{"query/numbers-begins", sortNTable, figures(), []step{query("pk = :a AND begins_with(sk, :l)", more(":l", num("1")))}},
		testCase{"query/binaries", sortBTable, []string{withPK("sk", bin("AP8=")), withPK("sk", bin("fw==")), withPK("sk", bin("gA==")), withPK("sk", bin("AA=="))}, []step{query(all, a), query("pk = :a AND begins_with(sk, :l)", more(":l", bin("AA==")))}},
		testCase{"query/backward", sortTable, letters, []step{query(all, a, `"ScanIndexForward":false`)}},
		testCase{"query/none", sortTable, letters, []step{query(all, values(":a", str("zzz")))}},
		testCase{"query/limit", sortTable, letters, []step{query(all, a, `"Limit":2`), query(all, a, `"Limit":2`, `"ExclusiveStartKey":`+withPK("sk", str("a")))}},
		testCase{"query/limit-exact", sortTable, letters, []step{query(all, a, `"Limit":6`)}},
		testCase{"query/limit-backward", sortTable, letters, []step{query(all, a, `"Limit":2`, `"ScanIndexForward":false`, `"ExclusiveStartKey":`+withPK("sk", str("b")))}},
		testCase{"query/limit-0", sortTable, letters, []step{query(all, a, `"Limit":0`)}},
		testCase{"query/start-absent", sortTable, letters, []step{query(all, a, `"ExclusiveStartKey":`+withPK("sk", str("aa")))}},
		testCase{"query/start-other-partition", sortTable, letters, []step{query(all, a, `"ExclusiveStartKey":`+item("pk", str("b"), "sk", str("a")))}},
		testCase{"query/start-outside", sortTable, letters, []step{query("pk = :a AND sk > :x", more(":x", str("b")), `"ExclusiveStartKey":`+withPK("sk", str("a")))}},
		testCase{"query/start-wrong-key", sortTable, letters, []step{query(all, a, `"ExclusiveStartKey":`+pk)}},
		testCase{"query/start-wrong-type", sortTable, letters, []step{query(all, a, `"ExclusiveStartKey":`+withPK("sk", num("1")))}},
		testCase{"query/count", sortTable, letters, []step{query(all, a, `"Select":"COUNT"`)}},
		testCase{"query/select-all", sortTable, letters, []step{query(all, a, `"Select":"ALL_ATTRIBUTES"`)}},
		testCase{"query/select-specific", sortTable, letters, []step{query(all, a, `"Select":"SPECIFIC_ATTRIBUTES"`), query(all, a, `"Select":"SPECIFIC_ATTRIBUTES"`, projection("n"))}},
		testCase{"query/select-count-projection", sortTable, letters, []step{query(all, a, `"Select":"COUNT"`, projection("n"))}},
		testCase{"query/select-projected", sortTable, letters, []step{query(all, a, `"Select":"ALL_PROJECTED_ATTRIBUTES"`)}},
		testCase{"query/select-wrong", sortTable, letters, []step{query(all, a, `"Select":"SOME"`)}},
		testCase{"query/filter", sortTable, letters, []step{query(all, more(":n", num("2")), filter("n > :n"))}},
		testCase{"query/filter-limit", sortTable, letters, []step{query(all, more(":n", num("2")), filter("n > :n"), `"Limit":3`)}},
		testCase{"query/filter-key", sortTable, letters, []step{query(all, more(":n", str("a")), filter("sk > :n"))}},
		testCase{"query/filter-key-inside", sortTable, letters, []step{query(all, more(":n", str("a")), filter("sk.x > :n"))}},
		testCase{"query/filter-syntax", sortTable, letters, []step{query(all, more(":n", str("a")), filter("n > > :n"))}},
		testCase{"query/projection", sortTable, letters, []step{query(all, a, projection("sk, s"))}},
		testCase{"query/unused", sortTable, letters, []step{query(all, more(":n", str("a")))}},
		testCase{"query/unused-name", sortTable, letters, []step{query(all, a, names("#x", "x"))}},
		testCase{"query/no-condition", sortTable, letters, []step{request("Query")}},
		testCase{"query/no-table", "", nil, []step{raw("Query", `{"TableName":"nowhere","KeyConditionExpression":"pk = :a","ExpressionAttributeValues":{":a":{"S":"a"}}}`)}},
		testCase{"query/hash-only-table", hashTable, []string{withPK("n", num("1"))}, []step{query(all, a), query("pk = :a AND n = :n", more(":n", num("1")))}},
		testCase{"query/index-absent", sortTable, letters, []step{query(all, a, `"IndexName":"nope"`)}},
		testCase{"query/page-1-mb", sortTable, large(), []step{query(all, a, projection("sk"))}},
	)
}

// large are items of 1.2 MB in all.
func large() []string {
	return numbered(4, func(i string) string { return withPK("sk", str(i), "big", str(strings.Repeat(i, 300_000))) })
}

// hasWord tells whether a source has a placeholder.
func hasWord(source, word string) bool {
	for i := 0; ; {
		at := strings.Index(source[i:], word)
		if at < 0 {
			return false
		}
		i += at + len(word)
		if i == len(source) || strings.IndexByte(" ,)=<>", source[i]) >= 0 {
			return true
		}
	}
}

func scanCases() []testCase {
	return []testCase{
		{"scan/all", sortTable, letters, []step{scan()}},
		{"scan/empty", sortTable, nil, []step{scan()}},
		{"scan/count", sortTable, letters, []step{scan(`"Select":"COUNT"`)}},
		{"scan/filter", sortTable, letters, []step{scan(filter("n > :n"), values(":n", num("2")))}},
		{"scan/filter-none", sortTable, letters, []step{scan(filter("n > :n"), values(":n", num("200")))}},
		{"scan/filter-key", sortTable, letters, []step{scan(filter("sk = :x"), values(":x", str("a")))}},
		{"scan/filter-begins", sortTable, letters, []step{scan(filter("begins_with(sk, :x)"), values(":x", str("a")))}},
		{"scan/filter-size", sortTable, letters, []step{scan(filter("size(sk) > :n"), values(":n", num("1")))}},
		{"scan/projection", sortTable, letters, []step{scan(projection("sk"))}},
		{"scan/segment-alone", sortTable, letters, []step{scan(`"Segment":0`)}},
		{"scan/total-alone", sortTable, letters, []step{scan(`"TotalSegments":2`)}},
		{"scan/segment-beyond", sortTable, letters, []step{scan(`"Segment":2`, `"TotalSegments":2`)}},
		{"scan/one-segment", sortTable, letters, []step{scan(`"Segment":0`, `"TotalSegments":1`)}},
		{"scan/too-many-segments", sortTable, letters, []step{scan(`"Segment":0`, `"TotalSegments":1000001`)}},
		{"scan/limit-0", sortTable, letters, []step{scan(`"Limit":0`)}},
		{"scan/limit-large", sortTable, letters, []step{scan(`"Limit":100`)}},
		{"scan/wrong-start", sortTable, letters, []step{scan(`"ExclusiveStartKey":` + pk)}},
		{"scan/unused", sortTable, letters, []step{scan(values(":n", num("2")))}},
		{"scan/unused-with-filter", sortTable, letters, []step{scan(filter("n > :n"), values(":n", num("2"), ":m", num("2")))}},
		{"scan/syntax", sortTable, letters, []step{scan(filter("n > > :n"), values(":n", num("2")))}},
		{"scan/operand-type", sortTable, nil, []step{scan(filter("begins_with(n, :n)"), values(":n", num("2")))}},
		{"scan/no-table", "", nil, []step{raw("Scan", `{"TableName":"nowhere"}`)}},
		{"scan/select-specific", sortTable, letters, []step{scan(`"Select":"SPECIFIC_ATTRIBUTES"`)}},
	}
}

// indexed are items of the table with indexes; two lack a key of an index.
var indexed = []string{
	withPK("sk", str("1"), "g", str("x"), "n", num("10"), "a", str("A1"), "b", str("B1")),
	withPK("sk", str("2"), "g", str("x"), "n", num("9"), "a", str("A2")),
	withPK("sk", str("3"), "g", str("y"), "n", num("9")),
	withPK("sk", str("4"), "g", str("x")),
	withPK("sk", str("5"), "n", num("1")),
}

func indexCases() []testCase {
	g := values(":g", str("x"))
	on := func(index string) string { return `"IndexName":"` + index + `"` }
	const all = "g = :g"
	return []testCase{
		{"index/all", gsiTable, indexed, []step{query(all, g, on("all"))}},
		{"index/keys", gsiTable, indexed, []step{unorderedQuery(all, g, on("keys"))}},
		{"index/some", gsiTable, indexed, []step{query(all, g, on("some"))}},
		{"index/sort", gsiTable, indexed, []step{query("g = :g AND n > :n", values(":g", str("x"), ":n", num("9")), on("all"))}},
		{"index/backward", gsiTable, indexed, []step{query(all, g, on("all"), `"ScanIndexForward":false`)}},
		{"index/limit", gsiTable, indexed, []step{query(all, g, on("all"), `"Limit":1`)}},
		{"index/page-2", gsiTable, indexed, []step{query(all, g, on("all"), `"ExclusiveStartKey":`+withPK("sk", str("2"), "g", str("x"), "n", num("9")))}},
		{"index/start-wrong-key", gsiTable, indexed, []step{query(all, g, on("all"), `"ExclusiveStartKey":`+withPK("sk", str("2")))}},
		{"index/consistent", gsiTable, indexed, []step{query(all, g, on("all"), `"ConsistentRead":true`)}},
		{"index/select-all-of-all", gsiTable, indexed, []step{query(all, g, on("all"), `"Select":"ALL_ATTRIBUTES"`)}},
		{"index/select-all-of-keys", gsiTable, indexed, []step{query(all, g, on("keys"), `"Select":"ALL_ATTRIBUTES"`)}},
		{"index/select-projected", gsiTable, indexed, []step{query(all, g, on("some"), `"Select":"ALL_PROJECTED_ATTRIBUTES"`)}},
		{"index/project-absent", gsiTable, indexed, []step{query(all, g, on("some"), projection("b"))}},
		{"index/project-there", gsiTable, indexed, []step{query(all, g, on("some"), projection("a"))}},
		{"index/count", gsiTable, indexed, []step{query(all, g, on("keys"), `"Select":"COUNT"`)}},
		{"index/wrong-key", gsiTable, indexed, []step{query("pk = :g", g, on("all"))}},
		{"index/filter-base-key", gsiTable, indexed, []step{query(all, values(":g", str("x"), ":s", str("1")), on("all"), filter("sk > :s"))}},
		{"index/filter-index-key", gsiTable, indexed, []step{query(all, values(":g", str("x"), ":n", num("9")), on("all"), filter("n > :n"))}},
		{"index/scan", gsiTable, indexed, []step{scan(on("all"))}},
		{"index/scan-keys", gsiTable, indexed, []step{scan(on("keys"))}},
		{"index/put-wrong-type", gsiTable, nil, []step{put(withPK("sk", str("9"), "g", num("1")))}},
		{"index/put-empty-key", gsiTable, nil, []step{put(withPK("sk", str("9"), "g", str("")))}},
		{"index/put-null-key", gsiTable, nil, []step{put(withPK("sk", str("9"), "g", `{"NULL":true}`))}},
		{"index/put-long-key", gsiTable, nil, []step{put(withPK("sk", str("9"), "g", str(strings.Repeat("g", 2049))))}},
		{"index/update-wrong-type", gsiTable, indexed, []step{update(withPK("sk", str("1")), "SET g = :g", values(":g", num("1")))}},
		{"index/update-empty-key", gsiTable, indexed, []step{update(withPK("sk", str("1")), "SET g = :g", values(":g", str("")))}},
		{"index/update-moves", gsiTable, indexed, []step{update(withPK("sk", str("1")), "SET n = :n", values(":n", num("0"))), query(all, g, on("all"))}},
		{"index/remove-leaves", gsiTable, indexed, []step{update(withPK("sk", str("1")), "REMOVE n"), query(all, g, on("all"))}},
		{"index/delete-leaves", gsiTable, indexed, []step{remove(withPK("sk", str("1"))), query(all, g, on("all"))}},
		{"index/replace-leaves", gsiTable, indexed, []step{put(withPK("sk", str("1"))), query(all, g, on("all"))}},
		{"index/get-by-index-key", gsiTable, indexed, []step{get(item("g", str("x"), "n", num("9")))}},
		{"index/add-to-key", gsiTable, indexed, []step{update(withPK("sk", str("2")), "ADD n :n", values(":n", num("5"))), query(all, g, on("all"))}},
	}
}

func unorderedQuery(condition string, members ...string) step {
	s := query(condition, members...)
	s.unordered = true
	return s
}
