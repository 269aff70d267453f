package embedded_test

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/localstack/embedded"
)

func TestReturnValues(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{})
	e.table(t, "things", "")
	things, key := aws.String("things"), item{"pk": s("a")}
	put := func(v string) item {
		t.Helper()
		out, err := e.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: things, Item: item{"pk": s("a"), "x": s(v)}, ReturnValues: types.ReturnValueAllOld})
		if err != nil {
			t.Fatal(err)
		}
		return out.Attributes
	}
	if got := put("1"); got != nil {
		t.Error(got)
	}
	if got := text(put("2")); got != `{pk="a" x="1"}` {
		t.Error(got)
	}
	for which, want := range map[types.ReturnValue]string{
		types.ReturnValueNone: "{}", types.ReturnValueAllOld: `{pk="a" x="2"}`, types.ReturnValueAllNew: `{pk="a" x="3" y="4"}`,
		types.ReturnValueUpdatedOld: `{x="2"}`, types.ReturnValueUpdatedNew: `{x="3" y="4"}`,
	} {
		e.put(t, "things", item{"pk": s("a"), "x": s("2")})
		out := mustUpdate(t, e, &dynamodb.UpdateItemInput{
			TableName: things, Key: key, UpdateExpression: aws.String("SET x = :x, y = :y"), ReturnValues: which,
			ExpressionAttributeValues: item{":x": s("3"), ":y": s("4")},
		})
		if got := text(out.Attributes); got != want {
			t.Errorf("%s: got %s, want %s", which, got, want)
		}
	}
	out, err := e.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: things, Key: key, ReturnValues: types.ReturnValueAllOld})
	if err != nil || text(out.Attributes) != `{pk="a" x="3" y="4"}` {
		t.Error(out, err)
	}
	made := mustUpdate(t, e, &dynamodb.UpdateItemInput{TableName: things, Key: key, ReturnValues: types.ReturnValueAllNew})
	if text(made.Attributes) != `{pk="a"}` || text(e.get(t, "things", key)) != `{pk="a"}` {
		t.Error(made.Attributes)
	}
}

func TestConditionFailureReturnsTheItem(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{})
	e.table(t, "things", "")
	e.put(t, "things", item{"pk": s("a"), "x": s("1")})
	things, key, never := aws.String("things"), item{"pk": s("a")}, aws.String("attribute_not_exists(pk)")
	for _, which := range []types.ReturnValuesOnConditionCheckFailure{types.ReturnValuesOnConditionCheckFailureAllOld, ""} {
		for name, do := range map[string]func() error{
			"put": func() error {
				_, err := e.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: things, Item: key, ConditionExpression: never, ReturnValuesOnConditionCheckFailure: which})
				return err
			},
			"update": func() error {
				_, err := e.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{TableName: things, Key: key, ConditionExpression: never, ReturnValuesOnConditionCheckFailure: which})
				return err
			},
			"delete": func() error {
				_, err := e.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: things, Key: key, ConditionExpression: never, ReturnValuesOnConditionCheckFailure: which})
				return err
			},
		} {
			var failed *types.ConditionalCheckFailedException
			if err := do(); !errors.As(err, &failed) || *failed.Message != "The conditional request failed" {
				t.Fatalf("%s: %v", name, err)
			}
			want := "{}"
			if which != "" {
				want = `{pk="a" x="1"}`
			}
			if got := text(failed.Item); got != want {
				t.Errorf("%s: got %s, want %s", name, got, want)
			}
		}
	}
}

