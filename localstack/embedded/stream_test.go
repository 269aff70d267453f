package embedded_test

import (
	"fmt"
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

	"daybook/localstack/embedded"
)

func TestStreamViews(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{})
	for _, c := range []struct {
		view types.StreamViewType
		want []string // event, keys, old, new
	}{
		{types.StreamViewTypeKeysOnly, []string{
			`INSERT {pk="a"} {} {}`, `MODIFY {pk="a"} {} {}`, `REMOVE {pk="a"} {} {}`,
		}},
		{types.StreamViewTypeNewImage, []string{
			`INSERT {pk="a"} {} {n=1 pk="a"}`, `MODIFY {pk="a"} {} {n=2 pk="a"}`, `REMOVE {pk="a"} {} {}`,
		}},
		{types.StreamViewTypeOldImage, []string{
			`INSERT {pk="a"} {} {}`, `MODIFY {pk="a"} {n=1 pk="a"} {}`, `REMOVE {pk="a"} {n=2 pk="a"} {}`,
		}},
		{types.StreamViewTypeNewAndOldImages, []string{
			`INSERT {pk="a"} {} {n=1 pk="a"}`, `MODIFY {pk="a"} {n=1 pk="a"} {n=2 pk="a"}`, `REMOVE {pk="a"} {n=2 pk="a"} {}`,
		}},
	} {
		t.Run(string(c.view), func(t *testing.T) {
			table := "t-" + string(c.view)
			e.table(t, table, "", withStream(c.view))
			e.put(t, table, item{"pk": s("a"), "n": n("1")})
			e.put(t, table, item{"pk": s("a"), "n": n("1.0")}) // changes nothing
			mustUpdate(t, e, &dynamodb.UpdateItemInput{        // neither does this
				TableName: &table, Key: item{"pk": s("a")}, UpdateExpression: aws.String("SET n = :n"), ExpressionAttributeValues: item{":n": n("1")},
			})
			e.put(t, table, item{"pk": s("a"), "n": n("2")})
			for range 2 { // the second deletes nothing
				if _, err := e.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &table, Key: item{"pk": s("a")}}); err != nil {
					t.Fatal(err)
				}
			}
			var got []string
			for _, r := range e.records(t, table) {
				got = append(got, fmt.Sprint(r.EventName, " ", image(r.Dynamodb.Keys), " ", image(r.Dynamodb.OldImage), " ", image(r.Dynamodb.NewImage)))
				if r.Dynamodb.StreamViewType != streamtypes.StreamViewType(c.view) || *r.AwsRegion != "us-east-1" ||
					*r.EventSource != "aws:dynamodb" || r.UserIdentity != nil || *r.Dynamodb.SizeBytes < 3 ||
					len(*r.Dynamodb.SequenceNumber) < 21 || len(*r.EventID) != 32 || *r.EventVersion != "1.1" {
					t.Errorf("%+v %+v", r, r.Dynamodb)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Fatalf("got %q\nwant %q", got, c.want)
			}
		})
	}
}

// TestOnlyItemsAreOrdered shows what a projector must cope with: items of one
// partition key are in several shards.
func TestOnlyItemsAreOrdered(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{})
	e.table(t, "things", types.ScalarAttributeTypeN, withStream(types.StreamViewTypeNewImage))
	for version := range 5 {
		for sk := range 20 {
			e.put(t, "things", item{"pk": s("p"), "sk": n(strconv.Itoa(sk)), "v": n(strconv.Itoa(version))})
		}
	}
	seen := map[string]bool{}
	shardsUsed := 0
	last := map[string]string{}
	for _, shard := range e.shardRecords(t, e.streamARN(t, "things")) {
		if len(shard) > 0 {
			shardsUsed++
		}
		previous := ""
		for _, r := range shard {
			seq := *r.Dynamodb.SequenceNumber
			if seq <= previous || seen[seq] {
				t.Fatalf("sequence number %s after %s", seq, previous)
			}
			previous, seen[seq] = seq, true
			key, v := image(r.Dynamodb.Keys), imageValue(r.Dynamodb.NewImage["v"])
			if v <= last[key] {
				t.Fatalf("version %s of %s after %s", v, key, last[key])
			}
			last[key] = v
		}
	}
	if shardsUsed != 4 || len(seen) != 100 {
		t.Fatalf("%d records in %d shards", len(seen), shardsUsed)
	}
}

