package embedded_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/aws/smithy-go"

	"daybook/localstack/embedded"
)

// engine is a database with SDK clients that reach it in memory.
type engine struct {
	*dynamodb.Client
	db      *embedded.DB
	streams *dynamodbstreams.Client
}

// start opens a database for one test.
func start(t testing.TB, opts embedded.Options) *engine {
	t.Helper()
	e, err := tryStart(t, opts)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func tryStart(t testing.TB, opts embedded.Options) (*engine, error) {
	t.Helper()
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	db, err := embedded.Open(t.Context(), opts)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return clients(db, db.RoundTripper(), "http://embedded"), nil
}

func clients(db *embedded.DB, transport http.RoundTripper, endpoint string) *engine {
	keys := credentials.NewStaticCredentialsProvider("key", "secret", "")
	client := &http.Client{Transport: transport}
	return &engine{
		db: db,
		Client: dynamodb.New(dynamodb.Options{
			Region: "us-east-1", BaseEndpoint: &endpoint, HTTPClient: client, Credentials: keys, Retryer: aws.NopRetryer{},
		}),
		streams: dynamodbstreams.New(dynamodbstreams.Options{
			Region: "us-east-1", BaseEndpoint: &endpoint, HTTPClient: client, Credentials: keys, Retryer: aws.NopRetryer{},
		}),
	}
}

// tableOption changes a CreateTable request.
type tableOption func(*dynamodb.CreateTableInput)

func withStream(view types.StreamViewType) tableOption {
	return func(in *dynamodb.CreateTableInput) {
		in.StreamSpecification = &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: view}
	}
}

func withIndex(name, hash, sort string, projection types.Projection) tableOption {
	return func(in *dynamodb.CreateTableInput) {
		in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
			IndexName: &name, KeySchema: keySchema(hash, sort), Projection: &projection,
		})
		define(in, hash, types.ScalarAttributeTypeS)
		define(in, sort, types.ScalarAttributeTypeN)
	}
}

var projectAll = types.Projection{ProjectionType: types.ProjectionTypeAll}

func define(in *dynamodb.CreateTableInput, name string, kind types.ScalarAttributeType) {
	for _, a := range in.AttributeDefinitions {
		if *a.AttributeName == name {
			return
		}
	}
	if name != "" {
		in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: &name, AttributeType: kind})
	}
}

func keySchema(hash, sort string) []types.KeySchemaElement {
	s := []types.KeySchemaElement{{AttributeName: &hash, KeyType: types.KeyTypeHash}}
	if sort != "" {
		s = append(s, types.KeySchemaElement{AttributeName: &sort, KeyType: types.KeyTypeRange})
	}
	return s
}

// table makes a table with the partition key pk (S) and, unless sort is "",
// the sort key sk of that type.
func (e *engine) table(t testing.TB, name string, sort types.ScalarAttributeType, options ...tableOption) *dynamodb.CreateTableOutput {
	t.Helper()
	in := &dynamodb.CreateTableInput{TableName: &name, BillingMode: types.BillingModePayPerRequest, KeySchema: keySchema("pk", "")}
	define(in, "pk", types.ScalarAttributeTypeS)
	if sort != "" {
		in.KeySchema = keySchema("pk", "sk")
		define(in, "sk", sort)
	}
	for _, o := range options {
		o(in)
	}
	out, err := e.CreateTable(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

type item = map[string]types.AttributeValue

func s(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }
func n(v string) types.AttributeValue { return &types.AttributeValueMemberN{Value: v} }

func (e *engine) put(t testing.TB, table string, it item) {
	t.Helper()
	if _, err := e.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: it}); err != nil {
		t.Fatal(err)
	}
}

func (e *engine) get(t testing.TB, table string, key item) item {
	t.Helper()
	out, err := e.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &table, Key: key, ConsistentRead: aws.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	return out.Item
}

// records reads all records of a table's latest stream, shard by shard.
func (e *engine) records(t testing.TB, table string) []streamtypes.Record {
	t.Helper()
	var all []streamtypes.Record
	for _, shard := range e.shardRecords(t, e.streamARN(t, table)) {
		all = append(all, shard...)
	}
	return all
}

func (e *engine) streamARN(t testing.TB, table string) string {
	t.Helper()
	out, err := e.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &table})
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.Table.LatestStreamArn)
}

func (e *engine) shardRecords(t testing.TB, arn string) [][]streamtypes.Record {
	t.Helper()
	ctx := t.Context()
	d, err := e.streams.DescribeStream(ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: &arn})
	if err != nil {
		t.Fatal(err)
	}
	var shards [][]streamtypes.Record
	for _, sh := range d.StreamDescription.Shards {
		shards = append(shards, e.shard(t, arn, *sh.ShardId))
	}
	return shards
}

func (e *engine) shard(t testing.TB, arn, shard string) []streamtypes.Record {
	t.Helper()
	ctx := t.Context()
	it, err := e.streams.GetShardIterator(ctx, &dynamodbstreams.GetShardIteratorInput{
		StreamArn: &arn, ShardId: &shard, ShardIteratorType: streamtypes.ShardIteratorTypeTrimHorizon,
	})
	if err != nil {
		t.Fatal(err)
	}
	var records []streamtypes.Record
	for next := it.ShardIterator; next != nil; {
		out, err := e.streams.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: next})
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, out.Records...)
		if next = out.NextShardIterator; len(out.Records) == 0 {
			break
		}
	}
	return records
}

// wantError fails unless err has DynamoDB's code and message.
func wantError(t testing.TB, err error, code, message string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) {
		t.Fatalf("got %v, want %s", err, code)
	}
	if api.ErrorCode() != code || message != "" && api.ErrorMessage() != message {
		t.Fatalf("got %s: %s\nwant %s: %s", api.ErrorCode(), api.ErrorMessage(), code, message)
	}
}

// background is a context that outlives a test's own.
func background() context.Context { return context.Background() }
