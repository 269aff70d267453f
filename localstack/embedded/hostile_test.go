package embedded_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/aws/smithy-go"

	"daybook/localstack/embedded"
)

// ordeal writes 120 versions of 12 items and tells how it went: the errors, and
// every delivery of every shard.
func ordeal(t *testing.T, e *engine) (outcomes []string, deliveries [][]string) {
	t.Helper()
	for i := range 120 {
		_, err := e.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
			TableName: aws.String("things"), Key: item{"pk": s("p"), "sk": n(strconv.Itoa(i % 12))},
			UpdateExpression: aws.String("ADD v :one"), ExpressionAttributeValues: item{":one": n("1")},
		})
		var api smithy.APIError
		switch {
		case err == nil:
			outcomes = append(outcomes, "done")
		case errors.As(err, &api):
			outcomes = append(outcomes, api.ErrorCode())
		case errors.Is(err, embedded.ErrAnswerLost):
			outcomes = append(outcomes, "lost")
		default:
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
	time.Sleep(time.Second)
	arn := e.streamARN(t, "things")
	d, err := e.streams.DescribeStream(t.Context(), &dynamodbstreams.DescribeStreamInput{StreamArn: &arn})
	if err != nil {
		t.Fatal(err)
	}
	for _, sh := range d.StreamDescription.Shards {
		deliveries = append(deliveries, e.deliveries(t, arn, *sh.ShardId))
	}
	return outcomes, deliveries
}

// deliveries reads a shard to its end as a patient consumer does, and tells
// item=version of every record, and | after every batch.
func (e *engine) deliveries(t *testing.T, arn, shard string) (got []string) {
	t.Helper()
	it, err := e.streams.GetShardIterator(t.Context(), &dynamodbstreams.GetShardIteratorInput{
		StreamArn: &arn, ShardId: &shard, ShardIteratorType: streamtypes.ShardIteratorTypeTrimHorizon,
	})
	if err != nil {
		t.Fatal(err)
	}
	next := it.ShardIterator
	for range 10_000 {
		out, err := e.streams.GetRecords(t.Context(), &dynamodbstreams.GetRecordsInput{ShardIterator: next, Limit: aws.Int32(7)})
		if err != nil {
			var api smithy.APIError
			if !errors.As(err, &api) && !errors.Is(err, embedded.ErrAnswerLost) {
				t.Fatal(err)
			}
			continue
		}
		if len(out.Records) == 0 {
			return got
		}
		for _, r := range out.Records {
			got = append(got, imageValue(r.Dynamodb.Keys["sk"])+"="+imageValue(r.Dynamodb.NewImage["v"]))
		}
		got = append(got, "|")
		next = out.NextShardIterator
	}
	t.Fatal("the shard has no end")
	return nil
}

var everything = embedded.Hostile{
	ReorderRecords: 0.3, DelayRecords: 0.1, DuplicateRecords: 0.3, SplitBatches: 0.4, Throttle: 0.05, Fail: 0.03, LoseRequests: 0.03, LoseAnswers: 0.05,
}

func TestHostilityIsDeterministic(t *testing.T) {
	t.Parallel()
	run := func(seed uint64) string {
		var got string
		synctest.Test(t, func(t *testing.T) {
			h := everything
			h.Seed = seed
			e := start(t, embedded.Options{Hostile: &h, Shards: 2})
			e.table(t, "things", types.ScalarAttributeTypeN, withStream(types.StreamViewTypeNewImage))
			outcomes, deliveries := ordeal(t, e)
			got = fmt.Sprint(outcomes, deliveries)
		})
		return got
	}
	first := run(7)
	if second := run(7); second != first {
		t.Fatalf("seed 7 again:\n%s\n%s", first, second)
	}
	if other := run(8); other == first {
		t.Fatal("seeds 7 and 8 do the same")
	}
	for _, word := range []string{"lost", "InternalServerError", "ThrottlingException", "ProvisionedThroughputExceededException"} {
		if !strings.Contains(first, word) {
			t.Errorf("no %s", word)
		}
	}
}

