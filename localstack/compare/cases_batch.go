package main

import "strings"

func batchCases() []testCase {
	write := func(requests ...string) step {
		return raw("BatchWriteItem", `{"RequestItems":{"$T":[`+strings.Join(requests, ",")+`]}}`)
	}
	read := func(keys []string, members ...string) step {
		return step{operation: "BatchGetItem", unordered: true,
			body: `{"RequestItems":{"$T":{"Keys":[` + strings.Join(keys, ",") + `]` + join(members) + `}}}`}
	}
	putting := func(i string) string { return `{"PutRequest":{"Item":` + item("pk", str(i), "n", num(i)) + `}}` }
	deleting := func(i string) string { return `{"DeleteRequest":{"Key":` + item("pk", str(i)) + `}}` }
	keyed := func(i string) string { return item("pk", str(i)) }
	stored := numbered(5, func(i string) string { return item("pk", str(i), "n", num(i), "s", str("x")) })
	return []testCase{
		{"batch/write", hashTable, stored, []step{write(putting("1"), putting("9"), deleting("2")), scan()}},
		{"batch/write-25", hashTable, nil, []step{write(numbered(25, putting)...), scan(`"Select":"COUNT"`)}},
		{"batch/write-26", hashTable, nil, []step{kind(write(numbered(26, putting)...))}},
		{"batch/write-none", hashTable, nil, []step{kind(write())}},
		{"batch/write-no-tables", "", nil, []step{kind(raw("BatchWriteItem", `{"RequestItems":{}}`))}},
		{"batch/write-nothing", "", nil, []step{kind(raw("BatchWriteItem", `{}`))}},
		{"batch/write-same-key", hashTable, nil, []step{write(putting("1"), putting("1"))}},
		{"batch/write-put-and-delete", hashTable, nil, []step{write(putting("1"), deleting("1"))}},
		{"batch/write-same-number", numTable, nil, []step{write(`{"DeleteRequest":{"Key":{"pk":{"N":"1"}}}}`, `{"DeleteRequest":{"Key":{"pk":{"N":"1.0"}}}}`)}},
		{"batch/write-empty-request", hashTable, nil, []step{write(`{}`)}},
		{"batch/write-both", hashTable, nil, []step{write(`{"PutRequest":{"Item":{"pk":{"S":"1"}}},"DeleteRequest":{"Key":{"pk":{"S":"2"}}}}`)}},
		{"batch/write-wrong-key", hashTable, nil, []step{write(`{"PutRequest":{"Item":{"pk":{"N":"1"}}}}`)}},
		{"batch/write-no-key", hashTable, nil, []step{write(`{"PutRequest":{"Item":{"x":{"N":"1"}}}}`)}},
		{"batch/write-empty-key", hashTable, nil, []step{write(`{"PutRequest":{"Item":{"pk":{"S":""}}}}`)}},
		{"batch/write-empty-set", hashTable, nil, []step{write(`{"PutRequest":{"Item":{"pk":{"S":"a"},"x":{"SS":[]}}}}`)}},
		{"batch/write-too-large", hashTable, nil, []step{write(`{"PutRequest":{"Item":` + withPK("b", str(strings.Repeat("x", 409_600))) + `}}`)}},
		{"batch/write-no-table", "", nil, []step{raw("BatchWriteItem", `{"RequestItems":{"nowhere":[`+putting("1")+`]}}`)}},
		{"batch/write-delete-absent", hashTable, nil, []step{write(deleting("1"))}},
		{"batch/get", hashTable, stored, []step{read([]string{keyed("1"), keyed("3"), keyed("9")})}},
		{"batch/get-projection", hashTable, stored, []step{read([]string{keyed("1"), keyed("3")}, projection("n"))}},
		{"batch/get-projection-alias", hashTable, stored, []step{read([]string{keyed("1")}, projection("#n"), names("#n", "n"))}},
		{"batch/get-projection-overlap", hashTable, stored, []step{read([]string{keyed("1")}, projection("n, n"))}},
		{"batch/get-consistent", hashTable, stored, []step{read([]string{keyed("1")}, `"ConsistentRead":true`)}},
		{"batch/get-100", hashTable, stored, []step{read(numbered(100, keyed))}},
		{"batch/get-101", hashTable, stored, []step{kind(read(numbered(101, keyed)))}},
		{"batch/get-same-key", hashTable, stored, []step{read([]string{keyed("1"), keyed("1")})}},
		{"batch/get-same-number", numTable, nil, []step{read([]string{item("pk", num("1")), item("pk", num("1.0"))})}},
		{"batch/get-wrong-key", hashTable, stored, []step{read([]string{item("pk", num("1"))})}},
		{"batch/get-no-keys", hashTable, stored, []step{kind(read(nil))}},
		{"batch/get-no-tables", "", nil, []step{kind(raw("BatchGetItem", `{"RequestItems":{}}`))}},
		{"batch/get-no-table", "", nil, []step{raw("BatchGetItem", `{"RequestItems":{"nowhere":{"Keys":[{"pk":{"S":"1"}}]}}}`)}},
	}
}

