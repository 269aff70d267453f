package main

// tableCases are operations on tables.
func tableCases() []testCase {
	create := func(attributes, keys, more string) step {
		return step{operation: "CreateTable", body: `{"TableName":"$T","AttributeDefinitions":` + attributes + `,"KeySchema":` + keys + more + `}`}
	}
	const s, n = `[{"AttributeName":"pk","AttributeType":"S"}]`, `[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"n","AttributeType":"N"}]`
	const onDemand = `,"BillingMode":"PAY_PER_REQUEST"`
	index := func(body string) string { return onDemand + `,"GlobalSecondaryIndexes":[` + body + `]` }
	const projectAll = `"Projection":{"ProjectionType":"ALL"}`
	return []testCase{
		{"table/describe", hashTable, nil, []step{request("DescribeTable")}},
		{"table/describe-indexes", gsiTable, nil, []step{request("DescribeTable")}},
		{"table/describe-absent", "", nil, []step{raw("DescribeTable", `{"TableName":"nowhere"}`)}},
		{"table/describe-no-name", "", nil, []step{kind(raw("DescribeTable", `{}`))}},
		{"table/delete-absent", "", nil, []step{raw("DeleteTable", `{"TableName":"nowhere"}`)}},
		{"table/delete", hashTable, nil, []step{request("DeleteTable"), request("DeleteTable")}},
		{"table/create-again", hashTable, nil, []step{create(s, key("pk"), onDemand)}},
		{"table/create-provisioned", "", nil, []step{create(s, key("pk"), `,"ProvisionedThroughput":{"ReadCapacityUnits":3,"WriteCapacityUnits":2}`), request("DescribeTable"), request("DeleteTable")}},
		{"table/create-short-name", "", nil, []step{kind(raw("CreateTable", `{"TableName":"ab","AttributeDefinitions":`+s+`,"KeySchema":`+key("pk")+onDemand+`}`))}},
		{"table/create-bad-name", "", nil, []step{kind(raw("CreateTable", `{"TableName":"a b c","AttributeDefinitions":`+s+`,"KeySchema":`+key("pk")+onDemand+`}`))}},
		{"table/create-no-keys", "", nil, []step{kind(raw("CreateTable", `{"TableName":"no-keys","AttributeDefinitions":`+s+onDemand+`}`))}},
		{"table/create-key-undefined", "", nil, []step{create(s, key("id"), onDemand)}},
		{"table/create-sort-undefined", "", nil, []step{create(s, key("pk", "sk"), onDemand)}},
		{"table/create-attribute-unused", "", nil, []step{create(n, key("pk"), onDemand)}},
		{"table/create-same-key-twice", "", nil, []step{create(s, key("pk", "pk"), onDemand)}},
		{"table/create-range-first", "", nil, []step{create(s, `[{"AttributeName":"pk","KeyType":"RANGE"}]`, onDemand)}},
		{"table/create-three-keys", "", nil, []step{kind(create(n, `[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"n","KeyType":"RANGE"},{"AttributeName":"x","KeyType":"RANGE"}]`, onDemand))}},
		{"table/create-bad-type", "", nil, []step{kind(create(`[{"AttributeName":"pk","AttributeType":"BOOL"}]`, key("pk"), onDemand))}},
		{"table/create-no-billing", "", nil, []step{create(s, key("pk"), "")}},
		{"table/create-both-billings", "", nil, []step{create(s, key("pk"), onDemand+`,"ProvisionedThroughput":{"ReadCapacityUnits":3,"WriteCapacityUnits":2}`)}},
		{"table/create-index-key-undefined", "", nil, []step{create(s, key("pk"), index(`{"IndexName":"one","KeySchema":`+key("g")+`,`+projectAll+`}`))}},
		{"table/create-index-twice", "", nil, []step{create(n, key("pk"), index(`{"IndexName":"one","KeySchema":`+key("n")+`,`+projectAll+`},{"IndexName":"one","KeySchema":`+key("n")+`,`+projectAll+`}`))}},
		{"table/create-index-no-projection", "", nil, []step{kind(create(n, key("pk"), index(`{"IndexName":"one","KeySchema":`+key("n")+`}`)))}},
		{"table/create-index-no-key", "", nil, []step{kind(create(n, key("pk"), index(`{"IndexName":"one",`+projectAll+`}`)))}},
		{"table/create-index-bad-projection", "", nil, []step{create(n, key("pk"), index(`{"IndexName":"one","KeySchema":`+key("n")+`,"Projection":{"ProjectionType":"ALL","NonKeyAttributes":["a"]}}`))}},
		{"table/create-no-indexes", "", nil, []step{create(s, key("pk"), index(""))}},
		{"table/create-stream-without-view", "", nil, []step{create(s, key("pk"), onDemand+`,"StreamSpecification":{"StreamEnabled":true}`)}},
		{"table/list", hashTable, nil, []step{raw("ListTables", `{"ExclusiveStartTableName":"cmp-table-lisa"}`)}},
		{"table/list-limit-0", "", nil, []step{kind(raw("ListTables", `{"Limit":0}`))}},
		{"table/list-limit-101", "", nil, []step{kind(raw("ListTables", `{"Limit":101}`))}},
		{"table/ttl", hashTable, nil, []step{request("DescribeTimeToLive"), request("UpdateTimeToLive", `"TimeToLiveSpecification":{"AttributeName":"t","Enabled":true}`), request("DescribeTimeToLive"),
			request("UpdateTimeToLive", `"TimeToLiveSpecification":{"AttributeName":"t","Enabled":true}`)}},
		{"table/ttl-off", hashTable, nil, []step{request("UpdateTimeToLive", `"TimeToLiveSpecification":{"AttributeName":"t","Enabled":false}`)}},
		{"table/ttl-absent", "", nil, []step{raw("DescribeTimeToLive", `{"TableName":"nowhere"}`)}},
		{"table/backups", hashTable, nil, []step{request("DescribeContinuousBackups")}},
	}
}