// TestNumbers are exact at 38 digits, and 1.0 is 1, in keys too.
func TestNumbers(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{})
	e.table(t, "things", types.ScalarAttributeTypeN)
	big := "12345678901234567890123456789012345678"
	e.put(t, "things", item{"pk": s("a"), "sk": n("1.0"), "n": n(big)})
	out := mustUpdate(t, e, &dynamodb.UpdateItemInput{
		TableName: aws.String("things"), Key: item{"pk": s("a"), "sk": n("10e-1")}, UpdateExpression: aws.String("SET n = n + :one"),
		ExpressionAttributeValues: item{":one": n("1")}, ReturnValues: types.ReturnValueAllNew,
	})
	if got := text(out.Attributes); got != `{n=12345678901234567890123456789012345679 pk="a" sk=1}` {
		t.Fatal(got)
	}
	for _, sk := range []string{"100", "2", "10", "-3", "0.5", "-100", "1e20", "-1e-20", "0"} {
		e.put(t, "things", item{"pk": s("b"), "sk": n(sk)})
	}
	var got []string
	q, err := e.Query(t.Context(), &dynamodb.QueryInput{TableName: aws.String("things"), KeyConditionExpression: aws.String("pk = :p"), ExpressionAttributeValues: item{":p": s("b")}})
	if err != nil {
		t.Fatal(err)
	}
	for _, it := range q.Items {
		got = append(got, value(it["sk"]))
	}
	if want := []string{"-100", "-3", "-0.00000000000000000001", "0", "0.5", "2", "10", "100", "100000000000000000000"}; !slices.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
}

// TestValuesComeBack stores values of every type, empty ones too.
func TestValuesComeBack(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{})
	e.table(t, "things", "")
	in := item{
		"pk": s("a"), "empty": s(""), "text": s("é\x00\n\"\\ 漢字 🙂"), "number": n("-0.5"),
		"bytes": &types.AttributeValueMemberB{Value: []byte{0, 1, 255}}, "none": &types.AttributeValueMemberB{Value: []byte{}},
		"yes": &types.AttributeValueMemberBOOL{Value: true}, "no": &types.AttributeValueMemberBOOL{}, "null": &types.AttributeValueMemberNULL{Value: true},
		"list": &types.AttributeValueMemberL{Value: []types.AttributeValue{s("x"), n("1"), &types.AttributeValueMemberL{Value: []types.AttributeValue{}}}},
		"map":  &types.AttributeValueMemberM{Value: item{"deep": &types.AttributeValueMemberM{Value: item{}}}},
		"ss":   &types.AttributeValueMemberSS{Value: []string{"b", "a"}}, "ns": &types.AttributeValueMemberNS{Value: []string{"2", "10"}},
		"bs": &types.AttributeValueMemberBS{Value: [][]byte{{1}, {2}}},
	}
	e.put(t, "things", in)
	if got, want := text(e.get(t, "things", item{"pk": s("a")})), text(in); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func (e *engine) query(t testing.TB, condition string, values item, more func(*dynamodb.QueryInput)) string {
	t.Helper()
	in := &dynamodb.QueryInput{TableName: aws.String("things"), KeyConditionExpression: &condition, ExpressionAttributeValues: values}
	if more != nil {
		more(in)
	}
	var keys []string
	for {
		out, err := e.Query(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range out.Items {
			keys = append(keys, strings.Trim(value(it["sk"]), `"`))
		}
		if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
			return strings.Join(keys, " ")
		}
	}
}

