package changes

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/aws/smithy-go"

	"daybook/dynamo"
	"daybook/events"
)

// Follower follows a change stream. It is for one goroutine, and for one Follow.
type Follower struct {
	client *dynamodbstreams.Client
	arn    string
	Options

	listed bool // shards were listed before
	oldest bool // the database can't begin at a time, so begin with the oldest
	shards map[string]*shard
}

// shard is one shard of a change stream.
type shard struct {
	parent   string
	iterator *string
	after    string // sequence number of the last record; "" for none
	latest   bool   // begin behind the newest record
	ended    bool
}

// listEvery is how often new shards are looked for; on AWS one lives for about
// four hours.
const listEvery = 10 * time.Second

// Options say what to follow.
type Options struct {
	// Since begins with records of this time; zero begins behind the newest. Where the
	// database can't begin at a time, older ones come too.
	Since time.Time
	// Poll is the pause after nothing was found.
	Poll time.Duration
	// Warn is told what could not be read and was left out.
	Warn func(error)
}

// New returns a follower of the change stream of that ARN. It sends nothing.
func New(client *dynamodbstreams.Client, arn string, o Options) *Follower {
	return &Follower{client: client, arn: arn, Options: o, shards: map[string]*shard{}}
}

// Follow hands commits to each, with the time when they were stored, until it says no,
// ctx ends or reading fails. Commits of a stream may come out of order, and twice.
func (f *Follower) Follow(ctx context.Context, each func(c *events.Commit, stored time.Time) bool) error {
	nextList := time.Time{}
	for {
		if now := time.Now(); now.After(nextList) {
			if err := f.list(ctx); err != nil {
				return err
			}
			nextList = now.Add(listEvery)
		}
		idle := true
		for id, sh := range f.shards {
			if p := f.shards[sh.parent]; sh.ended || p != nil && !p.ended {
				continue
			}
			n, more, err := f.read(ctx, id, sh, each)
			if err != nil || !more {
				return err
			}
			if sh.ended {
				nextList = time.Time{}
			}
			idle = idle && n == 0
		}
		if idle {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(f.Poll):
			}
		}
	}
}

// list takes in shards that are new and drops those that are gone. When only new
// records are wanted, those of the first list are begun behind their newest.
func (f *Follower) list(ctx context.Context) error {
	there := map[string]bool{}
	var from *string
	for {
		out, err := f.client.DescribeStream(ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: &f.arn, ExclusiveStartShardId: from})
		if err != nil {
			return fmt.Errorf("the change stream can't be read: %w", err)
		}
		for _, s := range out.StreamDescription.Shards {
			id := aws.ToString(s.ShardId)
			there[id] = true
			if f.shards[id] != nil {
				continue
			}
			sh := &shard{parent: aws.ToString(s.ParentShardId), latest: f.Since.IsZero() && !f.listed}
			sh.ended = sh.latest && s.SequenceNumberRange != nil && s.SequenceNumberRange.EndingSequenceNumber != nil
			f.shards[id] = sh
		}
		if from = out.StreamDescription.LastEvaluatedShardId; from == nil {
			break
		}
	}
	for id := range f.shards {
		if !there[id] {
			delete(f.shards, id)
		}
	}
	f.listed = true
	return nil
}

// begin gets an iterator where reading goes on.
func (f *Follower) begin(ctx context.Context, id string, sh *shard) error {
	in := &dynamodbstreams.GetShardIteratorInput{StreamArn: &f.arn, ShardId: &id, ShardIteratorType: streamtypes.ShardIteratorTypeTrimHorizon}
	switch {
	case sh.after != "":
		in.ShardIteratorType, in.SequenceNumber = streamtypes.ShardIteratorTypeAfterSequenceNumber, &sh.after
	case sh.latest:
		in.ShardIteratorType = streamtypes.ShardIteratorTypeLatest
	case !f.Since.IsZero() && !f.oldest: // records tell their time to the second
		in.ShardIteratorType, in.Timestamp = streamtypes.ShardIteratorTypeAtTimestamp, aws.Time(f.Since.Truncate(time.Second))
	}
	out, err := f.client.GetShardIterator(ctx, in)
	if e, ok := errors.AsType[smithy.APIError](err); ok && in.Timestamp != nil && e.ErrorCode() == "ValidationException" {
		f.oldest = true // emulators know no such type yet; a filter drops what is older
		return f.begin(ctx, id, sh)
	}
	if err == nil {
		sh.iterator = out.ShardIterator
	}
	return err
}

// read reads once from a shard.
func (f *Follower) read(ctx context.Context, id string, sh *shard, each func(c *events.Commit, stored time.Time) bool) (n int, more bool, err error) {
	if sh.iterator == nil {
		if err := f.begin(ctx, id, sh); err != nil {
			return 0, true, f.lost(sh, err)
		}
	}
	out, err := f.client.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: sh.iterator})
	if err != nil {
		return 0, true, f.lost(sh, err)
	}
	for _, r := range out.Records {
		if r.Dynamodb == nil {
			continue
		}
		sh.after = aws.ToString(r.Dynamodb.SequenceNumber)
		if r.EventName != streamtypes.OperationTypeInsert {
			continue
		}
		commit, err := commitOf(r.Dynamodb.NewImage)
		if err != nil {
			f.Warn(fmt.Errorf("a record was left out: %w", err))
			continue
		}
		stored := commit.Time // an import keeps the time, and was stored later
		if r.Dynamodb.ApproximateCreationDateTime != nil {
			stored = *r.Dynamodb.ApproximateCreationDateTime
		}
		if !each(&commit, stored) {
			return len(out.Records), false, nil
		}
	}
	sh.iterator, sh.ended = out.NextShardIterator, out.NextShardIterator == nil
	return len(out.Records), true, nil
}

// lost decides about an error of reading: an iterator that has expired is taken
// anew, and what is gone is passed over.
func (f *Follower) lost(sh *shard, err error) error {
	if _, ok := errors.AsType[*streamtypes.ExpiredIteratorException](err); ok {
		sh.iterator = nil
		return nil
	}
	if _, ok := errors.AsType[*streamtypes.TrimmedDataAccessException](err); ok {
		sh.iterator, sh.after, sh.latest = nil, "", false
		f.Warn(errors.New("older records of the change stream are gone: it keeps 24 hours"))
		return nil
	}
	if _, ok := errors.AsType[*streamtypes.ResourceNotFoundException](err); ok {
		sh.ended = true
		return nil
	}
	return fmt.Errorf("the change stream can't be read: %w", err)
}

// commitOf reads the commit that a record of the change stream carries. The
// SDK has the values of both services twice; commits hold strings, numbers and
// bytes only.
func commitOf(image map[string]streamtypes.AttributeValue) (events.Commit, error) {
	item := make(map[string]types.AttributeValue, len(image))
	for name, v := range image {
		switch v := v.(type) {
		case *streamtypes.AttributeValueMemberS:
			item[name] = &types.AttributeValueMemberS{Value: v.Value}
		case *streamtypes.AttributeValueMemberN:
			item[name] = &types.AttributeValueMemberN{Value: v.Value}
		case *streamtypes.AttributeValueMemberB:
			item[name] = &types.AttributeValueMemberB{Value: v.Value}
		default:
			return events.Commit{}, fmt.Errorf("attribute %s is neither text, number nor bytes", name)
		}
	}
	return dynamo.DecodeCommit(item)
}
