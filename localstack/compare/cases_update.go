package main

import "strings"

// updateCases are update expressions: each is run on the rich item and the item
// read again.
func updateCases() []testCase {
	var cases []testCase
	for name, source := range map[string]string{
		"set": "SET n = :1", "set-new": "SET x = :a", "set-two": "SET n = :1, x = :a", "set-alias": "SET #size = :1", "set-dotted-name": "SET #dot = :1", "lower-case": "set n = :1 remove s",
		"plus": "SET n = n + :1", "minus": "SET n = n - :9", "plus-value-first": "SET n = :1 + n", "plus-exact": "SET n = :big - :1", "plus-39-digits": "SET n = :big + :0, x = :big + n", "plus-string": "SET n = s + :1", "plus-string-value": "SET n = n + :a", "plus-absent": "SET x = nope + :1", "plus-three": "SET n = n + :1 + :2", "plus-parens": "SET n = (n + :1)",
		"if-not-exists": "SET n = if_not_exists(n, :1)", "if-not-exists-new": "SET x = if_not_exists(x, :1)", "if-not-exists-plus": "SET x = if_not_exists(x, :0) + :1", "if-not-exists-path": "SET x = if_not_exists(nope, n)", "if-not-exists-value": "SET x = if_not_exists(:1, :1)", "if-not-exists-deep": "SET x = if_not_exists(nope.deep, :1)",
		"append": "SET l = list_append(l, :l)", "prepend": "SET l = list_append(:l, l)", "append-absent": "SET x = list_append(nope, :l)", "append-string": "SET l = list_append(s, :l)", "append-string-value": "SET l = list_append(l, :a)", "append-if-not-exists": "SET x = list_append(if_not_exists(x, :none), :l)",
		"copy": "SET x = s", "copy-absent": "SET x = nope", "copy-deep": "SET x = m.d.e[0]", "swap": "SET s = n, n = s", "set-and-remove-source": "SET x = s REMOVE s",
		"list-index": "SET l[1] = :9", "list-beyond": "SET l[7] = :9", "list-beyond-two": "SET l[9] = :9, l[7] = :1", "list-of-absent": "SET nope[0] = :1", "list-of-map": "SET m[0] = :1", "list-nested": "SET l[2].k = :a, l[2].x = :1",
		"map-new": "SET m.x = :1", "map-deep": "SET m.d.x = :1", "map-absent": "SET nope.x = :1", "map-of-string": "SET s.x = :1", "map-of-list": "SET l.x = :1", "map-two": "SET m.x = :1, m.y = :2",
		"remove": "REMOVE s, n", "remove-absent": "REMOVE nope", "remove-list": "REMOVE l[0]", "remove-list-two": "REMOVE l[0], l[1]", "remove-list-reversed": "REMOVE l[2], l[0]", "remove-list-beyond": "REMOVE l[9]", "remove-map": "REMOVE m.a", "remove-map-absent": "REMOVE m.x", "remove-under-absent": "REMOVE nope.x", "remove-all": "REMOVE l[0], l[1], l[2]", "remove-and-set-list": "SET l[1] = :9 REMOVE l[0]",
		"add": "ADD n :1", "add-new": "ADD x :1", "add-negative": "ADD n :big", "add-set": "ADD ss :sz", "add-set-new": "ADD x :ss", "add-set-there": "ADD ss :ss", "add-number-set": "ADD ns :ns", "add-to-string": "ADD s :1", "add-set-to-number": "ADD n :ss", "add-other-set": "ADD ss :ns", "add-string": "ADD n :a", "add-list": "ADD l :l", "add-deep": "ADD m.a :1", "add-under-absent": "ADD nope.x :1", "add-path": "ADD n n",
		"delete": "DELETE ss :sa", "delete-last": "DELETE ss :ss", "delete-not-there": "DELETE ss :sz", "delete-absent": "DELETE nope :ss", "delete-other-set": "DELETE ss :ns", "delete-number": "DELETE n :1", "delete-of-string": "DELETE s :ss", "delete-binary": "DELETE bs :bs",
		"all-four": "SET n = :1 REMOVE s ADD ns :ns DELETE ss :sa", "two-sets": "SET n = :1 SET s = :a", "overlap": "SET n = :1, n = :2", "overlap-deep": "SET m.a = :1 REMOVE m", "overlap-alias": "SET #n = :1, n = :2", "conflict": "SET m[0] = :1, m.a = :2",
		"key": "SET pk = :a", "key-remove": "REMOVE pk", "key-add": "ADD pk :1", "key-inside": "SET pk.x = :1",
		"reserved": "SET name = :1", "reserved-value": "SET x = name", "unknown-function": "SET x = foo(:1)", "condition-function": "SET x = size(s)", "alias-undefined": "SET #x = :1", "value-undefined": "SET x = :nope", "arity": "SET x = if_not_exists(x)",
		"syntax": "INVALID SYNTAX HERE", "syntax-end": "SET x = :1,", "syntax-no-value": "SET x", "syntax-underscore": "SET _x = :1", "syntax-equals": "ADD n = :1", "syntax-section": "SET x = :1 n = :2", "redundant-parens": "SET x = ((:1))", "blank": " ",
	} {
		cases = append(cases, testCase{"update/" + name, hashTable, []string{rich}, []step{update(pk, source, used(source)), get(pk)}})
	}
	cases = sorted(cases)
	long := "SET a = :1" + strings.Repeat(" ", 4096)
	for _, returned := range []string{"NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW", "WRONG"} {
		member := `"ReturnValues":"` + returned + `"`
		const source = "SET n = :9, m.a = :2, x = :1, l[1] = :9 REMOVE s ADD ns :ns"
		cases = append(cases,
			testCase{"update/returns-" + returned, hashTable, []string{rich}, []step{update(pk, source, used(source), member)}},
			testCase{"update/returns-of-new-" + returned, hashTable, nil, []step{update(pk, "SET n = :9", used(":9"), member)}})
	}
	return append(cases,
		testCase{"update/no-expression", hashTable, nil, []step{request("UpdateItem", `"Key":`+pk), get(pk)}},
		testCase{"update/no-expression-old", hashTable, []string{rich}, []step{request("UpdateItem", `"Key":`+pk, `"ReturnValues":"ALL_NEW"`)}},
		testCase{"update/empty-expression", hashTable, nil, []step{request("UpdateItem", `"Key":`+pk, `"UpdateExpression":""`)}},
		testCase{"update/too-long", hashTable, nil, []step{update(pk, long, used(":1"))}},
		testCase{"update/new-item", hashTable, nil, []step{update(pk, "SET n = :1", used(":1")), get(pk)}},
		testCase{"update/remove-of-no-item", hashTable, nil, []step{update(pk, "REMOVE n"), get(pk)}},
		testCase{"update/delete-of-no-item", hashTable, nil, []step{update(pk, "DELETE ss :ss", used(":ss")), get(pk)}},
		testCase{"update/condition-and-bad-type", hashTable, []string{rich}, []step{update(pk, "SET n = s + :1", condition("n = :9"), used(":1 :9"))}},
		testCase{"update/unused-value", hashTable, []string{rich}, []step{update(pk, "SET n = :1", values(":1", num("1"), ":2", num("2"), ":3", num("3")))}},
		testCase{"update/unused-name", hashTable, []string{rich}, []step{update(pk, "SET n = :1", used(":1"), names("#x", "x"))}},
		testCase{"update/with-attribute-updates", hashTable, nil, []step{update(pk, "SET n = :1", used(":1"), `"AttributeUpdates":{"x":{"Value":{"N":"1"},"Action":"PUT"}}`)}},
		testCase{"update/overflow", hashTable, []string{withPK("n", num("9.9e125"))}, []step{update(pk, "SET n = n + n2", ""), update(pk, "ADD n :x", values(":x", num("9.9e125")))}},
		testCase{"update/wrong-key", hashTable, nil, []step{update(item("id", str("a")), "SET n = :1", used(":1"))}},
		testCase{"update/empty-set", hashTable, nil, []step{update(pk, "SET x = :x", values(":x", `{"SS":[]}`))}},
		testCase{"update/duplicate-set", hashTable, nil, []step{update(pk, "ADD x :x", values(":x", `{"SS":["a","a"]}`))}},
		testCase{"update/nested-32", hashTable, []string{withPK("m", `{"M":{"a":{"M":{}}}}`)}, []step{
			update(pk, "SET m.a.b = :x", values(":x", strings.Repeat(`{"L":[`, 29)+str("x")+strings.Repeat(`]}`, 29)))}},
		testCase{"update/nested-33", hashTable, []string{withPK("m", `{"M":{"a":{"M":{}}}}`)}, []step{
			update(pk, "SET m.a.b = :x", values(":x", strings.Repeat(`{"L":[`, 30)+str("x")+strings.Repeat(`]}`, 30)))}},
		testCase{"update/legacy", hashTable, []string{rich}, []step{
			request("UpdateItem", `"Key":`+pk, `"AttributeUpdates":{"n":{"Value":{"N":"1"},"Action":"PUT"}}`)}},
	)
}

