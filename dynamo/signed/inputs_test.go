package signed

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"
)

type attributes = map[string]types.AttributeValue

// attribute draws any attribute value of at most the given depth.
func attribute(depth int) *rapid.Generator[types.AttributeValue] {
	text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", `"`, `\`, "a\nb", "\x00\x1f\x7f", "<&>", "\u2028é😀", "\xff\xfe", "/"}))
	number := rapid.SampledFrom([]string{"0", "-1", "1e125", "3.14159", "12345678901234567890123456789012345678"})
	blob := rapid.SliceOf(rapid.Byte())
	kinds := []*rapid.Generator[types.AttributeValue]{
		rapid.Map(text, func(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }),
		rapid.Map(number, func(v string) types.AttributeValue { return &types.AttributeValueMemberN{Value: v} }),
		rapid.Map(blob, func(v []byte) types.AttributeValue { return &types.AttributeValueMemberB{Value: v} }),
		rapid.Map(rapid.Bool(), func(v bool) types.AttributeValue { return &types.AttributeValueMemberBOOL{Value: v} }),
		rapid.Map(rapid.Bool(), func(v bool) types.AttributeValue { return &types.AttributeValueMemberNULL{Value: v} }),
		rapid.Map(rapid.SliceOf(text), func(v []string) types.AttributeValue { return &types.AttributeValueMemberSS{Value: v} }),
		rapid.Map(rapid.SliceOf(number), func(v []string) types.AttributeValue { return &types.AttributeValueMemberNS{Value: v} }),
		rapid.Map(rapid.SliceOf(blob), func(v [][]byte) types.AttributeValue { return &types.AttributeValueMemberBS{Value: v} }),
	}
	if depth > 0 {
		kinds = append(kinds,
			rapid.Map(rapid.SliceOfN(attribute(depth-1), 0, 4), func(v []types.AttributeValue) types.AttributeValue {
				return &types.AttributeValueMemberL{Value: v}
			}),
			rapid.Map(rapid.MapOfN(text, attribute(depth-1), 0, 4), func(v attributes) types.AttributeValue {
				return &types.AttributeValueMemberM{Value: v}
			}))
	}
	return rapid.OneOf(kinds...)
}

func item() *rapid.Generator[attributes] {
	return rapid.MapOfN(rapid.StringN(1, 8, -1), attribute(3), 0, 6)
}

// inputs draws an input of each hot operation, with expressions or without.
func inputs(t *rapid.T) []any {
	table, key := aws.String(rapid.StringMatching(`[a-z]{3,9}`).Draw(t, "table")), item()
	text := func(name string) *string {
		return rapid.OneOf(rapid.Just[*string](nil), rapid.Map(rapid.String(), func(s string) *string { return &s })).Draw(t, name)
	}
	draw := func(name string) attributes { return key.Draw(t, name) }
	names := rapid.MapOfN(rapid.String(), rapid.String(), 0, 3).Draw(t, "names")
	values, flag := draw("values"), aws.Bool(rapid.Bool().Draw(t, "flag"))
	limit := aws.Int32(rapid.Int32().Draw(t, "limit"))
	const old, total = types.ReturnValuesOnConditionCheckFailureAllOld, types.ReturnConsumedCapacityTotal
	put := &types.Put{TableName: table, Item: draw("put"), ConditionExpression: text("c"), ExpressionAttributeNames: names, ExpressionAttributeValues: values, ReturnValuesOnConditionCheckFailure: old}
	return []any{
		&dynamodb.PutItemInput{TableName: table, Item: draw("item"), ConditionExpression: text("condition"), ExpressionAttributeNames: names, ExpressionAttributeValues: values, ReturnValuesOnConditionCheckFailure: old, ReturnConsumedCapacity: total},
		&dynamodb.PutItemInput{TableName: table, Item: draw("legacy"), Expected: map[string]types.ExpectedAttributeValue{"a": {Exists: flag, AttributeValueList: []types.AttributeValue{attribute(1).Draw(t, "expected")}}}, ReturnValues: types.ReturnValueAllOld},
		&dynamodb.UpdateItemInput{TableName: table, Key: draw("key"), UpdateExpression: text("update"), ConditionExpression: text("condition"), ExpressionAttributeNames: names, ExpressionAttributeValues: values, ReturnValues: types.ReturnValueAllNew},
		&dynamodb.DeleteItemInput{TableName: table, Key: draw("key"), ConditionExpression: text("condition"), ExpressionAttributeNames: names, ExpressionAttributeValues: values},
		&dynamodb.GetItemInput{TableName: table, Key: draw("key"), ConsistentRead: flag, ProjectionExpression: text("projection"), AttributesToGet: []string{"a", "b"}},
		&dynamodb.QueryInput{TableName: table, KeyConditionExpression: text("keys"), FilterExpression: text("filter"), IndexName: text("index"), ExclusiveStartKey: draw("start"), Limit: limit, ScanIndexForward: flag, Select: types.SelectCount, ExpressionAttributeNames: names, ExpressionAttributeValues: values},
		&dynamodb.ScanInput{TableName: table, FilterExpression: text("filter"), Segment: limit, TotalSegments: limit, ExclusiveStartKey: draw("start"), ConsistentRead: flag},
		&dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{*table: {Keys: []attributes{draw("a"), draw("b")}, ConsistentRead: flag, ProjectionExpression: text("p"), ExpressionAttributeNames: names}}},
		&dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{*table: {{PutRequest: &types.PutRequest{Item: draw("a")}}, {DeleteRequest: &types.DeleteRequest{Key: draw("b")}}}}},
		&dynamodb.BatchExecuteStatementInput{Statements: []types.BatchStatementRequest{{Statement: aws.String(rapid.String().Draw(t, "statement")), Parameters: []types.AttributeValue{attribute(2).Draw(t, "parameter"), attribute(0).Draw(t, "another")}}}, ReturnConsumedCapacity: total},
		&dynamodb.TransactWriteItemsInput{ClientRequestToken: aws.String("token"), TransactItems: []types.TransactWriteItem{
			{Put: put}, {Delete: &types.Delete{TableName: table, Key: draw("delete"), ConditionExpression: text("c")}},
			{Update: &types.Update{TableName: table, Key: draw("u"), UpdateExpression: aws.String("SET a = :a"), ExpressionAttributeValues: values}},
			{ConditionCheck: &types.ConditionCheck{TableName: table, Key: draw("k"), ConditionExpression: aws.String("a = b")}},
		}},
	}
}

// simple returns a small input of each hot operation, by name.
func simple() map[string]any {
	found := map[string]any{}
	table, key := aws.String("t"), attributes{"k": &types.AttributeValueMemberS{Value: "1"}}
	for _, in := range []any{
		&dynamodb.PutItemInput{TableName: table, Item: key},
		&dynamodb.UpdateItemInput{TableName: table, Key: key},
		&dynamodb.DeleteItemInput{TableName: table, Key: key},
		&dynamodb.GetItemInput{TableName: table, Key: key},
		&dynamodb.QueryInput{TableName: table},
		&dynamodb.ScanInput{TableName: table},
		&dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{"t": {Keys: []attributes{key}}}},
		&dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{"t": {{PutRequest: &types.PutRequest{Item: key}}}}},
		&dynamodb.BatchExecuteStatementInput{Statements: []types.BatchStatementRequest{{Statement: aws.String(`INSERT INTO "t" VALUE {'k':?}`), Parameters: []types.AttributeValue{key["k"]}}}},
		&dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Put: &types.Put{TableName: table, Item: key}}}},
	} {
		found[fmt.Sprintf("%T", in)] = in
	}
	return found
}
