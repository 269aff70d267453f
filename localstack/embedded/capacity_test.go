package embedded_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/localstack/embedded"
)

// sized is an item of exactly size bytes by DynamoDB's rule.
func sized(pk string, size int) item {
	return item{"pk": s(pk), "d": s(strings.Repeat("x", size-len("pk")-len(pk)-len("d")))}
}

const indexes = types.ReturnConsumedCapacityIndexes

func units(t testing.TB, c *types.ConsumedCapacity, err error) float64 {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return *c.CapacityUnits
}

// TestWriteUnits follows AWS's "DynamoDB read and write operations": one unit
// for each started KB of the larger of the item before and after.
func TestWriteUnits(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{})
	e.table(t, "things", "")
	for _, c := range []struct {
		name          string
		before, after int // bytes; 0 for no item
		want          float64
	}{
		{"small", 0, 10, 1},
		{"a KB", 0, 1024, 1},
		{"a byte more", 0, 1025, 2},
		{"3.5 KB", 0, 3584, 4},
		{"grows", 100, 2049, 3},
		{"shrinks", 2049, 100, 3},
		{"400 KB", 0, 409600, 400},
		{"deletes nothing", 0, 0, 1},
		{"deletes", 1500, 0, 2},
		{"changes nothing", 1500, 1500, 2},
	} {
		pk := c.name
		if c.before > 0 {
			e.put(t, "things", sized(pk, c.before))
		}
		if c.after > 0 {
			out, err := e.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("things"), Item: sized(pk, c.after), ReturnConsumedCapacity: indexes})
			if got := units(t, out.ConsumedCapacity, err); got != c.want || *out.ConsumedCapacity.Table.CapacityUnits != c.want {
				t.Errorf("%s: %v units, want %v", c.name, got, c.want)
			}
			continue
		}
		out, err := e.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String("things"), Key: item{"pk": s(pk)}, ReturnConsumedCapacity: indexes})
		if got := units(t, out.ConsumedCapacity, err); got != c.want {
			t.Errorf("%s: %v units, want %v", c.name, got, c.want)
		}
	}
	out, err := e.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("things"), Item: sized("x", 10)})
	if err != nil || out.ConsumedCapacity != nil {
		t.Fatal(out, err)
	}
}

// TestIndexWriteUnits follows AWS's "Using Global Secondary Indexes: write
// capacity considerations".
func TestIndexWriteUnits(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{})
	keysOnly := types.Projection{ProjectionType: types.ProjectionTypeKeysOnly}
	e.table(t, "things", "", withIndex("keys", "owner", "rank", keysOnly),
		withIndex("some", "owner", "rank", types.Projection{ProjectionType: types.ProjectionTypeInclude, NonKeyAttributes: []string{"d"}}))
	base := func(more item) item {
		it := item{"pk": s("a")}
		for k, v := range more {
			it[k] = v
		}
		return it
	}
	big := s(strings.Repeat("x", 2000))
	for _, c := range []struct {
		name       string
		put        item // nil deletes
		table      float64
		keys, some float64
	}{
		{"not in the index", base(nil), 1, 0, 0},
		{"still not", base(item{"owner": s("ann")}), 1, 0, 0},
		{"enters", base(item{"owner": s("ann"), "rank": n("1")}), 1, 1, 1},
		{"nothing projected changes", base(item{"owner": s("ann"), "rank": n("1"), "x": s("x")}), 1, 0, 0},
		{"a projected attribute", base(item{"owner": s("ann"), "rank": n("1"), "d": s("x")}), 1, 0, 1},
		{"a big one", base(item{"owner": s("ann"), "rank": n("1"), "d": big}), 2, 0, 2},
		{"moves", base(item{"owner": s("ann"), "rank": n("2"), "d": big}), 2, 2, 4},
		{"the same again", base(item{"owner": s("ann"), "rank": n("2"), "d": big}), 2, 0, 0},
		{"leaves", base(item{"owner": s("ann"), "d": big}), 2, 1, 2},
		{"comes back", base(item{"owner": s("ann"), "rank": n("2")}), 2, 1, 1},
		{"deleted", nil, 1, 1, 1},
	} {
		var used *types.ConsumedCapacity
		var err error
		if c.put != nil {
			var out *dynamodb.PutItemOutput
			out, err = e.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("things"), Item: c.put, ReturnConsumedCapacity: indexes})
			used = out.ConsumedCapacity
		} else {
			var out *dynamodb.DeleteItemOutput
			out, err = e.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String("things"), Key: base(nil), ReturnConsumedCapacity: indexes})
			used = out.ConsumedCapacity
		}
		got := [3]float64{units(t, used, err)}
		for i, name := range []string{"keys", "some"} {
			if x, ok := used.GlobalSecondaryIndexes[name]; ok {
				got[i+1] = *x.CapacityUnits
			}
		}
		if want := [3]float64{c.table + c.keys + c.some, c.keys, c.some}; got != want || *used.Table.CapacityUnits != c.table {
			t.Errorf("%s: got %v of which table %v, want %v", c.name, got, *used.Table.CapacityUnits, want)
		}
	}
}

