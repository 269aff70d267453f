package embedded_test

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/localstack/embedded"
)

// withWideIndex adds an index whose key has several attributes, each written as
// its name and type: "region:S".
func withWideIndex(name string, hash, sort []string, projection types.Projection) tableOption {
	return func(in *dynamodb.CreateTableInput) {
		x := types.GlobalSecondaryIndex{IndexName: &name, KeySchema: wideKey(hash, sort), Projection: &projection}
		in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, x)
		for _, a := range slices.Concat(hash, sort) {
			attribute, kind, _ := strings.Cut(a, ":")
			define(in, attribute, types.ScalarAttributeType(kind))
		}
	}
}

func wideKey(hash, sort []string) (key []types.KeySchemaElement) {
	for _, a := range hash {
		attribute, _, _ := strings.Cut(a, ":")
		key = append(key, types.KeySchemaElement{AttributeName: &attribute, KeyType: types.KeyTypeHash})
	}
	for _, a := range sort {
		attribute, _, _ := strings.Cut(a, ":")
		key = append(key, types.KeySchemaElement{AttributeName: &attribute, KeyType: types.KeyTypeRange})
	}
	return key
}

var (
	matchHash = []string{"cup:S", "region:S"}
	matchSort = []string{"round:N", "court:S"}
)

// matches is a table of matches, indexed by cup and region, then round and court.
func matches(t *testing.T, opts embedded.Options) *engine {
	t.Helper()
	e := start(t, opts)
	e.table(t, "matches", "",
		withWideIndex("all", matchHash, matchSort, projectAll),
		withWideIndex("keys", matchHash, matchSort, types.Projection{ProjectionType: types.ProjectionTypeKeysOnly}),
		withWideIndex("some", matchHash, matchSort, types.Projection{ProjectionType: types.ProjectionTypeInclude, NonKeyAttributes: []string{"score"}}))
	for i, m := range []item{
		{"round": n("10"), "court": s("a")},
		{"round": n("2"), "court": s("b")},
		{"round": n("2"), "court": s("a")},
		{"round": n("2"), "court": s("ab")},
		{"round": n("-1"), "court": s("z")},
		{"round": n("2")}, // not in the index, as the one below
		{"round": n("2"), "court": s("a"), "region": nil},
		{"round": n("2"), "court": s("a"), "region": s("west")},
	} {
		it := item{"pk": s("m" + strconv.Itoa(i)), "cup": s("open"), "region": s("east"), "score": s("1:0"), "notes": s("…")}
		maps.Copy(it, m)
		maps.DeleteFunc(it, func(_ string, v types.AttributeValue) bool { return v == nil })
		e.put(t, "matches", it)
	}
	return e
}

func (e *engine) queryMatches(t *testing.T, in *dynamodb.QueryInput, condition string) (*dynamodb.QueryOutput, error) {
	t.Helper()
	all := item{":cup": s("open"), ":region": s("east"), ":r": n("2"), ":a": s("a"), ":b": s("b"), ":x": s("x")}
	in.TableName, in.KeyConditionExpression = aws.String("matches"), &condition
	if in.ExpressionAttributeNames = nil; strings.Contains(condition, "#region") {
		in.ExpressionAttributeNames = map[string]string{"#region": "region"}
	}
	in.ExpressionAttributeValues = item{}
	for name, v := range all {
		if slices.Contains(strings.FieldsFunc(condition, func(r rune) bool { return strings.ContainsRune(" (),", r) }), name) {
			in.ExpressionAttributeValues[name] = v
		}
	}
	return e.Query(t.Context(), in)
}

func id(it item) string { return strings.Trim(value(it["pk"]), `"`) }

func ids(items []item) string {
	var all []string
	for _, it := range items {
		all = append(all, id(it))
	}
	return strings.Join(all, " ")
}

func TestIndexOfSeveralAttributes(t *testing.T) {
	t.Parallel()
	e := matches(t, embedded.Options{})
	const hash = "cup = :cup AND #region = :region"
	for condition, want := range map[string]string{
		hash:                                    "m4 m2 m3 m1 m0",
		hash + " AND round = :r":                "m2 m3 m1",
		hash + " AND round > :r":                "m0",
		hash + " AND round = :r AND court = :a": "m2",
		hash + " AND round = :r AND court > :a": "m3 m1",

		// Ranges of the last attribute, and the key in another order.
		hash + " AND round = :r AND begins_with(court, :a)":  "m2 m3",
		hash + " AND round = :r AND court BETWEEN :a AND :b": "m2 m3 m1",
		"court < :b AND round = :r AND " + hash:              "m2 m3",
	} {
		for _, forward := range []bool{true, false} {
			order := strings.Fields(want)
			if !forward {
				slices.Reverse(order)
			}
			out, err := e.queryMatches(t, &dynamodb.QueryInput{IndexName: aws.String("all"), ScanIndexForward: &forward}, condition)
			if err != nil {
				t.Fatalf("%s: %v", condition, err)
			}
			if got := ids(out.Items); got != strings.Join(order, " ") {
				t.Errorf("%s: got %s, want %v", condition, got, order)
			}
		}
	}
	for condition, want := range map[string]string{
		"cup = :cup":                                        "Query condition missed key schema element: region",
		hash + " AND court = :a":                            "RANGE key attributes round must have equality conditions specified in the query because a condition is present on key attribute court",
		hash + " AND round > :r AND court = :a":             "RANGE key attributes round must have equality conditions specified in the query because a condition is present on key attribute court",
		"cup = :cup AND begins_with(#region, :region)":      "Query key condition not supported",
		hash + " AND round = :r AND court = :a AND pk = :x": "The number of query conditions (5) exceeds the number of key attributes defined in the schema (4)",
	} {
		_, err := e.queryMatches(t, &dynamodb.QueryInput{IndexName: aws.String("all")}, condition)
		wantError(t, err, "ValidationException", want)
	}
	_, err := e.queryMatches(t, &dynamodb.QueryInput{IndexName: aws.String("all"), FilterExpression: aws.String("attribute_exists(court)")}, hash)
	wantError(t, err, "ValidationException", "Filter Expression can only contain non-primary key attributes: Primary key attribute: court")
}

