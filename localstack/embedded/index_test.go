package embedded_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/localstack/embedded"
)

func (e *engine) queryIndex(t testing.TB, index, owner string, forward bool, limit int32) (pages [][]item) {
	t.Helper()
	in := &dynamodb.QueryInput{
		TableName: aws.String("things"), IndexName: &index, KeyConditionExpression: aws.String("#o = :o"), ScanIndexForward: &forward,
		ExpressionAttributeNames: map[string]string{"#o": "owner"}, ExpressionAttributeValues: item{":o": s(owner)},
	}
	if limit > 0 {
		in.Limit = &limit
	}
	for {
		out, err := e.Query(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, out.Items)
		if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
			return pages
		}
		if len(in.ExclusiveStartKey) != 4 && len(in.ExclusiveStartKey) != 3 {
			t.Fatalf("a key to go on from: %v", in.ExclusiveStartKey)
		}
	}
}

func TestIndexIsSparseAndProjects(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{})
	e.table(t, "things", types.ScalarAttributeTypeN,
		withIndex("all", "owner", "rank", projectAll),
		withIndex("keys", "owner", "rank", types.Projection{ProjectionType: types.ProjectionTypeKeysOnly}),
		withIndex("some", "owner", "rank", types.Projection{ProjectionType: types.ProjectionTypeInclude, NonKeyAttributes: []string{"x", "absent"}}))
	put := func(sk string, more item) {
		it := item{"pk": s("p"), "sk": n(sk), "x": s("x"), "y": s("y")}
		maps.Copy(it, more)
		e.put(t, "things", it)
	}
	put("1", item{"owner": s("ann"), "rank": n("2")})
	put("2", item{"owner": s("ann"), "rank": n("10")})
	put("3", item{"owner": s("ann"), "rank": n("-1.5")})
	put("4", item{"owner": s("ann")})
	put("5", item{"rank": n("1")})
	put("6", item{"owner": s("bob"), "rank": n("1")})
	for index, want := range map[string]string{
		"all":  `[{owner="ann" pk="p" rank=-1.5 sk=3 x="x" y="y"} {owner="ann" pk="p" rank=2 sk=1 x="x" y="y"} {owner="ann" pk="p" rank=10 sk=2 x="x" y="y"}]`,
		"keys": `[{owner="ann" pk="p" rank=-1.5 sk=3} {owner="ann" pk="p" rank=2 sk=1} {owner="ann" pk="p" rank=10 sk=2}]`,
		"some": `[{owner="ann" pk="p" rank=-1.5 sk=3 x="x"} {owner="ann" pk="p" rank=2 sk=1 x="x"} {owner="ann" pk="p" rank=10 sk=2 x="x"}]`,
	} {
		var got []string
		for _, it := range e.queryIndex(t, index, "ann", true, 0)[0] {
			got = append(got, text(it))
		}
		if fmt.Sprint(got) != want {
			t.Errorf("%s: got %v\nwant %v", index, got, want)
		}
	}
	out, err := e.Query(t.Context(), &dynamodb.QueryInput{
		TableName: aws.String("things"), IndexName: aws.String("keys"), KeyConditionExpression: aws.String("#o = :o AND #r BETWEEN :a AND :b"),
		FilterExpression: aws.String("attribute_exists(pk) AND attribute_not_exists(y)"), ProjectionExpression: aws.String("sk"),
		ExpressionAttributeNames:  map[string]string{"#o": "owner", "#r": "rank"},
		ExpressionAttributeValues: item{":o": s("ann"), ":a": n("2"), ":b": n("10.0")},
	})
	if err != nil || out.Count != 2 || text(out.Items[0]) != "{sk=1}" {
		t.Fatal(out, err)
	}
	mustUpdate(t, e, &dynamodb.UpdateItemInput{TableName: aws.String("things"), Key: item{"pk": s("p"), "sk": n("1")}, UpdateExpression: aws.String("REMOVE #r"), ExpressionAttributeNames: map[string]string{"#r": "rank"}})
	if got := e.queryIndex(t, "all", "ann", true, 0)[0]; len(got) != 2 {
		t.Fatalf("an item that left the index is still there: %v", got)
	}
}