// TestReadUnits follows AWS's "DynamoDB read and write operations": one unit
// for each started 4 KB, half for eventually consistent reads.
func TestReadUnits(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{})
	e.table(t, "things", "")
	for pk, c := range map[string]struct {
		size             int
		strong, eventual float64
	}{
		"none": {0, 1, 0.5}, "small": {10, 1, 0.5}, "4k": {4096, 1, 0.5}, "more": {4097, 2, 1}, "9k": {9 << 10, 3, 1.5},
	} {
		if c.size > 0 {
			e.put(t, "things", sized(pk, c.size))
		}
		for consistent, want := range map[bool]float64{true: c.strong, false: c.eventual} {
			out, err := e.GetItem(t.Context(), &dynamodb.GetItemInput{
				TableName: aws.String("things"), Key: item{"pk": s(pk)}, ConsistentRead: &consistent, ReturnConsumedCapacity: indexes,
				ProjectionExpression: aws.String("pk"),
			})
			if got := units(t, out.ConsumedCapacity, err); got != want {
				t.Errorf("%s, consistent %v: %v units, want %v", pk, consistent, got, want)
			}
		}
	}
	out, err := e.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{
		RequestItems: map[string]types.KeysAndAttributes{"things": {
			ConsistentRead: aws.Bool(true), Keys: []item{{"pk": s("none")}, {"pk": s("small")}, {"pk": s("more")}},
		}}, ReturnConsumedCapacity: indexes,
	})
	if err != nil || *out.ConsumedCapacity[0].CapacityUnits != 4 || len(out.Responses["things"]) != 2 {
		t.Fatalf("%+v %v", out, err)
	}
	writes, err := e.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{
		RequestItems: map[string][]types.WriteRequest{"things": {
			{PutRequest: &types.PutRequest{Item: sized("new", 1500)}}, {DeleteRequest: &types.DeleteRequest{Key: item{"pk": s("9k")}}},
		}}, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	})
	if err != nil || *writes.ConsumedCapacity[0].CapacityUnits != 2+9 || writes.ConsumedCapacity[0].Table != nil {
		t.Fatalf("%+v %v", writes, err)
	}
}