// TestHostileDeliveryKeepsPromises checks what DynamoDB promises whatever
// happens: every record is delivered, and those of one item in order, but for
// going back.
func TestHostileDeliveryKeepsPromises(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		synctest.Test(t, func(t *testing.T) {
			h := everything
			h.Seed = seed
			e := start(t, embedded.Options{Hostile: &h, Shards: 1})
			e.table(t, "things", types.ScalarAttributeTypeN, withStream(types.StreamViewTypeNewImage))
			outcomes, deliveries := ordeal(t, e)
			done := 0
			for _, o := range outcomes {
				if o == "done" {
					done++
				}
			}
			seen, distinct, batches, repeated := map[string]int{}, map[string]bool{}, 0, 0
			var order []string
			for _, d := range deliveries[0] {
				sk, v, ok := strings.Cut(d, "=")
				if !ok {
					batches++
					continue
				}
				version, err := strconv.Atoi(v)
				if err != nil {
					t.Fatal(err)
				}
				if distinct[d] {
					repeated++
					continue
				}
				distinct[d] = true
				order = append(order, sk)
				if seen[sk]++; version != seen[sk] {
					t.Fatalf("seed %d: version %d of item %s came first", seed, version, sk)
				}
			}
			reordered := 0
			for i, sk := range order {
				if sk != strconv.Itoa(i%12) {
					reordered++
				}
			}
			if len(distinct) < done || reordered == 0 || repeated == 0 || batches < len(distinct)/7 {
				t.Fatalf("seed %d: %d records of at least %d, %d reordered, %d repeated, %d batches", seed, len(distinct), done, reordered, repeated, batches)
			}
		})
	}
}

func TestCertainFaults(t *testing.T) {
	t.Parallel()
	put := func(e *engine) error {
		_, err := e.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("things"), Item: item{"pk": s("a")}})
		return err
	}
	for name, c := range map[string]struct {
		hostile embedded.Hostile
		written bool
		check   func(t *testing.T, e *engine, err error)
	}{
		"lost answer":  {embedded.Hostile{LoseAnswers: 1}, true, func(t *testing.T, _ *engine, err error) { isLost(t, err) }},
		"lost request": {embedded.Hostile{LoseRequests: 1}, false, func(t *testing.T, _ *engine, err error) { isLost(t, err) }},
		"failure":      {embedded.Hostile{Fail: 1}, false, func(t *testing.T, _ *engine, err error) { wantError(t, err, "InternalServerError", "") }},
		"throttle": {embedded.Hostile{Throttle: 1}, false, func(t *testing.T, _ *engine, err error) {
			var api smithy.APIError
			if !errors.As(err, &api) || api.ErrorCode() != "ThrottlingException" && api.ErrorCode() != "ProvisionedThroughputExceededException" {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := start(t, embedded.Options{Hostile: &c.hostile})
			e.table(t, "things", "", withStream(types.StreamViewTypeKeysOnly)) // spared
			c.check(t, e, put(e))
			if got := *e.describe(t, "things").ItemCount == 1; got != c.written {
				t.Fatalf("written: %v", got)
			}
		})
	}
}

func isLost(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, embedded.ErrAnswerLost) {
		t.Fatalf("got %v", err)
	}
}

func TestLostAnswerClosesTheConnection(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{Hostile: &embedded.Hostile{LoseAnswers: 1}})
	e.table(t, "things", "")
	server := httptest.NewServer(e.db)
	t.Cleanup(server.Close)
	_, err := clients(e.db, nil, server.URL).PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("things"), Item: item{"pk": s("a")}})
	var api smithy.APIError
	if err == nil || errors.As(err, &api) {
		t.Fatal(err)
	}
	if *e.describe(t, "things").ItemCount != 1 {
		t.Fatal("not written")
	}
}

func TestConflictsAndUnprocessedItems(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{Hostile: &embedded.Hostile{Conflict: 1, Unprocessed: 1}})
	e.table(t, "things", "")
	_, err := e.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Put: &types.Put{TableName: aws.String("things"), Item: item{"pk": s("a")}}}, {Put: &types.Put{TableName: aws.String("things"), Item: item{"pk": s("b")}}},
	}})
	if got := reasons(t, err); *got[0].Code != "TransactionConflict" || *got[1].Code != "None" {
		t.Fatalf("%+v", got)
	}
	writes, err := e.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{
		"things": {{PutRequest: &types.PutRequest{Item: item{"pk": s("a")}}}, {DeleteRequest: &types.DeleteRequest{Key: item{"pk": s("b")}}}},
	}})
	if err != nil || len(writes.UnprocessedItems["things"]) != 2 || text(writes.UnprocessedItems["things"][0].PutRequest.Item) != `{pk="a"}` {
		t.Fatalf("%+v %v", writes, err)
	}
	gets, err := e.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
		"things": {Keys: []item{{"pk": s("a")}}, ProjectionExpression: aws.String("#x"), ExpressionAttributeNames: map[string]string{"#x": "x"}},
	}})
	left := gets.UnprocessedKeys["things"]
	if err != nil || len(left.Keys) != 1 || *left.ProjectionExpression != "#x" || left.ExpressionAttributeNames["#x"] != "x" {
		t.Fatalf("%+v %v", gets, err)
	}
	if *e.describe(t, "things").ItemCount != 0 {
		t.Fatal("something was written")
	}
}

