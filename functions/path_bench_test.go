package functions_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json/v2"
	"fmt"
	"io"
	"net/http"
	"syscall"
	"testing"
	"time"

	awsevents "github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook"
	"daybook/aggregate"
	"daybook/dynamo"
	"daybook/events"
	"daybook/follow"
	"daybook/functions"
	"daybook/internal/testdomain"
	"daybook/localstack/embedded"
	"daybook/view"
	"daybook/view/driver"
	"daybook/view/projection"
)

// bench is the functions of one view, on an embedded DynamoDB, with the SDK's client
// beside them. It measures processor time, since wall time is noise on a shared
// machine.
type bench struct {
	app    daybook.App
	config functions.Config
	store  *dynamo.EventStore
	sdk    *dynamodb.Client // with nothing of ours
	codec  *events.Codec
}

const (
	benchEvents = "bench-events"
	benchView   = "bench-courses-v1"
)

func newBench(b *testing.B) *bench {
	db, err := embedded.Open(b.Context(), embedded.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	c := functions.Config{
		EventsTable: benchEvents, ClaimsTable: "bench-claims", ViewPrefix: "bench", Region: "eu-west-1", Endpoint: "http://embedded",
		Credentials: dynamo.StaticCredentials("a", "b"), Transport: db.RoundTripper(), LogTo: io.Discard, Metrics: io.Discard,
	}
	client := dynamo.New(dynamo.Options{Region: c.Region, Endpoint: c.Endpoint, Credentials: c.Credentials, Transport: c.Transport})
	err = dynamo.Create(b.Context(), client, "bench", dynamo.EventsTable(), dynamo.ClaimsTable(), dynamo.ControlTable(), dynamo.ViewTable(testdomain.Courses.Describe()))
	if err != nil {
		b.Fatal(err)
	}
	codec, err := aggregate.Codec(testdomain.Aggregates())
	if err != nil {
		b.Fatal(err)
	}
	return &bench{
		app:    daybook.App{Name: "school", Aggregates: testdomain.Aggregates(), Views: []view.View{testdomain.Courses}},
		config: c, store: dynamo.NewEventStore(client, benchEvents), codec: codec,
		sdk: dynamodb.New(dynamodb.Options{
			Region: c.Region, BaseEndpoint: aws.String(c.Endpoint), Credentials: c.Credentials,
			HTTPClient: &http.Client{Transport: db.RoundTripper()},
		}),
	}
}

// batch is a stream event of a hundred new courses, each with its first commit.
func (r *bench) batch(b *testing.B, n int) []byte {
	payload := []byte(`{"Records":[`)
	for i := range 100 {
		id := fmt.Sprintf("p%04d-%03d", n, i)
		e, err := r.codec.Encode("course-added", testdomain.CourseAdded{
			Name: "Course " + id, Area: fmt.Sprint(i % 70), Fee: int64(i), Currency: "EUR", Seats: 5,
		})
		if err != nil {
			b.Fatal(err)
		}
		c, err := r.store.Append(b.Context(), events.Start(events.StreamOf("course", id)), events.Commit{
			ID: fmt.Sprintf("%08d-7c4e-4a55-9a43-1f4e5d0c7a01", i), Time: time.Now(), Events: []events.Event{e}, Commands: []events.Command{{ID: id, Version: 1}},
		})
		if err != nil {
			b.Fatal(err)
		}
		if i > 0 {
			payload = append(payload, ',')
		}
		payload = r.record(b, payload, c.Stream)
	}
	return append(payload, `]}`...)
}

// record adds the record of a stream's first commit as it stands in Lambda's event.
func (r *bench) record(b *testing.B, payload []byte, stream events.Stream) []byte {
	key := map[string]types.AttributeValue{"stream": &types.AttributeValueMemberS{Value: string(stream)}, "commit": &types.AttributeValueMemberN{Value: "1"}}
	out, err := r.sdk.GetItem(b.Context(), &dynamodb.GetItemInput{TableName: aws.String(benchEvents), Key: key})
	if err != nil {
		b.Fatal(err)
	}
	return fmt.Appendf(payload, `{"eventID":"c4ca4238a0b923820dcc509a6f75849b","eventName":"INSERT","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"eu-west-1",`+
		`"dynamodb":{"ApproximateCreationDateTime":1764424800,"Keys":%s,"NewImage":%s,"SequenceNumber":"111","SizeBytes":200,"StreamViewType":"NEW_IMAGE"},`+
		`"eventSourceARN":"arn:aws:dynamodb:eu-west-1:123456789012:table/bench-events/stream/2026-11-29T00:00:00.000"}`, wireItem(b, key), wireItem(b, out.Item))
}

// wireItem is an item in DynamoDB's JSON.
func wireItem(b *testing.B, item map[string]types.AttributeValue) []byte {
	wire := map[string]map[string]string{}
	for name, v := range item {
		switch v := v.(type) {
		case *types.AttributeValueMemberS:
			wire[name] = map[string]string{"S": v.Value}
		case *types.AttributeValueMemberN:
			wire[name] = map[string]string{"N": v.Value}
		case *types.AttributeValueMemberB:
			wire[name] = map[string]string{"B": base64.StdEncoding.EncodeToString(v.Value)}
		default:
			b.Fatalf("an attribute of a commit is a %T", v)
		}
	}
	text, err := json.Marshal(wire)
	if err != nil {
		b.Fatal(err)
	}
	return text
}

// rows are the items of the table of courses.
func (r *bench) rows(b *testing.B) (items []map[string]types.AttributeValue) {
	out, err := r.sdk.Scan(b.Context(), &dynamodb.ScanInput{TableName: aws.String(benchView)})
	if err != nil {
		b.Fatal(err)
	}
	return out.Items
}

// benchUsed is what this process has used of its processors.
func benchUsed(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkProjection compares the projector function, from the event that Lambda
// hands over to the row in its table, with a bare loop of the SDK's PutItem of the
// same rows in the same run: each record starts a stream, so each is a row.
func BenchmarkProjection(b *testing.B) {
	r := newBench(b)
	projector, err := functions.NewProjector(r.app, r.config)
	if err != nil {
		b.Fatal(err)
	}
	projectBatch(b, projector, r.batch(b, 0))
	items := r.rows(b)
	var bare, path time.Duration
	n := 0
	for b.Loop() {
		payload := r.batch(b, n/100+1)
		begin := benchUsed(b)
		for _, item := range items {
			if _, err := r.sdk.PutItem(b.Context(), &dynamodb.PutItemInput{TableName: aws.String(benchView), Item: item}); err != nil {
				b.Fatal(err)
			}
		}
		bare += benchUsed(b) - begin
		begin = benchUsed(b)
		projectBatch(b, projector, payload)
		path += benchUsed(b) - begin
		n += 100
	}
	b.ReportMetric(float64(n)/bare.Seconds(), "puts/cpu-s")
	b.ReportMetric(float64(n)/path.Seconds(), "records/cpu-s")
	b.ReportMetric(bare.Seconds()/path.Seconds(), "projected-ratio")
	b.ReportMetric(0, "ns/op")
}

func projectBatch(b *testing.B, projector functions.Handler, payload []byte) {
	answer, err := projector.Invoke(b.Context(), payload)
	if err != nil || string(answer) != `{"batchItemFailures":[]}` {
		b.Fatal(string(answer), err)
	}
}

// BenchmarkFold compares decoding and folding the same batches, with tables that take
// every write and keep none, with reading the event into the Lambda library's types.
func BenchmarkFold(b *testing.B) {
	r := newBench(b)
	payload := r.batch(b, 0)
	projector, err := projection.New(r.store, r.codec, noTables{}, r.app.Views, nil)
	if err != nil {
		b.Fatal(err)
	}
	var bare, path time.Duration
	n := 0
	for b.Loop() {
		begin := benchUsed(b)
		for range 10 {
			var e awsevents.DynamoDBEvent
			if err := json.Unmarshal(payload, &e); err != nil || len(e.Records) != 100 {
				b.Fatal(err)
			}
		}
		bare += benchUsed(b) - begin
		begin = benchUsed(b)
		for range 10 {
			records, err := dynamo.DecodeStreamEvent(payload)
			if err != nil {
				b.Fatal(err)
			}
			batch := make([]follow.Delivery, len(records))
			for i, r := range records {
				batch[i] = follow.Delivery{Stream: r.Stream, Number: r.Number, Commit: r.Commit, Sequence: r.Sequence, Err: r.Err}
			}
			if report := projector.Project(b.Context(), batch); report.Written != 100 {
				b.Fatal(report)
			}
		}
		path += benchUsed(b) - begin
		n += 1000
	}
	b.ReportMetric(float64(n)/bare.Seconds(), "read/cpu-s")
	b.ReportMetric(float64(n)/path.Seconds(), "records/cpu-s")
	b.ReportMetric(bare.Seconds()/path.Seconds(), "folded-ratio")
	b.ReportMetric(0, "ns/op")
}

// noTables are tables that are always empty.
type noTables struct{}

func (noTables) Table(string, int) driver.Table { return noTable{} }

type noTable struct{}

func (noTable) Get(_ context.Context, keys []string) ([]*driver.Item, error) {
	return make([]*driver.Item, len(keys)), nil
}
func (noTable) Put(context.Context, driver.Write) error        { return nil }
func (noTable) Transact(context.Context, []driver.Write) error { return nil }
func (noTable) Range(context.Context, driver.Range) ([]driver.Item, bool, error) {
	return nil, true, nil
}
func (noTable) Scan(context.Context, int, int, string) ([]driver.ScannedItem, string, error) {
	return nil, "", nil
}

// BenchmarkList compares the query function's answer of fifty rows of an index with the
// SDK's Query of the same rows in the same run.
func BenchmarkList(b *testing.B) {
	r := newBench(b)
	projector, err := functions.NewProjector(r.app, r.config)
	if err != nil {
		b.Fatal(err)
	}
	for n := range 60 {
		projectBatch(b, projector, r.batch(b, n))
	}
	queries, err := functions.NewQuery(r.app, r.config)
	if err != nil {
		b.Fatal(err)
	}
	request := []byte(`{"version":"2.0","rawPath":"/courses","rawQueryString":"area=7&sort=name&limit=50","headers":{"host":"x"},` +
		`"requestContext":{"stage":"$default","requestId":"r","http":{"method":"GET"}}}`)
	var bare, path time.Duration
	for b.Loop() {
		begin := benchUsed(b)
		for range 20 {
			out, err := r.sdk.Query(b.Context(), &dynamodb.QueryInput{
				TableName: aws.String(benchView), IndexName: aws.String("by-name"), Limit: aws.Int32(50), KeyConditionExpression: aws.String("#p = :p"),
				ExpressionAttributeNames:  map[string]string{"#p": "_p-by-name"},
				ExpressionAttributeValues: map[string]types.AttributeValue{":p": &types.AttributeValueMemberS{Value: "=7"}},
			})
			if err != nil || len(out.Items) != 50 {
				b.Fatal(len(out.Items), err)
			}
		}
		bare += benchUsed(b) - begin
		begin = benchUsed(b)
		for range 20 {
			listCourses(b, queries, request)
		}
		path += benchUsed(b) - begin
	}
	b.ReportMetric(bare.Seconds()/path.Seconds(), "list-ratio")
	b.ReportMetric(float64(path.Microseconds())/float64(20*b.N), "µs/list")
	b.ReportMetric(0, "ns/op")
}

func listCourses(b *testing.B, queries functions.Handler, request []byte) {
	out, err := queries.Invoke(b.Context(), request)
	if err != nil || !bytes.Contains(out, []byte(`"statusCode":200`)) {
		b.Fatal(string(out), err)
	}
}
