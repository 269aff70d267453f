package embedded_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/localstack/embedded"
)

func reasons(t testing.TB, err error) []types.CancellationReason {
	t.Helper()
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) {
		t.Fatalf("got %v", err)
	}
	return cancelled.CancellationReasons
}

// TestCancellationReasons has a reason for every action, in order, with the
// item of those that ask for it, and changes nothing.
func TestCancellationReasons(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{})
	e.table(t, "things", types.ScalarAttributeTypeN, withStream(types.StreamViewTypeKeysOnly), withIndex("by-owner", "owner", "", projectAll))
	key := func(pk string) item { return item{"pk": s(pk), "sk": n("1")} }
	e.put(t, "things", item{"pk": s("a"), "sk": n("1"), "text": s("text"), "big": n("9e125")})
	before := e.state(t)
	things := aws.String("things")
	all := types.ReturnValuesOnConditionCheckFailureAllOld
	update := func(pk, expression string, values item) types.TransactWriteItem {
		return types.TransactWriteItem{Update: &types.Update{TableName: things, Key: key(pk), UpdateExpression: &expression, ExpressionAttributeValues: values}}
	}
	actions := []types.TransactWriteItem{
		{Put: &types.Put{TableName: things, Item: key("new")}},
		{Put: &types.Put{TableName: things, Item: key("a"), ConditionExpression: aws.String("attribute_not_exists(pk)"), ReturnValuesOnConditionCheckFailure: all}},
		{ConditionCheck: &types.ConditionCheck{TableName: things, Key: key("none"), ConditionExpression: aws.String("attribute_exists(pk)"), ReturnValuesOnConditionCheckFailure: all}},
	}
	_, err := e.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: actions})
	got := reasons(t, err)
	if *got[0].Code != "None" || *got[1].Code != "ConditionalCheckFailed" || text(got[1].Item) != `{big=9`+strings.Repeat("0", 125)+` pk="a" sk=1 text="text"}` ||
		*got[2].Code != "ConditionalCheckFailed" || got[2].Item != nil || got[0].Message != nil || *got[1].Message != "The conditional request failed" {
		t.Fatalf("%+v", got)
	}
	wantError(t, err, "TransactionCanceledException",
		"Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed, ConditionalCheckFailed]")
	for name, c := range map[string]struct {
		action  types.TransactWriteItem
		message string
	}{
		"type": {update("a", "SET #t = #t + :n", item{":n": n("1")}), "An operand in the update expression has an incorrect data type"},
		"path": {update("a", "SET x.y = :n", item{":n": n("1")}), "The document path provided in the update expression is invalid for update"},
		"none": {update("a", "SET x = y", nil), "The provided expression refers to an attribute that does not exist in the item"},
		"over": {update("a", "ADD big :n", item{":n": n("9e125")}), "Number overflow. Attempting to store a number with magnitude larger than supported range"},
		"size": {update("a", "SET x = :x", item{":x": s(strings.Repeat("x", 409600))}), "Item size to update has exceeded the maximum allowed size"},
		"indx": {types.TransactWriteItem{Put: &types.Put{TableName: things, Item: item{"pk": s("b"), "sk": n("1"), "owner": n("1")}}}, "One or more parameter values were invalid: Type mismatch for Index Key owner Expected: S Actual: N IndexName: by-owner"},
		"key":  {types.TransactWriteItem{Delete: &types.Delete{TableName: things, Key: item{"pk": s("b")}}}, "The provided key element does not match the schema"},
	} {
		if name == "type" {
			c.action.Update.ExpressionAttributeNames = map[string]string{"#t": "text"}
		}
		_, err := e.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
			{Put: &types.Put{TableName: things, Item: key("new")}}, c.action,
		}})
		got := reasons(t, err)
		if len(got) != 2 || *got[0].Code != "None" || *got[1].Code != "ValidationError" || *got[1].Message != c.message {
			t.Errorf("%s: %s %s", name, *got[1].Code, aws.ToString(got[1].Message))
		}
	}
	if after := e.state(t); after != before {
		t.Fatalf("a cancelled transaction left a trace: %s", after)
	}
}

func TestClientRequestToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := start(t, embedded.Options{})
		e.table(t, "things", types.ScalarAttributeTypeN)
		for _, pk := range []string{"p1", "p2"} {
			e.put(t, "things", item{"pk": s(pk), "sk": n("1"), "n": n("100")})
		}
		n := func(pk string) string { return value(e.get(t, "things", item{"pk": s(pk), "sk": n("1")})["n"]) }
		for range 3 {
			e.transfer(t, "one", "p1", "p2")
		}
		if n("p1") != "99" || n("p2") != "101" {
			t.Fatalf("moved %s, %s", n("p1"), n("p2"))
		}
		_, err := e.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{
			ClientRequestToken: aws.String("one"),
			TransactItems:      []types.TransactWriteItem{{Delete: &types.Delete{TableName: aws.String("things"), Key: item{"pk": s("p1"), "sk": &types.AttributeValueMemberN{Value: "1"}}}}},
		})
		wantError(t, err, "IdempotentParameterMismatchException", "")
		time.Sleep(11 * time.Minute)
		e.transfer(t, "one", "p1", "p2")
		if n("p1") != "98" {
			t.Fatal("a token was remembered for more than ten minutes")
		}
		time.Sleep(9 * time.Minute)
		e.transfer(t, "one", "p1", "p2")
		if n("p1") != "98" {
			t.Fatal("a token was not remembered for ten minutes")
		}
	})
}