// TestIndexPages reads an index with many items of one key, forwards and
// backwards, page by page.
func TestIndexPages(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{})
	e.table(t, "things", types.ScalarAttributeTypeN, withIndex("all", "owner", "rank", projectAll), withIndex("hash", "owner", "", projectAll))
	for i := range 37 {
		e.put(t, "things", item{"pk": s("p" + strconv.Itoa(i)), "sk": n("0"), "owner": s("ann"), "rank": n(strconv.Itoa(i % 3))})
	}
	for _, index := range []string{"all", "hash"} {
		for _, forward := range []bool{true, false} {
			seen := map[string]bool{}
			rank := ""
			for _, page := range e.queryIndex(t, index, "ann", forward, 5) {
				for _, it := range page {
					seen[value(it["pk"])] = true
					r := value(it["rank"])
					if index == "all" && rank != "" && (forward && r < rank || !forward && r > rank) {
						t.Fatalf("rank %s after %s", r, rank)
					}
					rank = r
				}
			}
			if len(seen) != 37 {
				t.Fatalf("%s: %d items", index, len(seen))
			}
		}
	}
	if got := len(e.scanAll(t, "things", "all")); got != 37 {
		t.Fatalf("%d items", got)
	}
}

func (e *engine) addIndex(t testing.TB, name string) {
	t.Helper()
	_, err := e.UpdateTable(t.Context(), &dynamodb.UpdateTableInput{
		TableName: aws.String("things"),
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("owner"), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String("rank"), AttributeType: types.ScalarAttributeTypeN},
		},
		GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{{Create: &types.CreateGlobalSecondaryIndexAction{
			IndexName: &name, KeySchema: keySchema("owner", "rank"), Projection: &projectAll,
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestIndexIsBackfilled adds an index to a table while clients write to it: in
// the end it holds what the table holds.
func TestIndexIsBackfilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := start(t, embedded.Options{Dir: dir})
	e.table(t, "things", "")
	put := func(from, to, step int) {
		for i := from; i < to; i += 25 * step {
			var batch []types.WriteRequest
			for j := i; j < min(to, i+25*step); j += step {
				batch = append(batch, types.WriteRequest{PutRequest: &types.PutRequest{Item: item{
					"pk": s(strconv.Itoa(j)), "owner": s("o" + strconv.Itoa(j%7)), "rank": n(strconv.Itoa(j * step)),
				}}})
			}
			if _, err := e.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{"things": batch}}); err != nil {
				t.Error(err)
			}
		}
	}
	put(0, 15000, 1)
	var wg sync.WaitGroup
	wg.Go(func() { put(0, 15000, 5) })
	e.addIndex(t, "by-owner")
	_, err := e.UpdateTable(t.Context(), &dynamodb.UpdateTableInput{TableName: aws.String("things"), GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{
		{Create: &types.CreateGlobalSecondaryIndexAction{IndexName: aws.String("by-owner"), KeySchema: keySchema("owner", "rank"), Projection: &projectAll}},
	}})
	wantError(t, err, "ValidationException", "Attempting to create an index which already exists")
	wg.Wait()
	for e.describe(t, "things").GlobalSecondaryIndexes[0].IndexStatus != types.IndexStatusActive {
		put(15000, 15025, 1)
	}
	same := func() {
		t.Helper()
		var table, index []string
		for _, it := range e.scanAll(t, "things", "") {
			table = append(table, text(it))
		}
		for _, it := range e.scanAll(t, "things", "by-owner") {
			index = append(index, text(it))
		}
		slices.Sort(table)
		slices.Sort(index)
		if !slices.Equal(table, index) {
			t.Fatalf("the table has %d items, the index %d", len(table), len(index))
		}
	}
	same()
	e = e.reopen(t, embedded.Options{Dir: dir})
	same()
	if d := e.describe(t, "things"); *d.GlobalSecondaryIndexes[0].IndexSizeBytes != *d.TableSizeBytes || *d.GlobalSecondaryIndexes[0].ItemCount != *d.ItemCount {
		t.Fatalf("%d bytes of the index, %d of the table", *d.GlobalSecondaryIndexes[0].IndexSizeBytes, *d.TableSizeBytes)
	}
	if _, err := e.UpdateTable(t.Context(), &dynamodb.UpdateTableInput{TableName: aws.String("things"), GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{
		{Delete: &types.DeleteGlobalSecondaryIndexAction{IndexName: aws.String("by-owner")}},
	}}); err != nil {
		t.Fatal(err)
	}
	if d := e.describe(t, "things"); len(d.GlobalSecondaryIndexes) != 0 || len(d.AttributeDefinitions) != 1 {
		t.Fatalf("%+v", d)
	}
}
