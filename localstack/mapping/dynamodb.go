package mapping

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/schemas"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"

	"daybook/internal/signedhttp"
)

// NewSource returns the stream of the given ARN, read through client. region is
// what the records' awsRegion says when the endpoint doesn't. An idle shard is read
// all the time, so GetRecords is sent without the SDK's middleware, with the
// settings of client.
func NewSource(client *dynamodbstreams.Client, streamARN, region string) Source {
	o := client.Options()
	s := &dynamoDBSource{client: client, arn: streamARN, region: region}
	transport, timeout := signedhttp.TransportOf(o.HTTPClient)
	s.sender = signedhttp.New(signedhttp.Options{
		Locate: locate(o), Credentials: o.Credentials, Transport: transport, Timeout: timeout, Retryer: o.Retryer,
		UserAgent: func() string { return signedhttp.UserAgent("dynamodbstreams", o.AppID) },
	})
	return s
}

// locate resolves the endpoint of client's options, once.
func locate(o dynamodbstreams.Options) func(context.Context, *aws.Credentials) (*signedhttp.Target, error) {
	target := sync.OnceValues(func() (*signedhttp.Target, error) {
		p := dynamodbstreams.EndpointParameters{Endpoint: o.BaseEndpoint}
		if o.Region != "" {
			p.Region = &o.Region
		}
		found, err := o.EndpointResolverV2.ResolveEndpoint(context.Background(), p)
		if err != nil {
			return nil, fmt.Errorf("where the stream is: %w", err)
		}
		found.URI.Path = smithyhttp.JoinPath(found.URI.Path, "/")
		return &signedhttp.Target{URL: &found.URI, Header: found.Headers, Region: o.Region, Service: "dynamodb"}, nil
	})
	return func(context.Context, *aws.Credentials) (*signedhttp.Target, error) { return target() }
}

type dynamoDBSource struct {
	client      *dynamodbstreams.Client
	sender      *signedhttp.Client
	arn, region string
}

func (s *dynamoDBSource) Shards(ctx context.Context) ([]Shard, error) {
	var shards []Shard
	var from *string
	for {
		out, err := s.client.DescribeStream(ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: &s.arn, ExclusiveStartShardId: from})
		if err != nil {
			return nil, fmt.Errorf("describe stream: %w", err)
		}
		if out.StreamDescription == nil {
			return nil, errors.New("describe stream: the answer holds no description")
		}
		for _, shard := range out.StreamDescription.Shards {
			shards = append(shards, Shard{ID: aws.ToString(shard.ShardId), Parent: aws.ToString(shard.ParentShardId)})
		}
		if from = out.StreamDescription.LastEvaluatedShardId; from == nil {
			return shards, nil
		}
	}
}

func (s *dynamoDBSource) Iterator(ctx context.Context, shard, after string) (string, error) {
	in := &dynamodbstreams.GetShardIteratorInput{StreamArn: &s.arn, ShardId: &shard, ShardIteratorType: types.ShardIteratorTypeTrimHorizon}
	if after != "" {
		in.ShardIteratorType, in.SequenceNumber = types.ShardIteratorTypeAfterSequenceNumber, &after
	}
	out, err := s.client.GetShardIterator(ctx, in)
	if err != nil {
		if api, ok := errors.AsType[smithy.APIError](err); ok && after != "" && api.ErrorCode() == "ValidationException" {
			return "", fmt.Errorf("%w: %w", ErrTrimmed, err)
		}
		return "", classify("get shard iterator", err)
	}
	return aws.ToString(out.ShardIterator), nil
}

// The headers of GetRecords.
var (
	jsonType   = []string{"application/x-amz-json-1.0"}
	getRecords = []string{"DynamoDBStreams_20120810.GetRecords"}
)

func (s *dynamoDBSource) Records(ctx context.Context, iterator string, limit int) (Page, error) {
	body, err := json.Marshal(struct {
		ShardIterator string
		Limit         int
	}{iterator, limit})
	if err != nil {
		return Page{}, fmt.Errorf("get records: %w", err)
	}
	var page Page
	err = s.sender.Do(ctx, &signedhttp.Call{
		ContentType: jsonType, Operation: getRecords, Body: body,
		Read: func(ctx context.Context, response *http.Response, answer []byte) error {
			if response.StatusCode != http.StatusOK {
				return refusal(ctx, response, answer)
			}
			page, err = s.page(answer)
			return err
		},
	})
	if err != nil {
		return Page{}, classify("get records", err)
	}
	return page, nil
}

// refusal is the SDK's error of an answer.
func refusal(ctx context.Context, response *http.Response, answer []byte) error {
	whole := *response
	whole.Body = io.NopCloser(bytes.NewReader(answer))
	return awsjson.New10(schemas.DynamoDBStreams_20120810).DeserializeResponse(ctx,
		smithy.NewOperationSchema(schemas.GetRecords, schemas.GetRecordsInput, schemas.GetRecordsOutput),
		dynamodbstreams.TypeRegistry, &smithyhttp.Response{Response: &whole}, &dynamodbstreams.GetRecordsOutput{})
}

// classify names the errors that a worker acts on.
func classify(what string, err error) error {
	kind := error(nil)
	if _, ok := errors.AsType[*types.ExpiredIteratorException](err); ok {
		kind = ErrExpired
	}
	if _, ok := errors.AsType[*types.TrimmedDataAccessException](err); ok {
		kind = ErrTrimmed
	}
	if _, ok := errors.AsType[*types.ResourceNotFoundException](err); ok {
		kind = ErrGone
	}
	if kind != nil {
		return fmt.Errorf("%s: %w: %w", what, kind, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// page reads an answer of GetRecords.
func (s *dynamoDBSource) page(answer []byte) (Page, error) {
	var got struct {
		Records []streamRecord
		Next    string `json:"NextShardIterator"`
	}
	// What the service says twice is its own fault, and a check for it a third of the time.
	if err := json.Unmarshal(answer, &got, jsontext.AllowDuplicateNames(true)); err != nil {
		return Page{}, &smithy.DeserializationError{Err: err}
	}
	page := Page{Next: got.Next, Records: make([]Record, 0, len(got.Records))}
	for i := range got.Records {
		record, err := s.record(&got.Records[i])
		if err != nil {
			return Page{}, err
		}
		page.Records = append(page.Records, record)
	}
	return page, nil
}

// record is r with its place in the event of a function.
func (s *dynamoDBSource) record(r *streamRecord) (Record, error) {
	if r.Change == nil || r.Change.Sequence == "" {
		return Record{}, errors.New("a stream record has no sequence number")
	}
	r.Region = cmp.Or(r.Region, s.region)
	return Record{
		Sequence: r.Change.Sequence, EventName: r.EventName,
		JSON:    r.appendEvent(make([]byte, 0, envelope+len(r.Change.Keys)+len(r.Change.NewImage)+len(r.Change.OldImage)), s.arn),
		Created: time.UnixMilli(int64(math.Round(r.Change.Created * 1000))).UTC(),
	}, nil
}

// envelope is room for what surrounds the items in a record, in bytes.
const envelope = 640