// AT_TIMESTAMP begins with the first record that is not older.
func TestShardIteratorAtATime(t *testing.T) {
	t.Parallel()
	begun := time.Date(2026, 10, 8, 3, 0, 0, 0, time.UTC)
	now := begun
	e := start(t, embedded.Options{Shards: 1, Now: func() time.Time { return now }})
	e.table(t, "things", "", withStream(types.StreamViewTypeKeysOnly))
	arn := e.streamARN(t, "things")
	for i := range 5 {
		now = begun.Add(time.Duration(i) * time.Hour)
		e.put(t, "things", item{"pk": s(strconv.Itoa(i))})
	}
	d, err := e.streams.DescribeStream(t.Context(), &dynamodbstreams.DescribeStreamInput{StreamArn: &arn})
	if err != nil {
		t.Fatal(err)
	}
	shard := d.StreamDescription.Shards[0].ShardId
	ask := func(kind streamtypes.ShardIteratorType, at *time.Time) (*dynamodbstreams.GetShardIteratorOutput, error) {
		return e.streams.GetShardIterator(t.Context(), &dynamodbstreams.GetShardIteratorInput{StreamArn: &arn, ShardId: shard, ShardIteratorType: kind, Timestamp: at})
	}
	for after, want := range map[time.Duration]string{
		-time.Hour: "01234", 0: "01234", time.Millisecond: "1234", time.Hour: "1234", 3*time.Hour + time.Second: "4", 4 * time.Hour: "4",
	} {
		it, err := ask(streamtypes.ShardIteratorTypeAtTimestamp, aws.Time(begun.Add(after)))
		if err != nil {
			t.Fatal(err)
		}
		out, err := e.streams.GetRecords(t.Context(), &dynamodbstreams.GetRecordsInput{ShardIterator: it.ShardIterator})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, r := range out.Records {
			got += imageValue(r.Dynamodb.Keys["pk"])
		}
		if got = strings.ReplaceAll(got, `"`, ""); got != want {
			t.Errorf("since %s: %s, want %s", after, got, want)
		}
	}
	_, err = ask(streamtypes.ShardIteratorTypeAtTimestamp, aws.Time(now.Add(time.Millisecond)))
	wantError(t, err, "ValidationException", "Timestamp must not be in the future")
	_, err = ask(streamtypes.ShardIteratorTypeAtTimestamp, nil)
	wantError(t, err, "ValidationException", "Timestamp must be specified when ShardIteratorType is AT_TIMESTAMP")
	_, err = ask(streamtypes.ShardIteratorTypeLatest, &begun)
	wantError(t, err, "ValidationException", "Timestamp must not be specified when ShardIteratorType is LATEST")
	now = begun.Add(26 * time.Hour) // two records are trimmed
	it, err := ask(streamtypes.ShardIteratorTypeAtTimestamp, &begun)
	if err != nil {
		t.Fatal(err)
	}
	out, err := e.streams.GetRecords(t.Context(), &dynamodbstreams.GetRecordsInput{ShardIterator: it.ShardIterator})
	if err != nil || len(out.Records) != 3 {
		t.Errorf("from before the horizon: %d records, %v", len(out.Records), err)
	}
}

