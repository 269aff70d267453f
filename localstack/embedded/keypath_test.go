package embedded_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/localstack/embedded"
)

// TestKeysInExpressions is what DynamoDB answers to expressions that look inside
// a key or write a key of an index.
func TestKeysInExpressions(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{})
	e.table(t, "things", types.ScalarAttributeTypeS,
		withIndex("by-owner", "owner", "", types.Projection{ProjectionType: types.ProjectionTypeAll}))
	e.put(t, "things", item{"pk": s("a"), "sk": s("1"), "owner": s("o"), "n": n("5")})
	const (
		key    = `"TableName":"things","Key":{"pk":{"S":"a"},"sk":{"S":"1"}}`
		scalar = "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: "
		one    = `,"ExpressionAttributeValues":{":v":{"N":"1"}}`
		owner  = `,"ExpressionAttributeNames":{"#o":"owner"}`
	)
	for i, c := range []struct{ operation, body, message string }{
		{"GetItem", key + `,"ProjectionExpression":"pk.x"`, scalar + "Key: pk"},
		{"GetItem", key + `,"ProjectionExpression":"#o[0]"` + owner, scalar + "IndexKey: owner"},
		{"DeleteItem", key + `,"ConditionExpression":"attribute_exists(sk[0])"`, scalar + "Key: sk"},
		{"PutItem", `"TableName":"things","Item":{"pk":{"S":"b"},"sk":{"S":"1"}},"ConditionExpression":"attribute_exists(sk[0])"`, scalar + "Key: sk"},
		{"UpdateItem", key + `,"UpdateExpression":"SET x = pk.x"`, scalar + "Key: pk"},
		{"UpdateItem", key + `,"UpdateExpression":"SET #o.x = :v"` + one + owner, scalar + "IndexKey: owner"},
		{"Scan", `"TableName":"things","FilterExpression":"pk.x = :v"` + one, scalar + "Key: pk"},
		{"Query", `"TableName":"things","KeyConditionExpression":"pk = :v","ProjectionExpression":"pk.x","ExpressionAttributeValues":{":v":{"S":"a"}}`, scalar + "Key: pk"},
		{"BatchGetItem", `"RequestItems":{"things":{"Keys":[{"pk":{"S":"a"},"sk":{"S":"1"}}],"ProjectionExpression":"pk.x"}}`, scalar + "Key: pk"},
		{"UpdateItem", key + `,"UpdateExpression":"SET #o = :v"` + one + owner,
			"One or more parameter values were invalid: Type mismatch for Index Key owner Expected: S Actual: N IndexName: by-owner"},
		{"UpdateItem", key + `,"UpdateExpression":"SET #o = n"` + owner,
			"The update expression attempted to update the secondary index key to unsupported type"},
		{"UpdateItem", key + `,"UpdateExpression":"SET #o = :v","ExpressionAttributeValues":{":v":{"S":""}}` + owner,
			"One or more parameter values are not valid. The update expression attempted to update a secondary index key to a value " +
				"that is not supported. The AttributeValue for a key attribute cannot contain an empty string value."},
		{"TransactWriteItems", `"TransactItems":[{"Delete":{"TableName":"things","Key":{"pk":{"S":""},"sk":{"S":"1"}}}}]`,
			"One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: pk"},
		{"BatchWriteItem", `"RequestItems":{"things":[{"PutRequest":{"Item":{"pk":{"N":"1"},"sk":{"S":"1"}}}}]}`,
			"The provided key element does not match the schema"},
	} {
		t.Run(fmt.Sprint(i, " ", c.operation), func(t *testing.T) {
			t.Parallel()
			status, out := e.raw(t, c.operation, "{"+c.body+"}")
			if status != 400 || out["message"] != c.message {
				t.Errorf("%d %v, want %q", status, out["message"], c.message)
			}
		})
	}
}

// TestTransactionRefusesPathsIntoKeys: there the refusal is a reason to cancel.
func TestTransactionRefusesPathsIntoKeys(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{})
	e.table(t, "plain", "")
	for operation, body := range map[string]string{
		"TransactWriteItems": `{"TransactItems":[{"ConditionCheck":{"TableName":"plain","Key":{"pk":{"S":"a"}},"ConditionExpression":"attribute_exists(pk.x)"}}]}`,
		"TransactGetItems":   `{"TransactItems":[{"Get":{"TableName":"plain","Key":{"pk":{"S":"a"}},"ProjectionExpression":"pk.x"}}]}`,
	} {
		status, out := e.raw(t, operation, body)
		want := "[map[Code:ValidationError Message:Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: pk]]"
		if got := fmt.Sprint(out["CancellationReasons"]); status != 400 || got != want {
			t.Errorf("%s: %d %s", operation, status, got)
		}
	}
}