func TestFailedTransactionLeavesItsTokenFree(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{})
	e.table(t, "things", "")
	in := &dynamodb.TransactWriteItemsInput{ClientRequestToken: aws.String("t"), TransactItems: []types.TransactWriteItem{
		{Put: &types.Put{TableName: aws.String("things"), Item: item{"pk": s("a")}}},
		{ConditionCheck: &types.ConditionCheck{TableName: aws.String("things"), Key: item{"pk": s("b")}, ConditionExpression: aws.String("attribute_exists(pk)")}},
	}}
	_, err := e.TransactWriteItems(t.Context(), in)
	reasons(t, err)
	e.put(t, "things", item{"pk": s("b")})
	if _, err := e.TransactWriteItems(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	if e.get(t, "things", item{"pk": s("a")}) == nil {
		t.Fatal("the second attempt did nothing")
	}
}

func TestTransactionLimits(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{})
	e.table(t, "things", "")
	write := func(count, size int) error {
		in := &dynamodb.TransactWriteItemsInput{}
		for i := range count {
			in.TransactItems = append(in.TransactItems, types.TransactWriteItem{Put: &types.Put{
				TableName: aws.String("things"), Item: sized("k"+strconv.Itoa(i), size),
			}})
		}
		_, err := e.TransactWriteItems(t.Context(), in)
		return err
	}
	if err := write(100, 40<<10); err != nil {
		t.Fatal(err)
	}
	wantError(t, write(11, 390<<10), "ValidationException", "")
	wantError(t, write(101, 100), "ValidationException", "")
	wantError(t, write(2, 400<<10+1), "ValidationException", "Item size has exceeded the maximum allowed size")
	in := &dynamodb.TransactGetItemsInput{}
	for i := range 100 {
		in.TransactItems = append(in.TransactItems, types.TransactGetItem{Get: &types.Get{
			TableName: aws.String("things"), Key: item{"pk": s("k" + strconv.Itoa(i))}, ProjectionExpression: aws.String("d"),
		}})
	}
	out, err := e.TransactGetItems(t.Context(), in)
	if err != nil || len(out.Responses) != 100 || len(out.Responses[7].Item) != 1 {
		t.Fatal(err)
	}
	for i := range 12 {
		e.put(t, "things", sized("k"+strconv.Itoa(i), 390<<10))
	}
	_, err = e.TransactGetItems(t.Context(), in)
	wantError(t, err, "ValidationException", "")
}

// TestTransactionsAreSerializable moves money between items of two tables from
// many clients; every read at one point of time sees the same total, and so
// does the sum in the end.
func TestTransactionsAreSerializable(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{})
	tables := []string{"left", "right"}
	for _, table := range tables {
		e.table(t, table, "")
		for i := range 4 {
			e.put(t, table, item{"pk": s(strconv.Itoa(i)), "n": n("100")})
		}
	}
	move := func(from, to int, by string) types.TransactWriteItem {
		return types.TransactWriteItem{Update: &types.Update{
			TableName: aws.String(tables[from/4]), Key: item{"pk": s(strconv.Itoa(from % 4))}, UpdateExpression: aws.String("ADD n :by"),
			ExpressionAttributeValues: item{":by": n(by)},
		}}
	}
	total := func() int {
		in := &dynamodb.TransactGetItemsInput{}
		for i := range 8 {
			in.TransactItems = append(in.TransactItems, types.TransactGetItem{Get: &types.Get{TableName: aws.String(tables[i/4]), Key: item{"pk": s(strconv.Itoa(i % 4))}}})
		}
		out, err := e.TransactGetItems(t.Context(), in)
		if err != nil {
			t.Error(err)
			return 0
		}
		sum := 0
		for _, r := range out.Responses {
			v, err := strconv.Atoi(value(r.Item["n"]))
			if err != nil {
				t.Error(err)
			}
			sum += v
		}
		return sum
	}
	var wg sync.WaitGroup
	for w := range 6 {
		wg.Go(func() {
			for i := range 60 {
				from, to := (w+i)%8, (w*3+i*5+1)%8
				if from == to {
					continue
				}
				if _, err := e.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{
					TransactItems: []types.TransactWriteItem{move(from, to, "-1"), move(to, from, "1")},
				}); err != nil {
					t.Error(err)
				}
				if got := total(); got != 800 {
					t.Errorf("a torn read: %d", got)
				}
			}
		})
	}
	wg.Wait()
	if got := total(); got != 800 {
		t.Fatal(fmt.Sprint(got))
	}
}