// projectionCases are projection expressions on the rich item.
func projectionCases() []testCase {
	var cases []testCase
	for name, source := range map[string]string{
		"one": "s", "two": "s, n", "key": "pk, s", "absent": "nope", "deep": "m.d.e[0]", "deep-two": "m.a, m.d.e[0]", "deep-absent": "m.x", "indexes": "l[2], l[0]", "index-beyond": "l[9], l[1]", "index-map": "l[2].k", "wrong-kind": "l.x, m[0]",
		"alias": "#s, #m.a", "alias-undefined": "#x", "reserved": "name", "overlap": "m, m.a", "overlap-child-first": "m.a, m", "same": "s, s", "same-alias": "#n, #n2", "conflict": "m.a, m[0]",
		"syntax": "!!! INVALID !!!", "syntax-end": "s,", "syntax-value": ":1st", "syntax-words": "s n", "blank": " ", "key-inside": "pk.x",
	} {
		cases = append(cases, testCase{"projection/" + name, hashTable, []string{rich}, []step{get(pk, projection(source), used(source))}})
	}
	return append(sorted(cases),
		testCase{"projection/empty", hashTable, []string{rich}, []step{get(pk, `"ProjectionExpression":""`)}},
		testCase{"projection/of-no-item", hashTable, nil, []step{get(pk, projection("s"))}},
		testCase{"projection/unused-name", hashTable, nil, []step{get(pk, projection("s"), names("#x", "x"))}},
		testCase{"projection/with-attributes-to-get", hashTable, nil, []step{get(pk, projection("s"), `"AttributesToGet":["s"]`)}},
	)
}