func TestQueryRanges(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{})
	e.table(t, "things", types.ScalarAttributeTypeS)
	for _, pk := range []string{"p", "pp", "q"} {
		for _, sk := range []string{"a", "ab", "AB", "abc", "b", "a\x00", "a\xc3\xa9", "c"} {
			e.put(t, "things", item{"pk": s(pk), "sk": s(sk), "n": n(strconv.Itoa(len(sk)))})
		}
	}
	p := item{":p": s("p")}
	with := func(v ...string) item {
		it := item{":p": s("p")}
		for i, one := range v {
			it[":"+string(rune('a'+i))] = s(one)
		}
		return it
	}
	for condition, c := range map[string]struct {
		values item
		want   string
	}{
		"pk = :p":                            {p, `AB a a\x00 ab abc aé b c`},
		"pk = :p AND sk = :a":                {with("ab"), `ab`},
		"pk = :p AND sk < :a":                {with("ab"), `AB a a\x00`},
		"pk = :p AND sk <= :a":               {with("ab"), `AB a a\x00 ab`},
		"pk = :p AND sk > :a":                {with("ab"), `abc aé b c`},
		":a <= sk AND pk = :p":               {with("ab"), `ab abc aé b c`},
		"pk = :p AND sk BETWEEN :a AND :b":   {with("a", "ab"), `a a\x00 ab`},
		"pk = :p AND begins_with(sk, :a)":    {with("ab"), `ab abc`},
		"begins_with(sk, :a) AND :p = pk":    {with("a"), `a a\x00 ab abc aé`},
		"(pk = :p) AND (begins_with(sk,:a))": {with("x"), ``},
	} {
		if got := e.query(t, condition, c.values, nil); got != c.want {
			t.Errorf("%s: got %s, want %s", condition, got, c.want)
		}
		words := strings.Fields(c.want)
		slices.Reverse(words)
		for _, limit := range []int32{0, 1, 2, 3} {
			got := e.query(t, condition, c.values, func(in *dynamodb.QueryInput) {
				in.ScanIndexForward = aws.Bool(false)
				if limit > 0 {
					in.Limit = &limit
				}
			})
			if got != strings.Join(words, " ") {
				t.Errorf("%s, backwards, limit %d: got %s, want %s", condition, limit, got, words)
			}
		}
	}
}

// TestLimitIsBeforeFilter looks at Limit items, whatever the filter keeps.
func TestLimitIsBeforeFilter(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{})
	e.table(t, "things", types.ScalarAttributeTypeN)
	for i := range 10 {
		e.put(t, "things", item{"pk": s("p"), "sk": n(strconv.Itoa(i)), "odd": &types.AttributeValueMemberBOOL{Value: i%2 == 1}})
	}
	in := &dynamodb.QueryInput{
		TableName: aws.String("things"), KeyConditionExpression: aws.String("pk = :p"), FilterExpression: aws.String("odd = :t"), Limit: aws.Int32(5),
		ExpressionAttributeValues: item{":p": s("p"), ":t": &types.AttributeValueMemberBOOL{Value: true}},
	}
	out, err := e.Query(t.Context(), in)
	if err != nil || out.Count != 2 || out.ScannedCount != 5 || text(out.LastEvaluatedKey) != `{pk="p" sk=4}` {
		t.Fatalf("%+v %v", out, err)
	}
	in.ExclusiveStartKey, in.Select = out.LastEvaluatedKey, types.SelectCount
	if out, err = e.Query(t.Context(), in); err != nil || out.Count != 3 || out.Items != nil || text(out.LastEvaluatedKey) != `{pk="p" sk=9}` {
		t.Fatalf("%+v %v", out, err)
	}
	in.ExclusiveStartKey = out.LastEvaluatedKey
	if out, err = e.Query(t.Context(), in); err != nil || out.ScannedCount != 0 || out.LastEvaluatedKey != nil {
		t.Fatalf("%+v %v", out, err)
	}
	all, err := e.Query(t.Context(), &dynamodb.QueryInput{TableName: aws.String("things"), KeyConditionExpression: aws.String("pk = :p"), ExpressionAttributeValues: item{":p": s("p")}})
	if err != nil || all.LastEvaluatedKey != nil || all.Count != 10 {
		t.Fatalf("%+v %v", all, err)
	}
}

func TestPagesOfOneMegabyte(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{})
	e.table(t, "things", types.ScalarAttributeTypeN)
	for i := range 10 {
		it := sized("p", 300<<10)
		it["sk"] = n(strconv.Itoa(i))
		e.put(t, "things", it)
	}
	in := &dynamodb.ScanInput{TableName: aws.String("things"), ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal, ConsistentRead: aws.Bool(true)}
	var counts []int32
	for {
		out, err := e.Scan(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		counts = append(counts, out.Count)
		if want := map[int32]float64{3: 226, 1: 76}[out.Count]; *out.ConsumedCapacity.CapacityUnits != want {
			t.Errorf("%d items: %v units, want %v", out.Count, *out.ConsumedCapacity.CapacityUnits, want)
		}
		if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
			break
		}
	}
	if !slices.Equal(counts, []int32{3, 3, 3, 1}) {
		t.Fatal(counts)
	}
}