func TestShardIterators(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{Shards: 1})
	e.table(t, "things", "", withStream(types.StreamViewTypeKeysOnly))
	arn := e.streamARN(t, "things")
	for i := range 5 {
		e.put(t, "things", item{"pk": s(strconv.Itoa(i))})
	}
	d, err := e.streams.DescribeStream(t.Context(), &dynamodbstreams.DescribeStreamInput{StreamArn: &arn})
	if err != nil {
		t.Fatal(err)
	}
	if d.StreamDescription.StreamStatus != streamtypes.StreamStatusEnabled || *d.StreamDescription.TableName != "things" ||
		len(d.StreamDescription.KeySchema) != 1 || len(d.StreamDescription.Shards) != 1 {
		t.Fatalf("%+v", d.StreamDescription)
	}
	shard := d.StreamDescription.Shards[0].ShardId
	all := e.shard(t, arn, *shard)
	third := all[2].Dynamodb.SequenceNumber
	for kind, want := range map[streamtypes.ShardIteratorType]string{
		streamtypes.ShardIteratorTypeTrimHorizon:         "01234x",
		streamtypes.ShardIteratorTypeLatest:              "x",
		streamtypes.ShardIteratorTypeAtSequenceNumber:    "234x",
		streamtypes.ShardIteratorTypeAfterSequenceNumber: "34x",
	} {
		in := &dynamodbstreams.GetShardIteratorInput{StreamArn: &arn, ShardId: shard, ShardIteratorType: kind}
		if kind == streamtypes.ShardIteratorTypeAtSequenceNumber || kind == streamtypes.ShardIteratorTypeAfterSequenceNumber {
			in.SequenceNumber = third
		}
		it, err := e.streams.GetShardIterator(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		e.put(t, "things", item{"pk": s("x")})
		got := ""
		for next := it.ShardIterator; len(got) < len(want); {
			out, err := e.streams.GetRecords(t.Context(), &dynamodbstreams.GetRecordsInput{ShardIterator: next, Limit: aws.Int32(2)})
			if err != nil || len(out.Records) == 0 || len(out.Records) > 2 {
				t.Fatal(out, err)
			}
			for _, r := range out.Records {
				got += r.Dynamodb.Keys["pk"].(*streamtypes.AttributeValueMemberS).Value
			}
			next = out.NextShardIterator
		}
		if got[:len(want)] != want {
			t.Errorf("%s: got %q, want %q", kind, got, want)
		}
		if _, err := e.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String("things"), Key: item{"pk": s("x")}}); err != nil {
			t.Fatal(err)
		}
		if kind == streamtypes.ShardIteratorTypeTrimHorizon {
			continue
		}
	}
	in := &dynamodbstreams.GetShardIteratorInput{StreamArn: &arn, ShardId: shard, ShardIteratorType: streamtypes.ShardIteratorTypeAtSequenceNumber}
	_, err = e.streams.GetShardIterator(t.Context(), in)
	wantError(t, err, "ValidationException", "SequenceNumber must be specified when ShardIteratorType is AT_SEQUENCE_NUMBER")
	in.SequenceNumber = aws.String("7")
	_, err = e.streams.GetShardIterator(t.Context(), in)
	wantError(t, err, "ValidationException", "Invalid SequenceNumber: 7")
	in.ShardIteratorType = streamtypes.ShardIteratorTypeLatest
	_, err = e.streams.GetShardIterator(t.Context(), in)
	wantError(t, err, "ValidationException", "SequenceNumber must not be specified when ShardIteratorType is LATEST")
	_, err = e.streams.GetShardIterator(t.Context(), &dynamodbstreams.GetShardIteratorInput{
		StreamArn: &arn, ShardId: aws.String("shardId-none"), ShardIteratorType: streamtypes.ShardIteratorTypeLatest,
	})
	wantError(t, err, "ResourceNotFoundException", "")
}

func TestGetRecordsStopsAtOneMegabyte(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{Shards: 1})
	e.table(t, "things", "", withStream(types.StreamViewTypeNewImage))
	big := make([]byte, 300<<10)
	for i := range 5 {
		e.put(t, "things", item{"pk": s(strconv.Itoa(i)), "b": &types.AttributeValueMemberB{Value: big}})
	}
	arn := e.streamARN(t, "things")
	d, err := e.streams.DescribeStream(t.Context(), &dynamodbstreams.DescribeStreamInput{StreamArn: &arn})
	if err != nil {
		t.Fatal(err)
	}
	it, err := e.streams.GetShardIterator(t.Context(), &dynamodbstreams.GetShardIteratorInput{
		StreamArn: &arn, ShardId: d.StreamDescription.Shards[0].ShardId, ShardIteratorType: streamtypes.ShardIteratorTypeTrimHorizon,
	})
	if err != nil {
		t.Fatal(err)
	}
	var counts []int
	for next := it.ShardIterator; len(counts) < 3; {
		out, err := e.streams.GetRecords(t.Context(), &dynamodbstreams.GetRecordsInput{ShardIterator: next})
		if err != nil {
			t.Fatal(err)
		}
		counts = append(counts, len(out.Records))
		next = out.NextShardIterator
	}
	if !slices.Equal(counts, []int{3, 2, 0}) {
		t.Fatal(counts)
	}
}