// TestQueryUnits sums the bytes of a page, what the filter drops included, and
// rounds once.
func TestQueryUnits(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{})
	e.table(t, "things", types.ScalarAttributeTypeN, withIndex("by-owner", "owner", "", types.Projection{ProjectionType: types.ProjectionTypeKeysOnly}))
	for i := range 20 {
		it := sized("p", 500)
		it["sk"], it["owner"] = n(strconv.Itoa(i)), s("ann") // 2+2, 5+3 bytes more
		e.put(t, "things", it)
	}
	query := func(in *dynamodb.QueryInput) *dynamodb.QueryOutput {
		t.Helper()
		in.TableName, in.ReturnConsumedCapacity = aws.String("things"), indexes
		out, err := e.Query(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	values := item{":p": s("p")}
	byKey := aws.String("pk = :p")
	if got := *query(&dynamodb.QueryInput{KeyConditionExpression: byKey, ExpressionAttributeValues: values, ConsistentRead: aws.Bool(true)}).ConsumedCapacity.CapacityUnits; got != 3 {
		t.Errorf("20 items of 512 bytes: %v units, want 3", got)
	}
	if got := *query(&dynamodb.QueryInput{KeyConditionExpression: byKey, ExpressionAttributeValues: values}).ConsumedCapacity.CapacityUnits; got != 1.5 {
		t.Errorf("eventually consistent: %v units, want 1.5", got)
	}
	if got := *query(&dynamodb.QueryInput{KeyConditionExpression: byKey, ExpressionAttributeValues: values, Limit: aws.Int32(8)}).ConsumedCapacity.CapacityUnits; got != 0.5 {
		t.Errorf("8 of them: %v units, want 0.5", got)
	}
	filtered := query(&dynamodb.QueryInput{KeyConditionExpression: byKey, FilterExpression: aws.String("attribute_not_exists(d)"), ExpressionAttributeValues: values, ConsistentRead: aws.Bool(true)})
	if filtered.Count != 0 || filtered.ScannedCount != 20 || *filtered.ConsumedCapacity.CapacityUnits != 3 {
		t.Errorf("%+v", filtered)
	}
	if got := *query(&dynamodb.QueryInput{KeyConditionExpression: byKey, ExpressionAttributeValues: item{":p": s("none")}}).ConsumedCapacity.CapacityUnits; got != 0.5 {
		t.Errorf("nothing found: %v units, want 0.5", got)
	}
	x := query(&dynamodb.QueryInput{
		IndexName: aws.String("by-owner"), KeyConditionExpression: aws.String("#o = :o"),
		ExpressionAttributeNames: map[string]string{"#o": "owner"}, ExpressionAttributeValues: item{":o": s("ann")},
	})
	if *x.ConsumedCapacity.CapacityUnits != 0.5 || *x.ConsumedCapacity.GlobalSecondaryIndexes["by-owner"].CapacityUnits != 0.5 || *x.ConsumedCapacity.Table.CapacityUnits != 0 {
		t.Errorf("%+v", x.ConsumedCapacity)
	}
}

// TestTransactionUnits are twice those of single requests.
func TestTransactionUnits(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{})
	e.table(t, "things", "")
	e.table(t, "other", "")
	e.put(t, "things", sized("checked", 1500))
	in := &dynamodb.TransactWriteItemsInput{
		ClientRequestToken: aws.String("once"), ReturnConsumedCapacity: indexes,
		TransactItems: []types.TransactWriteItem{
			{Put: &types.Put{TableName: aws.String("things"), Item: sized("a", 1500)}},
			{Update: &types.Update{TableName: aws.String("things"), Key: item{"pk": s("b")}, UpdateExpression: aws.String("SET x = :x"), ExpressionAttributeValues: item{":x": s("x")}}},
			{ConditionCheck: &types.ConditionCheck{TableName: aws.String("things"), Key: item{"pk": s("checked")}, ConditionExpression: aws.String("attribute_exists(pk)")}},
			{Delete: &types.Delete{TableName: aws.String("other"), Key: item{"pk": s("none")}}},
		},
	}
	out, err := e.TransactWriteItems(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{10, 2} {
		c := out.ConsumedCapacity[i]
		if *c.CapacityUnits != want || *c.WriteCapacityUnits != want || *c.Table.WriteCapacityUnits != want {
			t.Errorf("%s: %v units, want %v", *c.TableName, *c.CapacityUnits, want)
		}
	}
	if out, err = e.TransactWriteItems(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{6, 2} { // three reads, one read
		if c := out.ConsumedCapacity[i]; *c.CapacityUnits != want || *c.ReadCapacityUnits != want {
			t.Errorf("repeated: %s: %v units, want %v", *c.TableName, *c.CapacityUnits, want)
		}
	}
	gets, err := e.TransactGetItems(t.Context(), &dynamodb.TransactGetItemsInput{
		ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
		TransactItems: []types.TransactGetItem{
			{Get: &types.Get{TableName: aws.String("things"), Key: item{"pk": s("a")}}},
			{Get: &types.Get{TableName: aws.String("things"), Key: item{"pk": s("none")}}},
		},
	})
	if err != nil || *gets.ConsumedCapacity[0].CapacityUnits != 4 || *gets.ConsumedCapacity[0].ReadCapacityUnits != 4 {
		t.Fatalf("%+v %v", gets, err)
	}
	if len(gets.Responses) != 2 || gets.Responses[1].Item != nil {
		t.Fatalf("%+v", gets.Responses)
	}
}

// TestConsumed counts what no answer mentions: failed conditions and cancelled
// transactions.
func TestConsumed(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{})
	e.table(t, "things", "", withIndex("by-owner", "owner", "", projectAll))
	if got := e.db.Consumed("none"); got != (embedded.ConsumedCapacity{}) {
		t.Fatal(got)
	}
	things, never := aws.String("things"), aws.String("attribute_not_exists(pk)")
	for _, step := range []struct {
		name        string
		do          func() error
		read, write float64
	}{
		{"put", func() error {
			it := sized("a", 1500)
			it["owner"] = s("ann")
			_, err := e.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: things, Item: it})
			return err
		}, 0, 4},
		{"failed condition", func() error {
			_, err := e.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: things, Item: item{"pk": s("a")}, ConditionExpression: never})
			wantError(t, err, "ConditionalCheckFailedException", "")
			return nil
		}, 0, 2},
		{"invalid", func() error {
			_, err := e.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: things, Item: item{"pk": n("1")}})
			wantError(t, err, "ValidationException", "")
			return nil
		}, 0, 0},
		{"cancelled", func() error {
			_, err := e.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
				{Put: &types.Put{TableName: things, Item: item{"pk": s("a")}, ConditionExpression: never}}, {Delete: &types.Delete{TableName: things, Key: item{"pk": s("b")}}},
			}})
			reasons(t, err)
			return nil
		}, 0, 6},
		{"get", func() error { e.get(t, "things", item{"pk": s("a")}); return nil }, 1, 0},
		{"scan", func() error { e.scanAll(t, "things", "by-owner"); return nil }, 0.5, 0},
		{"batch", func() error {
			_, err := e.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{
				"things": {{DeleteRequest: &types.DeleteRequest{Key: item{"pk": s("a")}}}, {PutRequest: &types.PutRequest{Item: item{"pk": s("c")}}}},
			}})
			return err
		}, 0, 5},
	} {
		before := e.db.Consumed("things")
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		after := e.db.Consumed("things")
		if got := (embedded.ConsumedCapacity{ReadUnits: after.ReadUnits - before.ReadUnits, WriteUnits: after.WriteUnits - before.WriteUnits}); got != (embedded.ConsumedCapacity{ReadUnits: step.read, WriteUnits: step.write}) {
			t.Errorf("%s: %+v", step.name, got)
		}
	}
}
