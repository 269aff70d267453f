package main

import (
	"cmp"
	"slices"
	"strings"
)

// sorted sorts cases made from a map by name.
func sorted(cases []testCase) []testCase {
	slices.SortFunc(cases, func(a, b testCase) int { return cmp.Compare(a.name, b.name) })
	return cases
}

// rich is an item with all types.
var rich = withPK("s", str("hello"), "n", num("5"), "b", bin("AQID"), "t", `{"BOOL":true}`, "u", `{"NULL":true}`, "e", str(""),
	"ss", `{"SS":["a","b"]}`, "ns", `{"NS":["1","2"]}`, "bs", `{"BS":["AQ=="]}`,
	"l", `{"L":[{"S":"x"},{"N":"2"},{"M":{"k":{"S":"v"}}}]}`,
	"m", `{"M":{"a":{"N":"1"},"d":{"M":{"e":{"L":[{"N":"7"}]}}}}}`)

// known are the values that expressions of the cases use.
var known = map[string]string{
	":hello": str("hello"), ":he": str("he"), ":HE": str("HE"), ":a": str("a"), ":z": str("z"), ":x": str("x"), ":empty": str(""),
	":S": str("S"), ":SS": str("SS"), ":bad": str("STRING"),
	":0": num("0"), ":1": num("1"), ":2": num("2"), ":5": num("5.0"), ":9": num("9"), ":big": num("99999999999999999999999999999999999999"),
	":bin": bin("AQI="), ":bin1": bin("AQ=="), ":t": `{"BOOL":true}`, ":u": `{"NULL":true}`,
	":ss": `{"SS":["b","a"]}`, ":sa": `{"SS":["a"]}`, ":sz": `{"SS":["z"]}`, ":ns": `{"NS":["2"]}`, ":bs": `{"BS":["AQ=="]}`,
	":l": `{"L":[{"N":"8"}]}`, ":none": `{"L":[]}`, ":m": `{"M":{"k":{"S":"v"}}}`,
}

// used is ExpressionAttributeValues with those of the known values, and
// ExpressionAttributeNames with those of the names, that a source has.
func used(sources ...string) string {
	var pairs, aliases []string
	words := strings.FieldsFunc(strings.Join(sources, " "), func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_' || r == ':' || r == '#')
	})
	slices.Sort(words)
	for _, w := range slices.Compact(words) {
		if v, ok := known[w]; ok {
			pairs = append(pairs, w, v)
		}
		if name, ok := map[string]string{"#s": "s", "#n": "n", "#n2": "n", "#size": "size", "#dot": "a.b", "#m": "m"}[w]; ok {
			aliases = append(aliases, w, name)
		}
	}
	var members []string
	if pairs != nil {
		members = append(members, values(pairs...))
	}
	if aliases != nil {
		members = append(members, names(aliases...))
	}
	return strings.TrimPrefix(join(members), ",")
}