// streamCases read a table's stream.
func streamCases() []testCase {
	describe := raw("DescribeStream", `{"StreamArn":"$Stream"}`)
	iterator := func(kind string) step {
		return raw("GetShardIterator", `{"StreamArn":"$Stream","ShardId":"$Shard","ShardIteratorType":"`+kind+`"}`)
	}
	quiet := func(s step) step {
		s.quiet = true
		return s
	}
	open := []step{quiet(request("DescribeTable")), quiet(describe), iterator("TRIM_HORIZON")}
	records := raw("GetRecords", `{"ShardIterator":"$Iterator"}`)
	after := func(steps ...step) []step {
		steps = append(steps, open...)
		return append(steps, records)
	}
	one := values(":1", num("1"))
	const p2 = `{"pk":{"S":"b"}}`
	return []testCase{
		{"stream/insert", streamTable, nil, after(put(withPK("n", num("1"))))},
		{"stream/modify", streamTable, nil, after(put(withPK("n", num("1"))), update(pk, "SET n = :2", values(":2", num("2"))))},
		{"stream/remove", streamTable, nil, after(put(withPK("n", num("1"))), remove(pk))},
		{"stream/remove-absent", streamTable, nil, after(remove(pk))},
		{"stream/unchanged-put", streamTable, nil, after(put(withPK("n", num("1"))), put(withPK("n", num("1.0"))))},
		{"stream/unchanged-update", streamTable, nil, after(put(withPK("n", num("1"))), update(pk, "SET n = :1", one))},
		{"stream/failed-condition", streamTable, nil, after(put(withPK(), condition("attribute_exists(pk)")))},
		{"stream/order", streamTable, nil, after(put(withPK()), put(p2), remove(pk), put(withPK("n", num("5"))))},
		{"stream/batch", streamTable, nil, after(raw("BatchWriteItem", `{"RequestItems":{"$T":[{"PutRequest":{"Item":{"pk":{"S":"1"}}}},{"DeleteRequest":{"Key":{"pk":{"S":"2"}}}}]}}`))},
		{"stream/transaction", streamTable, nil, after(raw("TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"$T","Item":{"pk":{"S":"1"}}}},{"Put":{"TableName":"$T","Item":{"pk":{"S":"2"}}}}]}`))},
		{"stream/keys-only", keysStreamTable, nil, after(put(withPK("n", num("1"))), put(withPK("n", num("2"))))},
		{"stream/latest", streamTable, []string{withPK()}, []step{open[0], open[1],
			iterator("LATEST"), put(p2), records}},
		{"stream/limit", streamTable, nil, []step{put(withPK()), put(p2), open[0], open[1], open[2],
			raw("GetRecords", `{"ShardIterator":"$Iterator","Limit":1}`), raw("GetRecords", `{"ShardIterator":"$Iterator","Limit":1}`)}},
		{"stream/list", streamTable, nil, []step{request("ListStreams"), request("ListStreams", `"Limit":1`)}},
		{"stream/describe-absent", "", nil, []step{raw("DescribeStream", `{"StreamArn":"arn:aws:dynamodb:us-east-1:000000000000:table/nowhere/stream/2025-01-01T00:00:00.000"}`)}},
		{"stream/bad-iterator", "", nil, []step{kind(raw("GetRecords", `{"ShardIterator":"nonsense"}`))}},
		{"stream/bad-iterator-type", streamTable, nil, []step{open[0], open[1], kind(iterator("SOME"))}},
		{"stream/disabled-stays", streamTable, []string{withPK()}, []step{open[0],
			request("UpdateTable", `"StreamSpecification":{"StreamEnabled":false}`), describe, iterator("TRIM_HORIZON"), records}},
		{"stream/describe", streamTable, nil, []step{open[0], describe}},
		{"stream/enable-twice", streamTable, nil, []step{request("UpdateTable", `"StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_IMAGE"}`)}},
	}
}

// otherCases are about the protocol.
func otherCases() []testCase {
	return []testCase{
		{"protocol/unknown-operation", "", nil, []step{kind(raw("MakeCoffee", `{}`))}},
		{"protocol/not-json", "", nil, []step{kind(raw("ListTables", `{"a`))}},
		{"protocol/array", "", nil, []step{kind(raw("GetItem", `[]`))}},
		{"protocol/empty-body", "", nil, []step{kind(raw("ListTables", ``))}},
		{"protocol/wrong-member-type", "", nil, []step{kind(raw("GetItem", `{"TableName":5,"Key":{"pk":{"S":"a"}}}`))}},
		{"protocol/key-is-list", hashTable, nil, []step{kind(request("GetItem", `"Key":[]`))}},
	}
}

// textCases have characters of several bytes where an expression allows none.
// They come last: they end the process of an engine or two.
func textCases() []testCase {
	return []testCase{
		{"text/projection", hashTable, []string{rich}, []step{get(pk, projection("é"))}},
		{"text/projection-later", hashTable, []string{rich}, []step{get(pk, projection("s, naïve"))}},
		{"text/filter", hashTable, []string{rich}, []step{scan(filter("日本 = :a"), values(":a", str("a")))}},
		{"text/condition", hashTable, []string{rich}, []step{remove(pk, condition("s = 'é'"))}},
		{"text/condition-quotes", hashTable, []string{rich}, []step{remove(pk, condition("s = “hello”"))}},
		{"text/update", hashTable, []string{rich}, []step{update(pk, "SET é = :1", values(":1", num("1")))}},
		{"text/key", sortTable, letters, []step{query("pk = :a AND sk = é", values(":a", str("a")))}},
		{"text/alias-name", hashTable, []string{rich}, []step{update(pk, "SET #e = :1", values(":1", num("1")), names("#e", "é")), get(pk)}},
		{"text/alias-key", hashTable, []string{rich}, []step{get(pk, projection("#é"), names("#é", "s"))}},
	}
}