// kind compares the type of the error only: its message echoes the request in
// a way that no engine matches.
func kind(s step) step {
	s.onlyKind = true
	return s
}

func transactionCases() []testCase {
	write := func(actions []string, members ...string) step {
		return raw("TransactWriteItems", `{"TransactItems":[`+strings.Join(actions, ",")+`]`+join(members)+`}`)
	}
	read := func(gets []string, members ...string) step {
		return raw("TransactGetItems", `{"TransactItems":[`+strings.Join(gets, ",")+`]`+join(members)+`}`)
	}
	action := func(name string, members ...string) string {
		return `{"` + name + `":{"TableName":"$T"` + join(members) + `}}`
	}
	id := func(i string) string { return `"Key":` + item("pk", str(i)) }
	putting := func(i string, members ...string) string {
		return action("Put", append([]string{`"Item":` + item("pk", str(i), "n", num("1"))}, members...)...)
	}
	deleting := func(i string, members ...string) string {
		return action("Delete", append([]string{id(i)}, members...)...)
	}
	updating := func(i, source string, members ...string) string {
		return action("Update", append([]string{id(i), expr("Update", source)}, members...)...)
	}
	checking := func(i, source string, members ...string) string {
		return action("ConditionCheck", append([]string{id(i), condition(source)}, members...)...)
	}
	getting := func(i string, members ...string) string {
		return action("Get", append([]string{id(i)}, members...)...)
	}
	const oldItem = `"ReturnValuesOnConditionCheckFailure":"ALL_OLD"`
	one := values(":1", num("1"))
	stored := []string{item("pk", str("1"), "n", num("1"), "s", str("x")), item("pk", str("2"), "n", num("2"))}
	return []testCase{
		{"transact/write", hashTable, stored, []step{write([]string{putting("9"), updating("1", "SET n = n + :1", one), deleting("2"), checking("3", "attribute_not_exists(pk)")}), scan()}},
		{"transact/check-alone", hashTable, stored, []step{write([]string{checking("1", "attribute_exists(pk)")})}},
		{"transact/fails", hashTable, stored, []step{write([]string{putting("9"), checking("1", "n > :1", one)}), scan()}},
		{"transact/fails-old", hashTable, stored, []step{write([]string{putting("9"), checking("1", "n > :1", one, oldItem), putting("2", condition("attribute_not_exists(pk)"), oldItem)})}},
		{"transact/fails-all", hashTable, stored, []step{write([]string{deleting("1", condition("attribute_not_exists(pk)")), updating("2", "SET n = :1", condition("n = :1"), one), putting("3", condition("attribute_exists(pk)"))})}},
		{"transact/fails-old-of-no-item", hashTable, stored, []step{write([]string{checking("7", "attribute_exists(pk)", oldItem)})}},
		{"transact/update-type-error", hashTable, stored, []step{write([]string{updating("1", "SET s = s + :1", one), putting("9")})}},
		{"transact/update-absent-attribute", hashTable, stored, []step{write([]string{updating("1", "SET s = nope + :1", one)})}},
		{"transact/update-path", hashTable, stored, []step{write([]string{updating("1", "SET nope.x = :1", one)})}},
		{"transact/update-of-new", hashTable, nil, []step{write([]string{updating("1", "SET n = :1", one)}), scan()}},
		{"transact/same-item", hashTable, nil, []step{write([]string{putting("1"), deleting("1")})}},
		{"transact/same-number", numTable, nil, []step{write([]string{
			action("Delete", `"Key":`+item("pk", num("1"))), action("Delete", `"Key":`+item("pk", num("1.0")))})}},
		{"transact/100", hashTable, nil, []step{write(numbered(100, func(i string) string { return putting(i) })), scan(`"Select":"COUNT"`)}},
		{"transact/101", hashTable, nil, []step{kind(write(numbered(101, func(i string) string { return putting(i) })))}},
		{"transact/none", "", nil, []step{kind(write(nil))}},
		{"transact/nothing", "", nil, []step{kind(raw("TransactWriteItems", `{}`))}},
		{"transact/empty-action", "", nil, []step{kind(write([]string{`{}`}))}},
		{"transact/two-actions", hashTable, nil, []step{kind(write([]string{`{"Delete":{"TableName":"$T","Key":{"pk":{"S":"1"}}},"Put":{"TableName":"$T","Item":{"pk":{"S":"2"}}}}`}))}},
		{"transact/key-update", hashTable, stored, []step{write([]string{updating("1", "SET pk = :1", one)})}},
		{"transact/wrong-key", hashTable, stored, []step{write([]string{action("Delete", `"Key":`+item("pk", num("1")))})}},
		{"transact/empty-key", hashTable, stored, []step{write([]string{deleting("")})}},
		{"transact/put-without-key", hashTable, stored, []step{write([]string{action("Put", `"Item":`+item("x", str("1")))})}},
		{"transact/syntax", hashTable, stored, []step{write([]string{checking("1", "n = = :1", one)})}},
		{"transact/unused-value", hashTable, stored, []step{write([]string{checking("1", "attribute_exists(n)", one)})}},
		{"transact/no-condition", hashTable, stored, []step{kind(write([]string{action("ConditionCheck", id("1"))}))}},
		{"transact/no-table", "", nil, []step{raw("TransactWriteItems", `{"TransactItems":[{"Delete":{"TableName":"nowhere","Key":{"pk":{"S":"1"}}}}]}`)}},
		{"transact/token-again", hashTable, stored, []step{
			write([]string{updating("1", "ADD n :1", one)}, `"ClientRequestToken":"t1"`), write([]string{updating("1", "ADD n :1", one)}, `"ClientRequestToken":"t1"`), scan()}},
		{"transact/token-other-request", hashTable, stored, []step{
			write([]string{updating("1", "ADD n :1", one)}, `"ClientRequestToken":"t2"`), write([]string{updating("2", "ADD n :1", one)}, `"ClientRequestToken":"t2"`)}},
		{"transact/token-too-long", hashTable, stored, []step{kind(write([]string{deleting("1")}, `"ClientRequestToken":"`+strings.Repeat("t", 37)+`"`))}},
		{"transact/token-empty", hashTable, stored, []step{kind(write([]string{deleting("1")}, `"ClientRequestToken":""`))}},
		{"transact/too-large", hashTable, nil, []step{write([]string{action("Put", `"Item":`+withPK("b", str(strings.Repeat("x", 409_600))))})}},
		{"transact/get", hashTable, stored, []step{read([]string{getting("1"), getting("9"), getting("2")})}},
		{"transact/get-projection", hashTable, stored, []step{read([]string{getting("1", projection("n")), getting("2", projection("#n"), names("#n", "n"))})}},
		{"transact/get-projection-absent", hashTable, stored, []step{read([]string{getting("1", projection("nope"))})}},
		{"transact/get-same", hashTable, stored, []step{read([]string{getting("1"), getting("1")})}},
		{"transact/get-101", hashTable, stored, []step{kind(read(numbered(101, func(i string) string { return getting(i) })))}},
		{"transact/get-none", "", nil, []step{kind(read(nil))}},
		{"transact/get-wrong-key", hashTable, stored, []step{read([]string{action("Get", `"Key":`+item("pk", num("1")))})}},
		{"transact/get-no-table", "", nil, []step{raw("TransactGetItems", `{"TransactItems":[{"Get":{"TableName":"nowhere","Key":{"pk":{"S":"1"}}}}]}`)}},
	}
}