func TestIndexOfSeveralAttributesPages(t *testing.T) {
	t.Parallel()
	e := matches(t, embedded.Options{})
	for index, attributes := range map[string]int{"all": 7, "keys": 5, "some": 6} {
		for _, forward := range []bool{true, false} {
			in := &dynamodb.QueryInput{IndexName: &index, ScanIndexForward: &forward, Limit: aws.Int32(2), ReturnConsumedCapacity: types.ReturnConsumedCapacityIndexes}
			var got []string
			for {
				out, err := e.queryMatches(t, in, "cup = :cup AND #region = :region AND round = :r")
				if err != nil {
					t.Fatal(err)
				}
				for _, it := range out.Items {
					got = append(got, id(it))
					if len(it) != attributes {
						t.Errorf("%s projects %s", index, text(it))
					}
				}
				if units := out.ConsumedCapacity.GlobalSecondaryIndexes[index].CapacityUnits; *units != 0.5 {
					t.Errorf("a page of %s consumed %v", index, *units)
				}
				if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
					break
				}
				if names := slices.Sorted(maps.Keys(in.ExclusiveStartKey)); !slices.Equal(names, []string{"court", "cup", "pk", "region", "round"}) {
					t.Errorf("LastEvaluatedKey of %v", names)
				}
			}
			if !forward {
				slices.Reverse(got)
			}
			if !slices.Equal(got, []string{"m2", "m3", "m1"}) {
				t.Errorf("%s, forward %v: %v", index, forward, got)
			}
		}
	}
	outside := item{"pk": s("m1"), "cup": s("open"), "region": s("east"), "round": n("3"), "court": s("b")}
	_, err := e.queryMatches(t, &dynamodb.QueryInput{IndexName: aws.String("keys"), ExclusiveStartKey: outside}, "cup = :cup AND #region = :region AND round = :r")
	wantError(t, err, "ValidationException", "The provided starting key does not match the range key predicate")
	delete(outside, "court")
	_, err = e.queryMatches(t, &dynamodb.QueryInput{IndexName: aws.String("keys"), ExclusiveStartKey: outside}, "cup = :cup AND #region = :region AND round = :r")
	wantError(t, err, "ValidationException", "The provided starting key is invalid")
}

// Writes are charged for the indexes that they change, and an index of several
// attributes loses an item with any of them.
func TestIndexOfSeveralAttributesCharges(t *testing.T) {
	t.Parallel()
	e := matches(t, embedded.Options{})
	for _, c := range []struct {
		update string
		units  map[string]float64
	}{
		{"SET notes = :v", map[string]float64{"all": 1}},
		{"SET score = :v", map[string]float64{"all": 1, "some": 1}},
		{"SET court = :v", map[string]float64{"all": 2, "keys": 2, "some": 2}},
		{"REMOVE court SET extra = :v", map[string]float64{"all": 1, "keys": 1, "some": 1}},
		{"SET notes = :v, extra = :v", map[string]float64{}},
	} {
		out, err := e.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
			TableName: aws.String("matches"), Key: item{"pk": s("m0")}, UpdateExpression: &c.update,
			ExpressionAttributeValues: item{":v": s(c.update)}, ReturnConsumedCapacity: types.ReturnConsumedCapacityIndexes,
		})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]float64{}
		for name, used := range out.ConsumedCapacity.GlobalSecondaryIndexes {
			got[name] = *used.CapacityUnits
		}
		if !maps.Equal(got, c.units) {
			t.Errorf("%s: %v, want %v", c.update, got, c.units)
		}
	}
	if got := len(e.scanAll(t, "matches", "keys")); got != 5 {
		t.Errorf("%d items left in the index", got)
	}
}