// A page ends early, and says so: nothing is lost for one who goes on.
func TestPagesThatEndEarly(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{Hostile: &embedded.Hostile{Seed: 1, EndPages: 1}})
	e.table(t, "things", types.ScalarAttributeTypeN)
	for i := range 20 {
		e.put(t, "things", item{"pk": s("p"), "sk": n(strconv.Itoa(i))})
	}
	if got := len(e.scanAll(t, "things", "")); got != 20 {
		t.Errorf("all pages of a scan have %d items", got)
	}
	for _, forward := range []bool{true, false} {
		pages, items := 0, 0
		in := &dynamodb.QueryInput{
			TableName: aws.String("things"), KeyConditionExpression: aws.String("pk = :p"), ExpressionAttributeValues: item{":p": s("p")},
			ScanIndexForward: &forward, Limit: aws.Int32(7),
		}
		for p := dynamodb.NewQueryPaginator(e, in); p.HasMorePages(); pages++ {
			out, err := p.NextPage(t.Context())
			if err != nil || out.Count < 1 && len(out.LastEvaluatedKey) > 0 || out.Count > 4 {
				t.Fatalf("%+v, %v", out, err)
			}
			items += int(out.Count)
		}
		if items != 20 || pages < 5 {
			t.Errorf("%d pages have %d items", pages, items)
		}
	}
}

// TestEveryRecordTwice ends although every batch is repeated.
func TestEveryRecordTwice(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{Shards: 1, Hostile: &embedded.Hostile{DuplicateRecords: 1}})
	e.table(t, "things", types.ScalarAttributeTypeN, withStream(types.StreamViewTypeNewImage))
	for i := range 20 {
		e.put(t, "things", item{"pk": s("p"), "sk": n(strconv.Itoa(i)), "v": n("1")})
	}
	if got := e.records(t, "things"); len(got) <= 20 || len(got) > 40 {
		t.Fatalf("%d deliveries", len(got))
	}
}

// TestHeldRecordsSurviveARestart: what was delivered keeps its sequence
// numbers, what was kept back comes after it.
func TestHeldRecordsSurviveARestart(t *testing.T) {
	t.Parallel()
	for _, compactAt := range []int64{1 << 30, 1 << 10} {
		dir := t.TempDir()
		opts := embedded.Options{Dir: dir, Shards: 1, CompactAt: compactAt, Hostile: &embedded.Hostile{Seed: 3, ReorderRecords: 0.5, MaxDelay: time.Hour}}
		e := start(t, opts)
		e.table(t, "things", types.ScalarAttributeTypeN, withStream(types.StreamViewTypeNewImage))
		for i := range 200 {
			e.put(t, "things", item{"pk": s("p"), "sk": n(strconv.Itoa(i % 50)), "v": n(strconv.Itoa(i))})
		}
		sequence := func(records []streamtypes.Record) (got []string) {
			for _, r := range records {
				got = append(got, *r.Dynamodb.SequenceNumber+" "+image(r.Dynamodb.NewImage))
			}
			return got
		}
		before := sequence(e.records(t, "things"))
		e = e.reopen(t, opts)
		after := sequence(e.records(t, "things"))
		if len(before) >= 200 || len(after) != 200 || !slices.Equal(before, after[:len(before)]) {
			t.Fatalf("%d records before, %d after", len(before), len(after))
		}
		opts.Hostile = nil
		if again := sequence(e.reopen(t, opts).records(t, "things")); !slices.Equal(again, after) {
			t.Fatalf("%d records after another restart", len(again))
		}
	}
}