// TestRetention moves the clock: records go after 24 hours, iterators after 15
// minutes.
func TestRetention(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := start(t, embedded.Options{Shards: 1})
		e.table(t, "things", "", withStream(types.StreamViewTypeKeysOnly))
		arn := e.streamARN(t, "things")
		e.put(t, "things", item{"pk": s("old")})
		first := e.records(t, "things")[0].Dynamodb.SequenceNumber
		d, err := e.streams.DescribeStream(t.Context(), &dynamodbstreams.DescribeStreamInput{StreamArn: &arn})
		if err != nil {
			t.Fatal(err)
		}
		shard := d.StreamDescription.Shards[0].ShardId
		horizon := func(kind streamtypes.ShardIteratorType, seq *string) (*string, error) {
			it, err := e.streams.GetShardIterator(t.Context(), &dynamodbstreams.GetShardIteratorInput{
				StreamArn: &arn, ShardId: shard, ShardIteratorType: kind, SequenceNumber: seq,
			})
			if err != nil {
				return nil, err
			}
			return it.ShardIterator, nil
		}
		it, err := horizon(streamtypes.ShardIteratorTypeTrimHorizon, nil)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(14 * time.Minute)
		if _, err := e.streams.GetRecords(t.Context(), &dynamodbstreams.GetRecordsInput{ShardIterator: it}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		_, err = e.streams.GetRecords(t.Context(), &dynamodbstreams.GetRecordsInput{ShardIterator: it})
		wantError(t, err, "ExpiredIteratorException", "")
		time.Sleep(23*time.Hour + 40*time.Minute)
		if it, err = horizon(streamtypes.ShardIteratorTypeAtSequenceNumber, first); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Minute)
		e.put(t, "things", item{"pk": s("new")})
		_, err = e.streams.GetRecords(t.Context(), &dynamodbstreams.GetRecordsInput{ShardIterator: it})
		wantError(t, err, "TrimmedDataAccessException", "")
		_, err = horizon(streamtypes.ShardIteratorTypeAtSequenceNumber, first)
		wantError(t, err, "TrimmedDataAccessException", "")
		if got := e.records(t, "things"); len(got) != 1 || *got[0].Dynamodb.SequenceNumber <= *first {
			t.Fatalf("%d records", len(got))
		}
	})
}

func TestDisabledStreamStaysReadableForADay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		e := start(t, embedded.Options{Dir: dir})
		e.table(t, "things", "", withStream(types.StreamViewTypeKeysOnly))
		first := e.streamARN(t, "things")
		e.put(t, "things", item{"pk": s("a")})
		e.setStream(t, "things", "")
		e.put(t, "things", item{"pk": s("b")})
		d := e.describe(t, "things")
		if d.StreamSpecification != nil || *d.LatestStreamArn != first {
			t.Fatalf("%+v %s", d.StreamSpecification, *d.LatestStreamArn)
		}
		e = e.reopen(t, embedded.Options{Dir: dir})
		time.Sleep(time.Hour)
		e.setStream(t, "things", types.StreamViewTypeNewImage)
		second := e.streamARN(t, "things")
		e.put(t, "things", item{"pk": s("c")})
		if second == first || len(e.allOf(t, first)) != 1 || len(e.allOf(t, second)) != 1 {
			t.Fatal(first, second)
		}
		e.closedShard(t, first)
		if got := e.listStreams(t, "things"); !slices.Equal(got, []string{first, second}) {
			t.Fatal(got)
		}
		if _, err := e.DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: aws.String("things")}); err != nil {
			t.Fatal(err)
		}
		if len(e.allOf(t, second)) != 1 {
			t.Fatal("the stream of a deleted table is gone")
		}
		time.Sleep(23*time.Hour + time.Minute)
		if got := e.listStreams(t, "things"); !slices.Equal(got, []string{second}) {
			t.Fatal(got)
		}
		_, err := e.streams.DescribeStream(t.Context(), &dynamodbstreams.DescribeStreamInput{StreamArn: &first})
		wantError(t, err, "ResourceNotFoundException", "Requested resource not found: Stream: "+first+" not found")
	})
}

