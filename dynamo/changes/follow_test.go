package changes

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"daybook/localstack/embedded"
)

// TestFollowBeginsAtATime: records from before Since are not read at all; from a
// database that can't begin at a time they are read, and left to the filter.
func TestFollowBeginsAtATime(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	db, err := embedded.Open(t.Context(), embedded.Options{Shards: 1, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	endpoint, keys := "http://embedded", credentials.NewStaticCredentialsProvider("key", "secret", "")
	tables := dynamodb.New(dynamodb.Options{Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: keys, HTTPClient: &http.Client{Transport: db.RoundTripper()}})
	made, err := tables.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String("things"), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: "S"}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: "HASH"}},
		StreamSpecification:  &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewImage},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		now = now.Add(time.Minute)
		item := map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: fmt.Sprint(i)}}
		if _, err := tables.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("things"), Item: item}); err != nil {
			t.Fatal(err)
		}
	}
	read := func(transport http.RoundTripper) (n int) {
		client := dynamodbstreams.New(dynamodbstreams.Options{Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: keys, HTTPClient: &http.Client{Transport: transport}})
		f := New(client, *made.TableDescription.LatestStreamArn, Options{Since: now.Add(-90 * time.Second), Warn: func(error) {}})
		if err := f.list(t.Context()); err != nil {
			t.Fatal(err)
		}
		for id, sh := range f.shards {
			got, _, err := f.read(t.Context(), id, sh, nil)
			if err != nil {
				t.Fatal(err)
			}
			n += got
		}
		return n
	}
	if n := read(db.RoundTripper()); n != 2 {
		t.Errorf("%d of 5 records were read for the last 2", n)
	}
	if n := read(withoutTimestamp{db.RoundTripper()}); n != 5 {
		t.Errorf("%d of 5 records were read where a time can't be asked for", n)
	}
}

// withoutTimestamp is a database from before AT_TIMESTAMP.
type withoutTimestamp struct{ http.RoundTripper }

func (w withoutTimestamp) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(bytes.ReplaceAll(body, []byte("AT_TIMESTAMP"), []byte("AT_ANY_TIME"))))
	return w.RoundTripper.RoundTrip(r)
}