// TestScanSegments share a table out, without overlap and without gap.
func TestScanSegments(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{})
	e.table(t, "things", types.ScalarAttributeTypeN, withIndex("by-owner", "owner", "", projectAll))
	for i := range 400 {
		e.put(t, "things", item{"pk": s(strconv.Itoa(i)), "sk": n("0"), "owner": s(strconv.Itoa(i))})
	}
	for _, index := range []*string{nil, aws.String("by-owner")} {
		for _, total := range []int32{1, 2, 7, 64} {
			seen := map[string]int{}
			largest := 0
			for segment := range total {
				in := &dynamodb.ScanInput{TableName: aws.String("things"), IndexName: index, Segment: &segment, TotalSegments: &total, Limit: aws.Int32(9)}
				size := 0
				for p := dynamodb.NewScanPaginator(e, in); p.HasMorePages(); {
					out, err := p.NextPage(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					for _, it := range out.Items {
						seen[value(it["pk"])]++
						size++
					}
				}
				largest = max(largest, size)
			}
			if len(seen) != 400 || total > 1 && largest > 400/int(total)*3 {
				t.Fatalf("%d segments: %d items, up to %d in one", total, len(seen), largest)
			}
			for pk, times := range seen {
				if times != 1 {
					t.Fatalf("%s was seen %d times", pk, times)
				}
			}
		}
	}
	wrong := &dynamodb.ScanInput{TableName: aws.String("things"), Segment: aws.Int32(0), TotalSegments: aws.Int32(1000000), ExclusiveStartKey: item{"pk": s("1"), "sk": n("0")}}
	_, err := e.Scan(t.Context(), wrong)
	wantError(t, err, "ValidationException", "")
}

func TestBatches(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{})
	e.table(t, "things", "")
	e.table(t, "other", "", withStream(types.StreamViewTypeKeysOnly))
	e.put(t, "other", item{"pk": s("gone")})
	out, err := e.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{
		"things": {{PutRequest: &types.PutRequest{Item: item{"pk": s("a"), "x": s("x")}}}, {PutRequest: &types.PutRequest{Item: item{"pk": s("b")}}}},
		"other":  {{DeleteRequest: &types.DeleteRequest{Key: item{"pk": s("gone")}}}},
	}})
	if err != nil || len(out.UnprocessedItems) != 0 {
		t.Fatal(out, err)
	}
	got, err := e.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
		"things": {Keys: []item{{"pk": s("a")}, {"pk": s("b")}, {"pk": s("c")}}, ProjectionExpression: aws.String("#x"), ExpressionAttributeNames: map[string]string{"#x": "x"}},
		"other":  {Keys: []item{{"pk": s("gone")}}},
	}})
	if err != nil || len(got.Responses["things"]) != 2 || len(got.Responses["other"]) != 0 || len(got.UnprocessedKeys) != 0 {
		t.Fatalf("%+v %v", got, err)
	}
	if len(e.records(t, "other")) != 2 {
		t.Fatal("no record of the delete")
	}
	keys := types.KeysAndAttributes{ProjectionExpression: aws.String("d"), ConsistentRead: aws.Bool(true)}
	for i := range 50 {
		e.put(t, "things", sized("k"+strconv.Itoa(i), 390<<10))
		keys.Keys = append(keys.Keys, item{"pk": s("k" + strconv.Itoa(i))})
	}
	got, err = e.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{"things": keys}})
	left := got.UnprocessedKeys["things"]
	if err != nil || len(got.Responses["things"])+len(left.Keys) != 50 || len(left.Keys) == 0 || *left.ProjectionExpression != "d" || !*left.ConsistentRead {
		t.Fatalf("%d %d %v", len(got.Responses["things"]), len(left.Keys), err)
	}
}