// capacityCases ask for the consumed capacity.
func capacityCases() []testCase {
	const total, indexes = `"ReturnConsumedCapacity":"TOTAL"`, `"ReturnConsumedCapacity":"INDEXES"`
	kb := func(n int) string { return str(strings.Repeat("x", n*1024-20)) }
	small := []string{withPK("n", num("1"))}
	big := []string{withPK("b", kb(10))}
	a := values(":a", str("a"))
	g := values(":g", str("x"))
	twoPuts := `{"TransactItems":[{"Put":{"TableName":"$T","Item":{"pk":{"S":"1"}}}},{"Put":{"TableName":"$T","Item":{"pk":{"S":"2"},"b":` + kb(3) + `}}}],` + total + `}`
	return []testCase{
		{"capacity/put", hashTable, nil, []step{put(withPK(), total)}},
		{"capacity/put-none", hashTable, nil, []step{put(withPK(), `"ReturnConsumedCapacity":"NONE"`)}},
		{"capacity/put-wrong", hashTable, nil, []step{put(withPK(), `"ReturnConsumedCapacity":"SOME"`)}},
		{"capacity/put-3-kb", hashTable, nil, []step{put(withPK("b", kb(3)), total)}},
		{"capacity/put-smaller", hashTable, big, []step{put(withPK(), total)}},
		{"capacity/put-indexes", gsiTable, nil, []step{put(indexed[0], indexes)}},
		{"capacity/put-total-with-indexes", gsiTable, nil, []step{put(indexed[0], total)}},
		{"capacity/put-same-with-indexes", gsiTable, indexed[:1], []step{put(indexed[0], indexes)}},
		{"capacity/put-moves-index", gsiTable, indexed[:1], []step{put(withPK("sk", str("1"), "g", str("z"), "n", num("10")), indexes)}},
		{"capacity/put-fails", hashTable, big, []step{put(withPK(), condition("attribute_not_exists(pk)"), total)}},
		{"capacity/update", hashTable, small, []step{update(pk, "SET n = :a", a, total)}},
		{"capacity/update-large", hashTable, big, []step{update(pk, "SET n = :a", a, total)}},
		{"capacity/update-indexes", gsiTable, indexed[:1], []step{update(withPK("sk", str("1")), "SET n = :a", values(":a", num("3")), indexes)}},
		{"capacity/delete", hashTable, big, []step{remove(pk, total)}},
		{"capacity/delete-absent", hashTable, nil, []step{remove(pk, total)}},
		{"capacity/delete-indexes", gsiTable, indexed[:1], []step{remove(withPK("sk", str("1")), indexes)}},
		{"capacity/get", hashTable, small, []step{get(pk, total)}},
		{"capacity/get-consistent", hashTable, small, []step{get(pk, total, `"ConsistentRead":true`)}},
		{"capacity/get-large", hashTable, big, []step{get(pk, total), get(pk, total, `"ConsistentRead":true`)}},
		{"capacity/get-projection", hashTable, big, []step{get(pk, projection("pk"), total)}},
		{"capacity/get-absent", hashTable, nil, []step{get(pk, total)}},
		{"capacity/get-indexes", hashTable, small, []step{get(pk, indexes)}},
		{"capacity/query", sortTable, letters, []step{query("pk = :a", a, total), query("pk = :a", a, total, `"ConsistentRead":true`)}},
		{"capacity/query-none", sortTable, letters, []step{query("pk = :a", values(":a", str("zz")), total)}},
		{"capacity/query-filter", sortTable, large(), []step{query("pk = :a", values(":a", str("a"), ":x", num("1")), filter("nope = :x"), total, `"Limit":2`)}},
		{"capacity/query-count", sortTable, letters, []step{query("pk = :a", a, total, `"Select":"COUNT"`)}},
		{"capacity/query-index", gsiTable, indexed, []step{query("g = :g", g, `"IndexName":"all"`, indexes)}},
		{"capacity/scan", sortTable, letters, []step{scan(total)}},
		{"capacity/batch-write", hashTable, nil, []step{raw("BatchWriteItem", `{"RequestItems":{"$T":[{"PutRequest":{"Item":{"pk":{"S":"1"}}}},{"PutRequest":{"Item":{"pk":{"S":"2"}}}}]},`+total+`}`)}},
		{"capacity/batch-get", hashTable, small, []step{raw("BatchGetItem", `{"RequestItems":{"$T":{"Keys":[{"pk":{"S":"a"}},{"pk":{"S":"b"}}]}},`+total+`}`)}},
		{"capacity/transact-write", hashTable, nil, []step{raw("TransactWriteItems", twoPuts)}},
		{"capacity/transact-get", hashTable, small, []step{raw("TransactGetItems", `{"TransactItems":[{"Get":{"TableName":"$T","Key":{"pk":{"S":"a"}}}},{"Get":{"TableName":"$T","Key":{"pk":{"S":"b"}}}}],`+total+`}`)}},
	}
}