func (e *engine) allOf(t testing.TB, arn string) []streamtypes.Record {
	t.Helper()
	return slices.Concat(e.shardRecords(t, arn)...)
}

func (e *engine) setStream(t testing.TB, table string, view types.StreamViewType) {
	t.Helper()
	spec := &types.StreamSpecification{StreamEnabled: aws.Bool(view != "")}
	if view != "" {
		spec.StreamViewType = view
	}
	if _, err := e.UpdateTable(t.Context(), &dynamodb.UpdateTableInput{TableName: &table, StreamSpecification: spec}); err != nil {
		t.Fatal(err)
	}
}

func (e *engine) listStreams(t testing.TB, table string) []string {
	t.Helper()
	var arns []string
	var after *string
	for {
		out, err := e.streams.ListStreams(t.Context(), &dynamodbstreams.ListStreamsInput{TableName: &table, Limit: aws.Int32(1), ExclusiveStartStreamArn: after})
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range out.Streams {
			arns = append(arns, *one.StreamArn)
		}
		if after = out.LastEvaluatedStreamArn; after == nil {
			return arns
		}
	}
}

// closedShard checks that the shards of a disabled stream end.
func (e *engine) closedShard(t testing.TB, arn string) {
	t.Helper()
	seen := 0
	var after *string
	for {
		d, err := e.streams.DescribeStream(t.Context(), &dynamodbstreams.DescribeStreamInput{StreamArn: &arn, Limit: aws.Int32(3), ExclusiveStartShardId: after})
		if err != nil {
			t.Fatal(err)
		}
		if d.StreamDescription.StreamStatus != streamtypes.StreamStatusDisabled {
			t.Fatal(d.StreamDescription.StreamStatus)
		}
		for _, sh := range d.StreamDescription.Shards {
			seen++
			it, err := e.streams.GetShardIterator(t.Context(), &dynamodbstreams.GetShardIteratorInput{
				StreamArn: &arn, ShardId: sh.ShardId, ShardIteratorType: streamtypes.ShardIteratorTypeTrimHorizon,
			})
			if err != nil {
				t.Fatal(err)
			}
			out, err := e.streams.GetRecords(t.Context(), &dynamodbstreams.GetRecordsInput{ShardIterator: it.ShardIterator})
			if err != nil || out.NextShardIterator != nil || sh.SequenceNumberRange.EndingSequenceNumber == nil {
				t.Fatal(out, err, sh.SequenceNumberRange)
			}
		}
		if after = d.StreamDescription.LastEvaluatedShardId; after == nil {
			break
		}
	}
	if seen != 4 {
		t.Fatalf("%d shards", seen)
	}
}

func TestStreamActivityWakesConsumers(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{Shards: 4})
	e.table(t, "things", "", withStream(types.StreamViewTypeKeysOnly))
	e.table(t, "other", "", withStream(types.StreamViewTypeKeysOnly))
	arn := e.streamARN(t, "things")
	d, err := e.streams.DescribeStream(t.Context(), &dynamodbstreams.DescribeStreamInput{StreamArn: &arn})
	if err != nil {
		t.Fatal(err)
	}
	var shards []string
	wait := func() (woken []<-chan struct{}) {
		for _, shard := range shards {
			woken = append(woken, e.db.StreamActivity("things", shard))
		}
		return woken
	}
	for _, sh := range d.StreamDescription.Shards {
		shards = append(shards, *sh.ShardId)
	}
	waiting := wait()
	woken := func() (which []string) {
		for i, ch := range waiting {
			select {
			case <-ch:
				which = append(which, shards[i])
			default:
			}
		}
		return which
	}
	if e.put(t, "other", item{"pk": s("a")}); woken() != nil {
		t.Fatal("woken by another table")
	}
	e.put(t, "things", item{"pk": s("a")})
	which := woken()
	if len(which) != 1 || len(e.shard(t, arn, which[0])) != 1 {
		t.Errorf("a record in one shard woke %v", which)
	}
	waiting = wait()
	if e.put(t, "things", item{"pk": s("a")}); woken() != nil { // changes nothing
		t.Fatal("woken by nothing")
	}
	if err := e.db.Close(); err != nil {
		t.Fatal(err)
	}
	if len(woken()) != len(shards) {
		t.Error("not all shards are woken by the end")
	}
	<-e.db.StreamActivity("things", shards[0])
}