// The entries of an index of several attributes survive the log and the snapshot,
// and an index that is added later is filled.
func TestIndexOfSeveralAttributesIsKept(t *testing.T) {
	t.Parallel()
	for name, compactAt := range map[string]int64{"log": 1 << 30, "snapshot": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := embedded.Options{Dir: t.TempDir(), CompactAt: compactAt}
			e := matches(t, opts)
			_, err := e.UpdateTable(t.Context(), &dynamodb.UpdateTableInput{
				TableName: aws.String("matches"),
				AttributeDefinitions: []types.AttributeDefinition{
					{AttributeName: aws.String("score"), AttributeType: "S"}, {AttributeName: aws.String("cup"), AttributeType: "S"}, {AttributeName: aws.String("pk"), AttributeType: "S"},
				},
				GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{{Create: &types.CreateGlobalSecondaryIndexAction{
					IndexName: aws.String("later"), KeySchema: wideKey([]string{"score", "cup"}, []string{"pk"}), Projection: &projectAll,
				}}},
			})
			if err != nil {
				t.Fatal(err)
			}
			before := e.state(t)
			e = e.reopen(t, opts)
			if after := e.state(t); after != before {
				t.Errorf("before %s\nafter %s", before, after)
			}
			if got := len(e.scanAll(t, "matches", "later")); got != 8 {
				t.Errorf("%d items in the index added later", got)
			}
			for _, x := range e.describe(t, "matches").GlobalSecondaryIndexes {
				var key []string
				for _, k := range x.KeySchema {
					key = append(key, *k.AttributeName+" "+string(k.KeyType))
				}
				want := "cup HASH, region HASH, round RANGE, court RANGE"
				if *x.IndexName == "later" {
					want = "score HASH, cup HASH, pk RANGE"
				}
				if got := strings.Join(key, ", "); got != want {
					t.Errorf("%s: %s", *x.IndexName, got)
				}
			}
		})
	}
}

func TestKeySchemasOfSeveralAttributes(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{})
	const invalid = "One or more parameter values were invalid: "
	letters := func(all string) (attributes []string) {
		for _, c := range all {
			attributes = append(attributes, string(c)+":S")
		}
		return attributes
	}
	for i, c := range []struct{ hash, sort, want string }{
		{"abcd", "efgh", ""},
		{"abcde", "", invalid + "The KeySchema exceeds the maximum allowed number of HASH key attributes"},
		{"a", "bcdef", invalid + "The KeySchema exceeds the maximum allowed number of RANGE key attributes"},
		{"", "a", "Invalid KeySchema: The first KeySchemaElement is not a HASH key type"},
		{"aba", "", "The KeySchema contains multiple key attributes with the same name"},
		{"ab", "cb", "The KeySchema contains multiple key attributes with the same name"},
		{"a", "a", "Both the Hash Key and the Range Key element in the KeySchema have the same name"},
	} {
		name := "table" + strconv.Itoa(i)
		in := &dynamodb.CreateTableInput{TableName: &name, BillingMode: types.BillingModePayPerRequest, KeySchema: keySchema("pk", "")}
		define(in, "pk", types.ScalarAttributeTypeS)
		withWideIndex("wide", letters(c.hash), letters(c.sort), projectAll)(in)
		_, err := e.CreateTable(t.Context(), in)
		if c.want == "" && err == nil {
			continue
		}
		wantError(t, err, "ValidationException", c.want)
	}
	in := &dynamodb.CreateTableInput{TableName: aws.String("order"), BillingMode: types.BillingModePayPerRequest, KeySchema: keySchema("pk", "")}
	define(in, "pk", types.ScalarAttributeTypeS)
	withWideIndex("wide", letters("ab"), letters("c"), projectAll)(in)
	key := in.GlobalSecondaryIndexes[0].KeySchema
	key[1], key[2] = key[2], key[1]
	_, err := e.CreateTable(t.Context(), in)
	wantError(t, err, "ValidationException", invalid+"All HASH key attributes must precede RANGE key attributes in the KeySchema")
	in.GlobalSecondaryIndexes, in.KeySchema = nil, wideKey([]string{"pk", "a"}, []string{"b"})
	_, err = e.CreateTable(t.Context(), in)
	wantError(t, err, "ValidationException", "1 validation error detected: Value '[KeySchemaElement(attributeName=pk, keyType=HASH), "+
		"KeySchemaElement(attributeName=a, keyType=HASH), KeySchemaElement(attributeName=b, keyType=RANGE)]' at 'keySchema' failed to satisfy constraint: Member must have length less than or equal to 2")
}

// The limits of a key hold for its hash attributes together, and for its range
// attributes together.
func TestSizeOfAKeyOfSeveralAttributes(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{})
	e.table(t, "matches", "", withWideIndex("all", matchHash, []string{"court:S", "place:S"}, projectAll))
	put := func(cup, region, court, place int) error {
		text := func(n int) types.AttributeValue { return s(strings.Repeat("x", n)) }
		_, err := e.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("matches"), Item: item{
			"pk": s("m"), "cup": text(cup), "region": text(region), "court": text(court), "place": text(place),
		}})
		return err
	}
	if err := put(1024, 1024, 512, 512); err != nil {
		t.Error(err)
	}
	wantError(t, put(1024, 1025, 1, 1), "ValidationException", "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes")
	wantError(t, put(1, 1, 512, 513), "ValidationException", "One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of 1024 bytes")
}