// conditionCases are conditions on one item: each is checked by a delete.
func conditionCases() []testCase {
	var cases []testCase
	for name, source := range map[string]string{
		"equal": "s = :hello", "equal-number": "n = :5", "equal-type": "n = :hello", "not-equal": "s <> :hello", "not-equal-absent": "nope <> :a", "equal-absent": "nope = :a",
		"less": "n < :9", "less-type": "n < :hello", "less-absent": "nope < :9", "less-or-equal": "n <= :5", "greater": "n > :5", "greater-or-equal": "n >= :5",
		"less-string": "s < :z", "less-binary": "b > :bin", "less-bool": "n < :t", "two-paths": "n = m.a", "same-path": "n = n", "same-alias": "#n = #n2",
		"set-equal": "ss = :ss", "list-element": "l[2] = :m", "map-deep": "m.d.e[0] > :5", "bool": "t = :t", "null": "u = :u", "empty": "e = :empty",
		"between": "n BETWEEN :2 AND :9", "between-outside": "n BETWEEN :0 AND :2", "between-reversed": "n BETWEEN :9 AND :2", "between-types": "n BETWEEN :a AND :9", "between-size": "size(s) BETWEEN :2 AND :9",
		"in": "s IN (:a, :hello)", "in-none": "s IN (:a, :z)", "in-one": "s IN (:hello)", "in-empty": "s IN ()", "in-no-parens": "s IN :a",
		"and": "s = :hello AND n = :5", "or": "s = :z OR n = :5", "not": "NOT s = :z", "not-false": "NOT s = :hello", "precedence": "s = :hello OR s = :z AND n = :0", "parens": "(s = :hello OR s = :z) AND n = :0", "lower-case-words": "s = :hello and not n = :0",
		"redundant-parens": "((s = :hello))", "redundant-parens-operand": "((s)) = :hello", "parens-operand": "(s) = :hello", "parens-inside": "((s = :hello) AND (n = :5))",
		"exists": "attribute_exists(s)", "exists-not": "attribute_exists(nope)", "not-exists": "attribute_not_exists(s)", "exists-deep": "attribute_exists(m.d.e[0])", "exists-index": "attribute_exists(l[9])", "exists-value": "attribute_exists(:a)",
		"type": "attribute_type(s, :S)", "type-set": "attribute_type(ss, :SS)", "type-other": "attribute_type(n, :S)", "type-unknown": "attribute_type(s, :bad)", "type-number": "attribute_type(s, :1)", "type-path": "attribute_type(s, n)",
		"begins": "begins_with(s, :he)", "begins-case": "begins_with(s, :HE)", "begins-binary": "begins_with(b, :bin)", "begins-number": "begins_with(s, :1)", "begins-of-number": "begins_with(n, :he)", "begins-empty": "begins_with(s, :empty)",
		"contains": "contains(s, :he)", "contains-set": "contains(ss, :a)", "contains-set-not": "contains(ss, :z)", "contains-number-set": "contains(ns, :2)", "contains-list": "contains(l, :x)", "contains-list-map": "contains(l, :m)", "contains-type": "contains(n, :a)", "contains-binary": "contains(b, :bin)", "contains-same": "contains(s, s)",
		"size-string": "size(s) = :5", "size-set": "size(ss) = :2", "size-list": "size(l) > :2", "size-map": "size(m) = :2", "size-binary": "size(b) > :2", "size-number": "size(n) = :1", "size-absent": "size(nope) = :0", "size-alone": "size(s)", "size-of-number-value": "size(:1) = :1",
		"alias": "#s = :hello", "alias-undefined": "#nope = :hello", "value-undefined": "s = :nope", "unknown-function": "exists(s)", "function-case": "SIZE(s) = :5", "function-as-operand": "contains(s, :he) = :t", "update-function": "if_not_exists(s, :a) = :a",
		"arity": "begins_with(s)", "arity-many": "size(s, n) = :1", "arity-none": "size() = :1",
		"reserved": "name = :a", "reserved-size": "size = :1", "reserved-deep": "m.zone = :1", "word-set": "set = :1",
		"syntax-operator": "s = = :a", "syntax-end": "s =", "syntax-words": "!!! INVALID !!!", "syntax-underscore": "_s = :hello", "syntax-digit": "1s = :hello", "syntax-bare": "s", "syntax-and-end": "s = :hello AND", "syntax-open": "(s = :hello", "syntax-close": "s = :hello)", "syntax-comma": "s = :hello, n = :5", "syntax-index": "l[a] = :1", "syntax-quotes": "s = 'hello'", "syntax-no-operator": "s :hello",
		"index-large": "l[99999999999] = :1", "blank": " ",
	} {
		cases = append(cases, testCase{"condition/" + name, hashTable, []string{rich}, []step{remove(pk, condition(source), used(source))}})
	}
	cases = sorted(cases)
	long := "n = :1" + strings.Repeat(" OR n = :1", 400)
	tooMany := "n IN (" + strings.Repeat(":1,", 100) + ":1)"
	return append(cases,
		testCase{"condition/empty-expression", hashTable, nil, []step{remove(pk, `"ConditionExpression":""`)}},
		testCase{"condition/4-kb", hashTable, nil, []step{remove(pk, condition(strings.Repeat(" ", 4089)+"n = :1"), used(":1"))}},
		testCase{"condition/4-kb-and-1", hashTable, nil, []step{remove(pk, condition(strings.Repeat(" ", 4091)+"n = :1"), used(":1"))}},
		testCase{"condition/too-long", hashTable, nil, []step{remove(pk, condition(long), used(":1"))}},
		testCase{"condition/in-101", hashTable, nil, []step{remove(pk, condition(tooMany), used(":1"))}},
		testCase{"condition/of-no-item", hashTable, nil, []step{remove(pk, condition("attribute_not_exists(pk)")), remove(pk, condition("attribute_exists(pk)"))}},
		testCase{"condition/put-once", hashTable, nil, []step{put(withPK(), condition("attribute_not_exists(pk)")), put(withPK(), condition("attribute_not_exists(pk)"))}},
		testCase{"condition/put-failed-old", hashTable, []string{rich}, []step{put(withPK(), condition("attribute_not_exists(pk)"), `"ReturnValuesOnConditionCheckFailure":"ALL_OLD"`)}},
		testCase{"condition/put-failed-none", hashTable, []string{rich}, []step{put(withPK(), condition("attribute_not_exists(pk)"), `"ReturnValuesOnConditionCheckFailure":"NONE"`)}},
		testCase{"condition/put-failed-old-of-no-item", hashTable, nil, []step{put(withPK(), condition("attribute_exists(pk)"), `"ReturnValuesOnConditionCheckFailure":"ALL_OLD"`)}},
		testCase{"condition/update-failed-old", hashTable, []string{rich}, []step{update(pk, "SET n = :1", condition("n > :9"), used(":1 :9"), `"ReturnValuesOnConditionCheckFailure":"ALL_OLD"`)}},
		testCase{"condition/delete-failed-old", hashTable, []string{rich}, []step{remove(pk, condition("n > :9"), used(":9"), `"ReturnValuesOnConditionCheckFailure":"ALL_OLD"`)}},
		testCase{"condition/unused-value", hashTable, []string{rich}, []step{remove(pk, condition("n = :5"), values(":5", num("5"), ":6", num("6")))}},
		testCase{"condition/unused-value-when-failing", hashTable, []string{rich}, []step{remove(pk, condition("n = :9"), values(":9", num("9"), ":6", num("6")))}},
		testCase{"condition/unused-name", hashTable, []string{rich}, []step{remove(pk, condition("attribute_exists(n)"), names("#x", "x"))}},
		testCase{"condition/names-without-expression", hashTable, nil, []step{remove(pk, names("#x", "x"))}},
		testCase{"condition/values-without-expression", hashTable, nil, []step{remove(pk, values(":x", str("x")))}},
		testCase{"condition/no-names", hashTable, nil, []step{remove(pk, condition("attribute_exists(n)"), `"ExpressionAttributeNames":{}`)}},
		testCase{"condition/no-values", hashTable, nil, []step{remove(pk, condition("attribute_exists(n)"), `"ExpressionAttributeValues":{}`)}},
		testCase{"condition/bad-name-key", hashTable, nil, []step{remove(pk, condition("attribute_exists(n)"), names("x", "x"))}},
		testCase{"condition/bad-value-key", hashTable, nil, []step{remove(pk, condition("n = :x"), values("x", str("x")))}},
		testCase{"condition/bad-value", hashTable, nil, []step{remove(pk, condition("n = :x"), values(":x", num("abc")))}},
		testCase{"condition/empty-set-value", hashTable, nil, []step{remove(pk, condition("n = :x"), values(":x", `{"SS":[]}`))}},
		testCase{"condition/with-expected", hashTable, nil, []step{remove(pk, condition("attribute_exists(n)"), `"Expected":{"n":{"Exists":false}}`)}},
	)
}
