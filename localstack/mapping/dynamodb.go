package mapping

import (
	"cmp"
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/aws/smithy-go"
)

// NewSource returns the stream of the given ARN, read through client. region is
// what the records' awsRegion says when the endpoint doesn't.
func NewSource(client *dynamodbstreams.Client, streamARN, region string) Source {
	return &dynamoDBSource{client: client, arn: streamARN, region: region}
}

type dynamoDBSource struct {
	client      *dynamodbstreams.Client
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

func (s *dynamoDBSource) Records(ctx context.Context, iterator string, limit int) (Page, error) {
	out, err := s.client.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: &iterator, Limit: aws.Int32(int32(limit))})
	if err != nil {
		return Page{}, classify("get records", err)
	}
	page := Page{Next: aws.ToString(out.NextShardIterator), Records: make([]Record, 0, len(out.Records))}
	for _, r := range out.Records {
		record, err := s.record(r)
		if err != nil {
			return Page{}, err
		}
		page.Records = append(page.Records, record)
	}
	return page, nil
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

// record writes r as it stands in the event of a function.
func (s *dynamoDBSource) record(r types.Record) (Record, error) {
	if r.Dynamodb == nil || r.Dynamodb.SequenceNumber == nil {
		return Record{}, errors.New("a stream record has no sequence number")
	}
	change := r.Dynamodb
	created := aws.ToTime(change.ApproximateCreationDateTime)
	e := streamEvent{
		EventID: aws.ToString(r.EventID), EventName: string(r.EventName), EventVersion: aws.ToString(r.EventVersion),
		EventSource: "aws:dynamodb", Region: cmp.Or(aws.ToString(r.AwsRegion), s.region), SourceARN: s.arn,
	}
	e.Change.Created, e.Change.Sequence = created.Unix(), *change.SequenceNumber
	e.Change.Size, e.Change.ViewType = aws.ToInt64(change.SizeBytes), string(change.StreamViewType)
	e.Change.Keys, e.Change.NewImage, e.Change.OldImage = change.Keys, change.NewImage, change.OldImage
	if i := r.UserIdentity; i != nil {
		e.Identity = &identity{aws.ToString(i.Type), aws.ToString(i.PrincipalId)}
	}
	text, err := json.Marshal(e, json.WithMarshalers(json.MarshalToFunc(writeAttribute)))
	if err != nil {
		return Record{}, fmt.Errorf("stream record %s: %w", *change.SequenceNumber, err)
	}
	return Record{
		Sequence: *change.SequenceNumber, EventName: string(r.EventName), Created: created.Truncate(time.Millisecond),
		JSON: text,
	}, nil
}
