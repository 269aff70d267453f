package embedded_test

import (
	"bytes"
	"encoding/json/v2"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/localstack/embedded"
)

// raw sends one request as text and returns the status and the answer.
func (e *engine) raw(t testing.TB, operation, body string) (int, map[string]any) {
	t.Helper()
	if !strings.Contains(operation, ".") {
		operation = "DynamoDB_20120810." + operation
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://embedded/", bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Target", operation)
	resp, err := e.db.RoundTripper().RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if len(data) > 0 {
		if err := json.Unmarshal(data, &out); err != nil {
			t.Fatalf("%v: %s", err, data)
		}
	}
	return resp.StatusCode, out
}

// TestValidation is DynamoDB's refusals, by operation: request, error, text. A
// text that ends in … is compared up to there.
func TestValidation(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{})
	e.table(t, "things", types.ScalarAttributeTypeN, withIndex("by-owner", "owner", "rank", types.Projection{ProjectionType: types.ProjectionTypeKeysOnly}))
	e.table(t, "plain", "")
	e.put(t, "things", item{"pk": s("a"), "sk": n("1"), "s": s("text")})
	const (
		v        = "ValidationException"
		invalid  = "One or more parameter values were invalid: "
		mismatch = "The provided key element does not match the schema"
	)
	long := strings.Repeat("x", 2049)
	key := `"Key":{"pk":{"S":"a"},"sk":{"N":"1"}}`
	unmet := `{"ConditionCheck":{"TableName":"things",` + key + `,"ConditionExpression":"attribute_not_exists(pk)"}}`
	for i, c := range []struct{ operation, body, kind, message string }{
		{"PutItem", `{}`, v, "2 validation errors detected: Value null at 'tableName' failed to satisfy constraint: Member must not be null; Value null at 'item' failed to satisfy constraint: Member must not be null"},
		{"GetItem", `{"Key":{}}`, v, "1 validation error detected: Value null at 'tableName' failed to satisfy constraint: Member must not be null"},
		{"PutItem", `{"TableName":"a;","Item":{}}`, v, "2 validation errors detected: Value 'a;' at 'tableName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+; Value 'a;' at 'tableName' failed to satisfy constraint: Member must have length greater than or equal to 3"},
		{"PutItem", `{"TableName":"` + strings.Repeat("a", 256) + `","Item":{}}`, v, "1 validation error detected: Value '" + strings.Repeat("a", 256) + "' at 'tableName' failed to satisfy constraint: Member must have length less than or equal to 255"},
		{"PutItem", `{"TableName":"things","Item":{"pk":{"S":"a"}},"ReturnValues":"ALL"}`, v, "1 validation error detected: Value 'ALL' at 'returnValues' failed to satisfy constraint: Member must satisfy enum value set: [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]"},
		{"PutItem", `{"TableName":"things","Item":{"pk":{"S":"a"}},"ReturnValues":"ALL_NEW"}`, v, "ReturnValues can only be ALL_OLD or NONE"},
		{"DeleteItem", `{"TableName":"things",` + key + `,"ReturnValues":"ALL_NEW"}`, v, "ReturnValues can only be ALL_OLD or NONE"},
		{"PutItem", `{"TableName":"things","Item":{"pk":{"S":"a"}}}`, v, invalid + "Missing the key sk in the item"},
		{"PutItem", `{"TableName":"things","Item":{"pk":{"S":"a"},"sk":{"S":"1"}}}`, v, invalid + "Type mismatch for key sk expected: N actual: S"},
		{"PutItem", `{"TableName":"things","Item":{"pk":{"S":""},"sk":{"N":"1"}}}`, v, "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: pk"},
		{"PutItem", `{"TableName":"plain","Item":{"pk":{"S":"` + long + `"}}}`, v, invalid + "Size of hashkey has exceeded the maximum size limit of2048 bytes"},
		{"PutItem", `{"TableName":"things","Item":{"pk":{"S":"a"},"sk":{"N":"1"},"owner":{"N":"1"}}}`, v, invalid + "Type mismatch for Index Key owner Expected: S Actual: N IndexName: by-owner"},
		{"PutItem", `{"TableName":"things","Item":{"pk":{"S":"a"},"sk":{"N":"1"},"owner":{"S":""}}}`, v, "One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty string value. IndexName: by-owner, IndexKey: owner"},
		{"PutItem", `{"TableName":"nothing","Item":{"pk":{"S":"a"}}}`, "ResourceNotFoundException", "Requested resource not found"},
		{"PutItem", `{"TableName":"plain","Item":{"pk":{"S":"a"},"x":{"S":"` + strings.Repeat("x", 409600) + `"}}}`, v, "Item size has exceeded the maximum allowed size"},
		{"PutItem", `{"TableName":"plain","Item":{"pk":{"S":"a"},"x":{"N":"one"}}}`, v, "The parameter cannot be converted to a numeric value: one"},
		{"PutItem", `{"TableName":"plain","Item":{"pk":{"S":"a"},"x":{}}}`, v, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"},
		{"PutItem", `{"TableName":"plain","Item":{"pk":{"S":"a"},"x":{"NULL":false}}}`, v, invalid + "Null attribute value types must have the value of true"},
		{"PutItem", `{"TableName":"plain","Item":{"pk":{"S":"a"},"":{"S":"x"}}}`, v, "Empty attribute name"},
		{"PutItem", `{"TableName":"plain","Item":{"pk":{"S":"a"},"x":{"M":{"":{"S":"x"}}}}}`, v, "Empty attribute name"},
		{"PutItem", `{"TableName":"plain","Item":{"pk":{"S":"a"},"` + strings.Repeat("x", 1<<16) + `":{"S":"x"}}}`, v, "Attribute name is too large, must be less than 65536 bytes"},
		{"UpdateItem", `{"TableName":"things",` + key + `,"UpdateExpression":"SET #x = :v","ExpressionAttributeNames":{"#x":"` + strings.Repeat("x", 1<<16) + `"},"ExpressionAttributeValues":{":v":{"S":"x"}}}`, v, "ExpressionAttributeNames contains invalid value: Attribute name is too large, must be less than 65536 bytes for key #x"},
		{"UpdateItem", `{"TableName":"things",` + key + `,"UpdateExpression":"SET #x = :v","ExpressionAttributeNames":{"#x":""},"ExpressionAttributeValues":{":v":{"S":"x"}}}`, v, "ExpressionAttributeNames contains invalid value: Empty attribute name for key #x"},
		{"UpdateTimeToLive", `{"TableName":"plain","TimeToLiveSpecification":{"Enabled":true,"AttributeName":"` + strings.Repeat("x", 256) + `"}}`, v, "1 validation error detected: Value '" + strings.Repeat("x", 256) + "' at 'timeToLiveSpecification.attributeName' failed to satisfy constraint: Member must have length less than or equal to 255"},
		{"PutItem", `{"TableName":"plain","Item":{"pk":{"S":"a"}},"Expected":{}}`, v, "The parameter Expected is not supported by this engine"},
		{"PutItem", `{"TableName":"plain","Item":{"pk":{"S":"a"}},"ExpressionAttributeValues":{":a":{"S":"a"}}}`, v, "ExpressionAttributeValues can only be specified when using expressions…"},
		{"PutItem", `{"TableName":"plain","Item":{"pk":{"S":"a"}},"ConditionExpression":"pk = :a","ExpressionAttributeValues":{":a":{"S":"a"},":b":{"S":"b"}}}`, v, "Value provided in ExpressionAttributeValues unused in expressions: keys: {:b}"},
		{"PutItem", `{"TableName":7,"Item":{}}`, "SerializationException", "NUMBER_VALUE cannot be converted to String"},
		{"PutItem", `{"TableName":`, "SerializationException", ""},
		{"PutItem", `[]`, "SerializationException", ""},
		{"GetItem", `{"TableName":"things","Key":{"pk":{"S":"a"}}}`, v, mismatch},
		{"GetItem", `{"TableName":"things","Key":{"pk":{"S":"a"},"sk":{"S":"1"}}}`, v, mismatch},
		{"GetItem", `{"TableName":"things","Key":{"pk":{"S":"a"},"sk":{"N":"1"},"x":{"S":"x"}}}`, v, mismatch},
		{"GetItem", `{"TableName":"things",` + key + `,"ExpressionAttributeNames":{"#a":"a"}}`, v, "ExpressionAttributeNames can only be specified when using expressions"},
		{"GetItem", `{"TableName":"things",` + key + `,"AttributesToGet":["a"]}`, v, "The parameter AttributesToGet is not supported by this engine"},
		{"UpdateItem", `{"TableName":"things",` + key + `,"UpdateExpression":"SET pk = :a","ExpressionAttributeValues":{":a":{"S":"b"}}}`, v, invalid + "Cannot update attribute pk. This attribute is part of the key"},
		{"UpdateItem", `{"TableName":"things",` + key + `,"UpdateExpression":"SET s = s + :a","ExpressionAttributeValues":{":a":{"N":"1"}}}`, v, "An operand in the update expression has an incorrect data type"},
		{"UpdateItem", `{"TableName":"things",` + key + `,"UpdateExpression":"SET a.b = :a","ExpressionAttributeValues":{":a":{"N":"1"}}}`, v, "The document path provided in the update expression is invalid for update"},
		{"UpdateItem", `{"TableName":"things",` + key + `,"UpdateExpression":"SET #o = sk","ExpressionAttributeNames":{"#o":"owner"}}`, v, "The update expression attempted to update the secondary index key to unsupported type"},
		{"UpdateItem", `{"TableName":"plain","Key":{"pk":{"S":"a"}},"UpdateExpression":"SET x = :a","ExpressionAttributeValues":{":a":{"S":"` + strings.Repeat("x", 409600) + `"}}}`, v, "Item size to update has exceeded the maximum allowed size"},
		{"Query", `{"TableName":"things"}`, v, "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."},
		{"Query", `{"TableName":"things","KeyConditionExpression":"sk = :a","ExpressionAttributeValues":{":a":{"N":"1"}}}`, v, "Query condition missed key schema element: pk"},
		{"Query", `{"TableName":"things","IndexName":"none","KeyConditionExpression":"pk = :a","ExpressionAttributeValues":{":a":{"S":"1"}}}`, v, "The table does not have the specified index: none"},
		{"Query", `{"TableName":"things","IndexName":"by-owner","ConsistentRead":true,"KeyConditionExpression":"#o = :a","ExpressionAttributeNames":{"#o":"owner"},"ExpressionAttributeValues":{":a":{"S":"1"}}}`, v, "Consistent reads are not supported on global secondary indexes"},
		{"Query", `{"TableName":"things","IndexName":"by-owner","Select":"ALL_ATTRIBUTES","KeyConditionExpression":"#o = :a","ExpressionAttributeNames":{"#o":"owner"},"ExpressionAttributeValues":{":a":{"S":"1"}}}`, v, invalid + "Select type ALL_ATTRIBUTES is not supported for global secondary index by-owner because its projection type is not ALL"},
		{"Query", `{"TableName":"things","IndexName":"by-owner","ProjectionExpression":"s","KeyConditionExpression":"#o = :a","ExpressionAttributeNames":{"#o":"owner"},"ExpressionAttributeValues":{":a":{"S":"1"}}}`, v, invalid + "Global secondary index by-owner does not project [s]"},
		{"Query", `{"TableName":"things","Limit":0,"KeyConditionExpression":"pk = :a","ExpressionAttributeValues":{":a":{"S":"1"}}}`, v, "1 validation error detected: Value at 'Limit' failed to satisfy constraint: Member must have value greater than or equal to 1"},
		{"Scan", `{"TableName":"things","Limit":0}`, v, "1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1"},
		{"Query", `{"TableName":"things","KeyConditionExpression":"pk = :a","FilterExpression":"sk = :b","ExpressionAttributeValues":{":a":{"S":"1"},":b":{"N":"1"}}}`, v, "Filter Expression can only contain non-primary key attributes: Primary key attribute: sk"},
		{"Query", `{"TableName":"things","KeyConditionExpression":"pk = :a","ExclusiveStartKey":{"pk":{"S":"2"},"sk":{"N":"1"}},"ExpressionAttributeValues":{":a":{"S":"1"}}}`, v, "The provided starting key is outside query boundaries based on provided conditions"},
		{"Query", `{"TableName":"things","KeyConditionExpression":"pk = :a and sk > :b","ExclusiveStartKey":{"pk":{"S":"1"},"sk":{"N":"1"}},"ExpressionAttributeValues":{":a":{"S":"1"},":b":{"N":"1"}}}`, v, "The provided starting key does not match the range key predicate"},
		{"Query", `{"TableName":"things","KeyConditionExpression":"pk = :a","ExclusiveStartKey":{"pk":{"S":"1"}},"ExpressionAttributeValues":{":a":{"S":"1"}}}`, v, "The provided starting key is invalid"},
		{"Query", `{"TableName":"things","KeyConditionExpression":"pk = :a","ExclusiveStartKey":{"pk":{"S":"1"},"sk":{"S":"1"}},"ExpressionAttributeValues":{":a":{"S":"1"}}}`, v, "The provided starting key is invalid: The provided key element does not match the schema"},
		{"Query", `{"TableName":"things","Select":"COUNT","ProjectionExpression":"s","KeyConditionExpression":"pk = :a","ExpressionAttributeValues":{":a":{"S":"1"}}}`, v, "Cannot specify the ProjectionExpression when choosing to get only the Count"},
		{"Query", `{"TableName":"things","Select":"SPECIFIC_ATTRIBUTES","KeyConditionExpression":"pk = :a","ExpressionAttributeValues":{":a":{"S":"1"}}}`, v, "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"},
		{"Query", `{"TableName":"things","Select":"ALL_PROJECTED_ATTRIBUTES","KeyConditionExpression":"pk = :a","ExpressionAttributeValues":{":a":{"S":"1"}}}`, v, "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName"},
		{"Query", `{"TableName":"things","KeyConditions":{}}`, v, "The parameter KeyConditions is not supported by this engine"},
		{"Scan", `{"TableName":"things","Segment":0}`, v, "The TotalSegments parameter is required but was not present in the request when Segment parameter is present"},
		{"Scan", `{"TableName":"things","TotalSegments":1}`, v, "The Segment parameter is required but was not present in the request when parameter TotalSegments is present"},
		{"Scan", `{"TableName":"things","Segment":1,"TotalSegments":1}`, v, "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 1 is not less than TotalSegments: 1"},
		{"Scan", `{"TableName":"things","Segment":-1,"TotalSegments":0}`, v, "2 validation errors detected: …"},
		{"BatchGetItem", `{"RequestItems":{}}`, v, "1 validation error detected: Value at 'RequestItems' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{"BatchWriteItem", `{"RequestItems":{}}`, v, "1 validation error detected: Value at 'RequestItems' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{"BatchGetItem", `{"RequestItems":{"plain":{"Keys":[]}}}`, v, "1 validation error detected: Value at 'RequestItems.plain.member.Keys' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{"BatchGetItem", `{"RequestItems":{"plain":{"Keys":[{"pk":{"S":"a"}},{"pk":{"S":"a"}}]}}}`, v, "Provided list of item keys contains duplicates"},
		{"BatchGetItem", `{"RequestItems":{"plain":{"Keys":[` + strings.Repeat(`{"pk":{"S":"a"}},`, 100) + `{"pk":{"S":"a"}}]}}}`, v, "1 validation error detected: Value at 'RequestItems.plain.member.Keys' failed to satisfy constraint: Member must have length less than or equal to 100"},
		{"BatchGetItem", `{"RequestItems":{"plain":{"Keys":[` + strings.Repeat(`{"pk":{"S":"a"}},`, 99) + `{"pk":{"S":"a"}}]},"things":{"Keys":[{"pk":{"S":"a"},"sk":{"N":"1"}}]}}}`, v, "Too many items requested for the BatchGetItem call"},
		{"BatchGetItem", `{"RequestItems":{"things":{"Keys":[{"pk":{"S":"a"},"sk":{"N":"1"}},{"pk":{"S":"a"},"sk":{"N":"1.0"}}]}}}`, v, "Provided list of item keys contains duplicates"},
		{"BatchWriteItem", `{"RequestItems":{"plain":[]}}`, v, "1 validation error detected: Value '{plain=[]}' at 'requestItems' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length less than or equal to 25, Member must have length greater than or equal to 1]"},
		{"BatchWriteItem", `{"RequestItems":{"plain":[{"DeleteRequest":{"Key":{"pk":{"S":"a"}}}},{"PutRequest":{"Item":{"pk":{"S":"a"}}}}]}}`, v, "Provided list of item keys contains duplicates"},
		{"BatchWriteItem", `{"RequestItems":{"plain":[` + strings.Repeat(`{"DeleteRequest":{"Key":{"pk":{"S":"a"}}}},`, 25) + `{"DeleteRequest":{"Key":{"pk":{"S":"a"}}}}]}}`, v, "1 validation error detected: Value at 'RequestItems.plain.member' failed to satisfy constraint: Member must have length less than or equal to 25"},
		{"BatchWriteItem", `{"RequestItems":{"plain":[{}]}}`, v, "Supplied WriteRequest is empty…"},
		{"BatchWriteItem", `{"RequestItems":{"gone":[{"DeleteRequest":{"Key":{"pk":{"S":"a"}}}}]}}`, "ResourceNotFoundException", "Requested resource not found"},
		{"BatchWriteItem", `{"RequestItems":[]}`, "SerializationException", ""},
		{"TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"plain","Item":{"pk":{"S":""}}}}]}`, v, "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: pk"},
		{"TransactWriteItems", `{"TransactItems":[{"Delete":{"TableName":"plain","Key":{"pk":{"S":""}}}}]}`, v, "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: pk"},
		{"TransactWriteItems", `{"TransactItems":[` + unmet + `,{"Put":{"TableName":"things","Item":{"pk":{"S":"a"},"sk":{"N":"2"},"owner":{"S":""}}}}]}`, v, "One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty string value. IndexName: by-owner, IndexKey: owner"},
		{"TransactWriteItems", `{"TransactItems":[{"Update":{"TableName":"things",` + key + `,"UpdateExpression":"SET #o = :v","ConditionExpression":"attribute_not_exists(pk)","ExpressionAttributeNames":{"#o":"owner"},"ExpressionAttributeValues":{":v":{"S":""}}}}]}`, v, "One or more parameter values are not valid. The update expression attempted to update a secondary index key to a value that is not supported. The AttributeValue for a key attribute cannot contain an empty string value."},
		{"TransactWriteItems", `{"TransactItems":[` + unmet + `,{"Put":{"TableName":"things","Item":{"pk":{"S":"a"},"sk":{"N":"2"},"owner":{"N":"1"}}}}]}`, "TransactionCanceledException", "Transaction cancelled, please refer cancellation reasons for specific reasons [ConditionalCheckFailed, ValidationError]"},
		{"TransactWriteItems", `{"TransactItems":[]}`, v, "1 validation error detected: Value '[]' at 'transactItems' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{"TransactWriteItems", `{"TransactItems":[` + strings.Repeat(`{"Delete":{"TableName":"plain","Key":{"pk":{"S":"a"}}}},`, 100) + `{"Delete":{"TableName":"plain","Key":{"pk":{"S":"a"}}}}]}`, v, "1 validation error detected: Value '[101 actions]' at 'transactItems' failed to satisfy constraint: Member must have length less than or equal to 100"},
		{"TransactWriteItems", `{"TransactItems":[{}]}`, v, "TransactItems can only contain one of Check, Put, Update or Delete"},
		{"TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"things","Item":{"pk":{"S":"a"},"sk":{"N":"1.0"}}}},{"Delete":{"TableName":"things","Key":{"pk":{"S":"a"},"sk":{"N":"1"}}}}]}`, v, "Transaction request cannot include multiple operations on one item"},
		{"TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"gone","Item":{"pk":{"S":"a"}}}}]}`, "ResourceNotFoundException", "Requested resource not found"},
		{"TransactWriteItems", `{"ClientRequestToken":"` + strings.Repeat("x", 37) + `","TransactItems":[{"Put":{"TableName":"plain","Item":{"pk":{"S":"a"}}}}]}`, v, "1 validation error detected: Value '" + strings.Repeat("x", 37) + "' at 'clientRequestToken' failed to satisfy constraint: Member must have length less than or equal to 36"},
		{"TransactGetItems", `{"TransactItems":[{"Get":{"TableName":"plain","Key":{"pk":{"S":"a"}}}},{"Get":{"TableName":"plain","Key":{"pk":{"S":"a"}}}}]}`, v, "Transaction request cannot include multiple operations on one item"},
		{"TransactGetItems", `{"TransactItems":[{}]}`, v, "1 validation error detected: Value null at 'transactItems.1.member.get' failed to satisfy constraint: Member must not be null"},
		{"DescribeTable", `{"TableName":"gone"}`, "ResourceNotFoundException", "Requested resource not found: Table: gone not found"},
		{"DeleteTable", `{"TableName":"gone"}`, "ResourceNotFoundException", "Requested resource not found: Table: gone not found"},
		{"UpdateTable", `{"TableName":"gone","BillingMode":"PAY_PER_REQUEST"}`, "ResourceNotFoundException", "Requested resource not found: Table: gone not found"},
		{"UpdateTable", `{"TableName":"plain"}`, v, "At least one of ProvisionedThroughput, …"},
		{"UpdateTable", `{"TableName":"plain","StreamSpecification":{"StreamEnabled":false}}`, v, "Table is already without an enabled stream: plain"},
		{"UpdateTable", `{"TableName":"plain","GlobalSecondaryIndexUpdates":[{"Delete":{"IndexName":"none"}}]}`, "ResourceNotFoundException", "Requested resource not found"},
		{"UpdateTable", `{"TableName":"plain","GlobalSecondaryIndexUpdates":[{}]}`, v, invalid + "One of GlobalSecondaryIndexUpdate.Update, …"},
		{"UpdateTable", `{"TableName":"plain","ReplicaUpdates":[]}`, v, "The parameter ReplicaUpdates is not supported by this engine"},
		{"ListTables", `{"Limit":101}`, v, "1 validation error detected: Value '101' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 100"},
		{"UpdateTimeToLive", `{"TableName":"plain","TimeToLiveSpecification":{"Enabled":false,"AttributeName":"x"}}`, v, "TimeToLive is already disabled"},
		{"UpdateTimeToLive", `{"TableName":"plain"}`, v, "1 validation error detected: Value null at 'timeToLiveSpecification' failed to satisfy constraint: Member must not be null"},
		{"DescribeContinuousBackups", `{"TableName":"gone"}`, "TableNotFoundException", ""},
		{"UpdateContinuousBackups", `{"TableName":"plain","PointInTimeRecoverySpecification":{"PointInTimeRecoveryEnabled":true,"RecoveryPeriodInDays":36}}`, v, "1 validation error detected: …"},
		{"ListTagsOfResource", `{"ResourceArn":"arn:aws:dynamodb:us-east-1:000000000000:table/gone"}`, "ResourceNotFoundException", ""},
		{"TagResource", `{"ResourceArn":"nonsense","Tags":[{"Key":"a","Value":"b"}]}`, v, "Invalid TableArn: …"},
		{"TagResource", `{"ResourceArn":"arn:aws:dynamodb:us-east-1:000000000000:table/gone","Tags":[{"Key":"a","Value":"b"}]}`, "ResourceNotFoundException", ""},
		{"TagResource", `{"ResourceArn":"arn:aws:dynamodb:us-east-1:000000000000:table/plain","Tags":[]}`, v, ""},
		{"UntagResource", `{"ResourceArn":"arn:aws:dynamodb:us-east-1:000000000000:table/plain","TagKeys":[]}`, v, ""},
		{"DynamoDBStreams_20120810.GetRecords", `{"ShardIterator":"nonsense"}`, v, "Invalid ShardIterator"},
		{"DynamoDBStreams_20120810.DescribeStream", `{"StreamArn":"gone"}`, "ResourceNotFoundException", ""},
		{"DynamoDBStreams_20120810.GetShardIterator", `{"StreamArn":"gone"}`, v, "2 validation errors detected: …"},
		{"DynamoDBStreams_20120810.PutRecord", `{}`, "UnknownOperationException", ""},
		{"ExecuteStatement", `{}`, "UnknownOperationException", "The operation ExecuteStatement is not supported by this engine"},
		{"Nonsense_2012.PutItem", `{}`, "UnknownOperationException", ""},
	} {
		t.Run(fmt.Sprint(i, c.operation), func(t *testing.T) {
			status, out := e.raw(t, c.operation, c.body)
			_, kind, _ := strings.Cut(fmt.Sprint(out["__type"]), "#")
			message := fmt.Sprint(out["message"], out["Message"])
			message = strings.TrimSuffix(strings.TrimPrefix(message, "<nil>"), "<nil>")
			prefix, open := strings.CutSuffix(c.message, "…")
			if status != 400 || kind != c.kind || open && !strings.HasPrefix(message, prefix) || !open && c.message != "" && message != c.message {
				t.Fatalf("%s\ngot  %d %s: %s\nwant 400 %s: %s", c.body[:min(len(c.body), 200)], status, kind, message, c.kind, c.message)
			}
		})
	}
}

func TestCreateTableValidation(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{})
	const invalid = "One or more parameter values were invalid: "
	base := `"TableName":"things","BillingMode":"PAY_PER_REQUEST"`
	pk := `"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}]`
	two := `"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"x","AttributeType":"S"}],"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}]`
	index := func(more string) string {
		return `{` + base + `,` + two + `,"GlobalSecondaryIndexes":[{"IndexName":"by-x","KeySchema":[{"AttributeName":"x","KeyType":"HASH"}]` + more + `}]}`
	}
	for body, want := range map[string]string{
		`{` + base + `}`:                    "2 validation errors detected: Value null at 'attributeDefinitions' failed to satisfy constraint: Member must not be null; Value null at 'keySchema' failed to satisfy constraint: Member must not be null",
		`{"TableName":"things",` + pk + `}`: invalid + "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED",
		`{` + base + `,` + pk + `,"ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":1}}`:         invalid + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
		`{"TableName":"things",` + pk + `,"ProvisionedThroughput":{"ReadCapacityUnits":0,"WriteCapacityUnits":1}}`: "1 validation error detected: Value '0' at 'provisionedThroughput.readCapacityUnits' failed to satisfy constraint: Member must have value greater than or equal to 1",
		`{` + base + `,` + two + `}`: invalid + "Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions",
		`{` + base + `,"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],"KeySchema":[{"AttributeName":"x","KeyType":"HASH"}]}`:                                                                                     invalid + "Some index key attributes are not defined in AttributeDefinitions. Keys: [x], AttributeDefinitions: [pk]",
		`{` + base + `,"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],"KeySchema":[{"AttributeName":"pk","KeyType":"RANGE"}]}`:                                                                                   "Invalid KeySchema: The first KeySchemaElement is not a HASH key type",
		`{` + base + `,"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"X"}],"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}]}`:                                                                                    "1 validation error detected: Value 'X' at 'attributeDefinitions.1.member.attributeType' failed to satisfy constraint: Member must satisfy enum value set: [B, N, S]",
		`{` + base + `,"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"x","AttributeType":"S"}],"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"pk","KeyType":"RANGE"}]}`: "Both the Hash Key and the Range Key element in the KeySchema have the same name",
		`{` + base + `,"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"x","AttributeType":"S"}],"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"x","KeyType":"HASH"}]}`:   "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type",
		`{` + base + `,"AttributeDefinitions":[{"AttributeName":"` + strings.Repeat("x", 256) + `","AttributeType":"S"}],"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}]}`:                                                      "1 validation error detected: Value '" + strings.Repeat("x", 256) + "' at 'attributeDefinitions.1.member.attributeName' failed to satisfy constraint: Member must have length less than or equal to 255",
		`{` + base + `,"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"pk","AttributeType":"S"}],"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}]}`:                                         "Attribute Name is duplicated: pk",
		index(`,"Projection":{"ProjectionType":"INCLUDE","NonKeyAttributes":[]}`):                                                                                                                                                     "1 validation error detected: Value '[]' at 'globalSecondaryIndexes.1.member.projection.nonKeyAttributes' failed to satisfy constraint: Member must have length greater than or equal to 1",
		`{` + base + `,` + pk + `,"GlobalSecondaryIndexes":[]}`: invalid + "List of GlobalSecondaryIndexes is empty",
		`{` + base + `,` + pk + `,"LocalSecondaryIndexes":[]}`:  "The parameter LocalSecondaryIndexes is not supported by this engine",
		index(``):                 "1 validation error detected: Value null at 'globalSecondaryIndexes.1.member.projection' failed to satisfy constraint: Member must not be null",
		index(`,"Projection":{}`): invalid + "Unknown ProjectionType: null",
		index(`,"Projection":{"ProjectionType":"ALL","NonKeyAttributes":["a"]}`):                                               invalid + "ProjectionType is ALL, but NonKeyAttributes is specified",
		index(`,"Projection":{"ProjectionType":"INCLUDE"}`):                                                                    invalid + "ProjectionType is INCLUDE, but NonKeyAttributes is not specified",
		index(`,"Projection":{"ProjectionType":"ALL"},"ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":1}`): invalid + "ProvisionedThroughput should not be specified for index: by-x when BillingMode is PAY_PER_REQUEST",
		`{` + base + `,` + pk + `,"StreamSpecification":{"StreamEnabled":true}}`:                                               invalid + "StreamViewType must not be null if StreamEnabled is true",
		`{` + base + `,` + pk + `,"StreamSpecification":{"StreamEnabled":false,"StreamViewType":"NEW_IMAGE"}}`:                 invalid + "StreamViewType must be null if StreamEnabled is false",
	} {
		status, out := e.raw(t, "CreateTable", body)
		if status != 400 || out["message"] != want {
			t.Errorf("%s\ngot  %v\nwant %v", body, out["message"], want)
		}
	}
	e.table(t, "things", "")
	if _, out := e.raw(t, "CreateTable", `{`+base+`,`+pk+`}`); out["message"] != "Table already exists: things" {
		t.Error(out)
	}
}
