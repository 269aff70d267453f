package embedded_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/localstack/embedded"
)

// The tests of this file are faults that were seen in other engines and that no
// other test here is about.

func TestBeginsWithMindsCase(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{})
	e.table(t, "things", types.ScalarAttributeTypeS)
	for _, sk := range []string{"ab", "AB", "aB", "abc"} {
		e.put(t, "things", item{"pk": s("p"), "sk": s(sk)})
	}
	if got := e.query(t, "pk = :p AND begins_with(sk, :a)", item{":p": s("p"), ":a": s("ab")}, nil); got != "ab abc" {
		t.Fatal(got)
	}
}

func TestSetBeyondAListAppends(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{})
	e.table(t, "things", "")
	e.put(t, "things", item{"pk": s("a"), "l": &types.AttributeValueMemberL{Value: []types.AttributeValue{n("0"), n("1")}}})
	out := mustUpdate(t, e, &dynamodb.UpdateItemInput{
		TableName: aws.String("things"), Key: item{"pk": s("a")}, UpdateExpression: aws.String("SET l[5] = :v"),
		ExpressionAttributeValues: item{":v": n("5")}, ReturnValues: types.ReturnValueAllNew,
	})
	if got := text(out.Attributes); got != `{l=[0 1 5] pk="a"}` {
		t.Fatal(got)
	}
}

func TestTransactGetProjectsNoKeys(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{})
	e.table(t, "things", "")
	e.put(t, "things", item{"pk": s("a"), "x": n("1"), "y": n("2")})
	out, err := e.TransactGetItems(t.Context(), &dynamodb.TransactGetItemsInput{TransactItems: []types.TransactGetItem{{Get: &types.Get{
		TableName: aws.String("things"), Key: item{"pk": s("a")}, ProjectionExpression: aws.String("x"),
	}}}})
	if err != nil || text(out.Responses[0].Item) != "{x=1}" {
		t.Fatal(out, err)
	}
}

func TestUnusedValuesAreReportedWhateverTheItemIs(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{})
	e.table(t, "things", "")
	for range 2 { // the condition fails, then holds
		_, err := e.PutItem(t.Context(), &dynamodb.PutItemInput{
			TableName: aws.String("things"), Item: item{"pk": s("a")}, ConditionExpression: aws.String("attribute_exists(pk)"),
			ExpressionAttributeValues: item{":x": n("1")},
		})
		wantError(t, err, "ValidationException", "Value provided in ExpressionAttributeValues unused in expressions: keys: {:x}")
		e.put(t, "things", item{"pk": s("a")})
	}
}

func TestExpressionsWithMultiByteCharacters(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{})
	e.table(t, "things", "")
	_, err := e.PutItem(t.Context(), &dynamodb.PutItemInput{
		TableName: aws.String("things"), Item: item{"pk": s("a")}, ConditionExpression: aws.String("attribute_exists(größe🙂)"),
	})
	wantError(t, err, "ValidationException", "")
	mustUpdate(t, e, &dynamodb.UpdateItemInput{
		TableName: aws.String("things"), Key: item{"pk": s("a")}, UpdateExpression: aws.String("SET #g = :g"),
		ExpressionAttributeNames: map[string]string{"#g": "größe🙂"}, ExpressionAttributeValues: item{":g": s("漢字")},
	})
	if got := text(e.get(t, "things", item{"pk": s("a")})); got != `{größe🙂="漢字" pk="a"}` {
		t.Fatal(got)
	}
}

func TestRemoveLeavesTheIndex(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{})
	e.table(t, "things", "", withIndex("by-owner", "owner", "", projectAll))
	e.put(t, "things", item{"pk": s("a"), "owner": s("ann")})
	mustUpdate(t, e, &dynamodb.UpdateItemInput{
		TableName: aws.String("things"), Key: item{"pk": s("a")}, UpdateExpression: aws.String("REMOVE #o"), ExpressionAttributeNames: map[string]string{"#o": "owner"},
	})
	if got := e.scanAll(t, "things", "by-owner"); len(got) != 0 {
		t.Fatal(got)
	}
}

func TestSixUnitTransactionCostsSix(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{})
	e.table(t, "things", "")
	put := func(pk string) types.TransactWriteItem {
		return types.TransactWriteItem{Put: &types.Put{TableName: aws.String("things"), Item: item{"pk": s(pk)}}}
	}
	out, err := e.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{
		TransactItems: []types.TransactWriteItem{put("a"), put("b"), put("c")}, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	})
	if err != nil || *out.ConsumedCapacity[0].CapacityUnits != 6 {
		t.Fatal(out, err)
	}
}