// TestStreamIsBounded keeps the memory of a stream's records within
// Options.StreamBytes by trimming the oldest early.
func TestStreamIsBounded(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{Shards: 1, StreamBytes: 200 << 10})
	e.table(t, "things", "", withStream(types.StreamViewTypeNewAndOldImages))
	for i := range 3000 {
		e.put(t, "things", item{"pk": s("a"), "n": n(strconv.Itoa(i)), "data": s("0123456789012345678901234567890123456789")})
	}
	got := e.records(t, "things")
	if len(got) < 500 || len(got) > 2500 {
		t.Fatalf("%d records", len(got))
	}
	if last := got[len(got)-1].Dynamodb; imageValue(last.NewImage["n"]) != "2999" || imageValue(last.OldImage["n"]) != "2998" {
		t.Fatal(image(last.NewImage), image(last.OldImage))
	}
}

func TestTimeToLive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		e := start(t, embedded.Options{Dir: dir})
		e.table(t, "things", "", withStream(types.StreamViewTypeNewAndOldImages), withIndex("by-owner", "owner", "", projectAll))
		at := func(d time.Duration) types.AttributeValue { return n(strconv.FormatInt(time.Now().Add(d).Unix(), 10)) }
		e.put(t, "things", item{"pk": s("before"), "owner": s("ann"), "exp": at(time.Minute)})
		e.setTTL(t, true)
		e.put(t, "things", item{"pk": s("soon"), "owner": s("ann"), "exp": at(time.Minute)})
		e.put(t, "things", item{"pk": s("moved"), "owner": s("ann"), "exp": at(time.Minute)})
		e.put(t, "things", item{"pk": s("moved"), "owner": s("ann"), "exp": at(time.Hour)})
		e.put(t, "things", item{"pk": s("never"), "owner": s("ann")})
		e.put(t, "things", item{"pk": s("text"), "exp": s("1")})
		e.put(t, "things", item{"pk": s("ancient"), "exp": at(-6 * 365 * 24 * time.Hour)})
		e = e.reopen(t, embedded.Options{Dir: dir})
		time.Sleep(time.Minute + 3*time.Second)
		synctest.Wait()
		var left []string
		for _, it := range e.scanAll(t, "things", "") {
			left = append(left, value(it["pk"]))
		}
		slices.Sort(left)
		if !slices.Equal(left, []string{`"ancient"`, `"moved"`, `"never"`, `"text"`}) || len(e.scanAll(t, "things", "by-owner")) != 2 {
			t.Fatal(left)
		}
		removed := 0
		for _, r := range e.records(t, "things") {
			if r.EventName == streamtypes.OperationTypeRemove {
				removed++
				if u := r.UserIdentity; u == nil || *u.PrincipalId != "dynamodb.amazonaws.com" || *u.Type != "Service" {
					t.Errorf("%+v", u)
				}
			} else if r.UserIdentity != nil {
				t.Errorf("%+v", r.UserIdentity)
			}
		}
		if removed != 2 {
			t.Fatalf("%d records of removals", removed)
		}
		e.setTTL(t, false)
		time.Sleep(2 * time.Hour)
		if got := len(e.scanAll(t, "things", "")); got != 4 {
			t.Fatalf("%d items", got)
		}
	})
}

func (e *engine) setTTL(t testing.TB, on bool) {
	t.Helper()
	if _, err := e.UpdateTimeToLive(t.Context(), &dynamodb.UpdateTimeToLiveInput{
		TableName:               aws.String("things"),
		TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String("exp"), Enabled: &on},
	}); err != nil {
		t.Fatal(err)
	}
	out, err := e.DescribeTimeToLive(t.Context(), &dynamodb.DescribeTimeToLiveInput{TableName: aws.String("things")})
	if err != nil || (out.TimeToLiveDescription.TimeToLiveStatus == types.TimeToLiveStatusEnabled) != on {
		t.Fatal(out, err)
	}
}
