package mapping

import (
	"encoding/json/v2"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	awsevents "github.com/aws/aws-lambda-go/events"
)

// The event reads as Lambda's own Go types read it.
func TestEventFormat(t *testing.T) {
	t.Parallel()
	created := time.Date(2026, 11, 5, 12, 30, 0, 0, time.UTC)
	source := &dynamoDBSource{arn: "arn:aws:dynamodb:eu-west-1:000000000000:table/e/stream/1", region: "eu-west-1"}
	page, err := source.page([]byte(`{"NextShardIterator":"next","Records":[{"awsRegion":"eu-west-1","eventID":"e1","eventName":"INSERT","eventSource":"aws:dynamodb",` +
		`"eventVersion":"1.1","userIdentity":{"Type":"Service","PrincipalId":"dynamodb.amazonaws.com"},"dynamodb":{"ApproximateCreationDateTime":1793881800.0,` +
		`"Keys":{"stream":{"S":"user/ü"}},"NewImage":{"s":{"S":"a\"b"},"n":{"N":"1e-130"},"b":{"B":"AP8="},"t":{"BOOL":true},"z":{"NULL":true},` +
		`"ss":{"SS":["x"]},"ns":{"NS":["7"]},"bs":{"BS":["AQ=="]},"l":{"L":[{"M":{"k":{"S":""}}}]}},` +
		`"SequenceNumber":"100000000000000000001","SizeBytes":77,"StreamViewType":"NEW_IMAGE"}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	r := page.Records[0]
	if page.Next != "next" || len(page.Records) != 1 || r.Sequence != "100000000000000000001" || r.EventName != "INSERT" || !r.Created.Equal(created) {
		t.Errorf("record %+v", r)
	}
	event, _ := encode([]Record{r, r})
	var in awsevents.DynamoDBEvent
	if err := json.Unmarshal(event, &in); err != nil {
		t.Fatal(err)
	}
	if len(in.Records) != 2 {
		t.Fatalf("%d records", len(in.Records))
	}
	got := in.Records[1]
	if got.EventID != "e1" || got.EventName != "INSERT" || got.EventVersion != "1.1" || got.EventSource != "aws:dynamodb" ||
		got.AWSRegion != "eu-west-1" || got.EventSourceArn != source.arn || got.UserIdentity.PrincipalID != "dynamodb.amazonaws.com" {
		t.Errorf("envelope %+v", got)
	}
	change := got.Change
	if change.SequenceNumber != r.Sequence || change.SizeBytes != 77 || change.StreamViewType != "NEW_IMAGE" || !change.ApproximateCreationDateTime.Equal(created) {
		t.Errorf("change %+v", change)
	}
	image := change.NewImage
	if change.Keys["stream"].String() != "user/ü" || image["s"].String() != `a"b` || image["n"].Number() != "1e-130" ||
		string(image["b"].Binary()) != "\x00\xff" || !image["t"].Boolean() || !image["z"].IsNull() || image["ss"].StringSet()[0] != "x" ||
		image["ns"].NumberSet()[0] != "7" || image["bs"].BinarySet()[0][0] != 1 || image["l"].List()[0].Map()["k"].String() != "" {
		t.Errorf("image %v", image)
	}
	if change.OldImage != nil {
		t.Errorf("an old image out of nowhere: %v", change.OldImage)
	}
}

// The file of a discarded batch is what Lambda writes to S3: the place, the
// members, the whole event as a string.
func TestDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := time.Date(2026, 11, 5, 1, 2, 3, 456_000_000, time.FixedZone("east", 3600))
	records := []Record{
		{Sequence: "7", Created: at.Add(-time.Minute), JSON: []byte(`{"a":1}`)},
		{Sequence: "8", Created: at, JSON: []byte(`{"a":2}`)},
	}
	event, _ := encode(records)
	where, err := Directory(dir).Discard(DiscardedBatch{
		Mapping: "projector", FunctionARN: "arn:f", StreamARN: "arn:s", Shard: "shard-1", Condition: RetryAttemptsExhausted,
		Records: records, Invocations: 3, Failed: true, Event: event, Time: at,
	})
	if err != nil {
		t.Fatal(err)
	}
	rel, err := filepath.Rel(dir, where)
	if err != nil || !strings.HasPrefix(filepath.ToSlash(rel), "aws/lambda/projector/shard-1/2026/11/05/2026-11-05T00.02.03-") {
		t.Errorf("written to %s", rel)
	}
	data, err := fs.ReadFile(os.DirFS(dir), filepath.ToSlash(rel))
	if err != nil {
		t.Fatal(err)
	}
	var got invocationRecord
	if err := json.Unmarshal(data, &got, json.RejectUnknownMembers(true)); err != nil {
		t.Fatal(err)
	}
	if got.RequestContext.Condition != "RetryAttemptsExhausted" || got.RequestContext.ApproximateInvokeCount != 3 || got.RequestContext.FunctionARN != "arn:f" ||
		got.RequestContext.RequestID == "" || got.ResponseContext == nil || got.ResponseContext.FunctionError != "Unhandled" ||
		got.Version != "1.0" || got.Timestamp != "2026-11-05T00:02:03.456Z" {
		t.Errorf("record %+v", got)
	}
	want := batchInfo{ShardID: "shard-1", StartSequence: "7", EndSequence: "8", FirstArrival: "2026-11-05T00:01:03Z",
		LastArrival: "2026-11-05T00:02:03Z", BatchSize: 2, StreamARN: "arn:s"}
	if got.Batch != want {
		t.Errorf("batch %+v, want %+v", got.Batch, want)
	}
	if got.Payload != `{"Records":[{"a":1},{"a":2}]}` {
		t.Errorf("payload %s", got.Payload)
	}
}

// BenchmarkPage is the way of 100 records of 0.5 KB from GetRecords' answer to an event.
func BenchmarkPage(b *testing.B) {
	source := &dynamoDBSource{arn: "arn:aws:dynamodb:eu-west-1:000000000000:table/e/stream/1", region: "eu-west-1"}
	const record = `{"eventID":"0000000100000002000000000000000a","eventName":"INSERT","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"eu-west-1",` +
		`"dynamodb":{"ApproximateCreationDateTime":1793881800,"Keys":{"stream":{"S":"user/7"},"commit":{"N":"12"}},` +
		`"NewImage":{"stream":{"S":"user/7"},"commit":{"N":"12"},"i":{"S":"0b5c7b2e-7c4e-4a55-9a43-1f4e5d0c7a01"},"v":{"N":"12"},"t":{"N":"1793881800123"},` +
		`"a":{"S":"local"},"e":{"S":"[{\"n\":\"user-renamed\",\"s\":1,\"d\":{\"name\":\"a name of some length\",\"email\":\"someone@example.com\"}}]"}},` +
		`"SequenceNumber":"100000000000000000001","SizeBytes":377,"StreamViewType":"NEW_IMAGE"}}`
	const n = 100
	answer := []byte(`{"Records":[` + strings.Repeat(record+",", n-1) + record + `],"NextShardIterator":"next"}`)
	b.ReportAllocs()
	for b.Loop() {
		page, err := source.page(answer)
		if err != nil || len(page.Records) != n {
			b.Fatal(len(page.Records), err)
		}
		encode(page.Records)
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/n, "µs/record")
}
