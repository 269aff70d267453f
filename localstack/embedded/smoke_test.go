package embedded_test

import (
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/localstack/embedded"
)

func TestRoundTripperAndTCPAnswerAlike(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{})
	server := httptest.NewServer(e.db)
	t.Cleanup(server.Close)
	e.table(t, "things", types.ScalarAttributeTypeN, withStream(types.StreamViewTypeNewAndOldImages), withIndex("by-owner", "owner", "sk", projectAll))
	for _, c := range []*engine{e, clients(e.db, nil, server.URL)} {
		ctx := t.Context()
		_, err := c.PutItem(ctx, &dynamodb.PutItemInput{
			TableName: aws.String("things"), Item: item{"pk": s("a"), "sk": n("1"), "owner": s("ann"), "data": s("é ")},
			ConditionExpression: aws.String("attribute_not_exists(pk)"),
		})
		if c == e && err != nil {
			t.Fatal(err)
		}
		if c != e {
			wantError(t, err, "ConditionalCheckFailedException", "The conditional request failed")
		}
		out, err := c.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: aws.String("things"), Key: item{"pk": s("a"), "sk": n("1.0")},
			UpdateExpression: aws.String("SET n = if_not_exists(n, :zero) + :one"), ReturnValues: types.ReturnValueUpdatedNew,
			ExpressionAttributeValues: item{":one": n("1"), ":zero": n("0")}, ReturnConsumedCapacity: types.ReturnConsumedCapacityIndexes,
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Attributes) != 1 || *out.ConsumedCapacity.CapacityUnits != 2 {
			t.Fatalf("%+v %+v", out.Attributes, *out.ConsumedCapacity.CapacityUnits)
		}
		q, err := c.Query(ctx, &dynamodb.QueryInput{
			TableName: aws.String("things"), IndexName: aws.String("by-owner"),
			KeyConditionExpression: aws.String("#o = :o"), ExpressionAttributeNames: map[string]string{"#o": "owner"},
			ExpressionAttributeValues: item{":o": s("ann")},
		})
		if err != nil || q.Count != 1 {
			t.Fatal(q, err)
		}
		_, err = c.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
			{Put: &types.Put{TableName: aws.String("things"), Item: item{"pk": s("b"), "sk": n("1")}}},
			{Delete: &types.Delete{TableName: aws.String("things"), Key: item{"pk": s("c"), "sk": n("1")}}},
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := e.records(t, "things"); len(got) != 4 {
		t.Fatalf("got %d records, want insert, two updates, insert", len(got))
	}
}
