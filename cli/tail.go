package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/aws/smithy-go"
	"github.com/urfave/cli/v3"

	"daybook/events"
	"daybook/inspect"
)

func tailCommand(a *app) *cli.Command {
	return &cli.Command{
		Name:  "tail",
		Usage: "show events as they are stored",
		Description: "Follows the change stream of the events table, which goes back 24 hours. Events of one\n" +
			"stream may come out of order, as the change stream has them. Ctrl-C ends it.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "since", Usage: "begin with events stored since `TIME`: 10m, or 2006-01-02T15:04:05Z"},
			&cli.StringSliceFlag{Name: "aggregate", Usage: "only events of aggregate `NAME`; may be repeated"},
			&cli.StringSliceFlag{Name: "event", Usage: "only events named `NAME`; may be repeated"},
			&cli.StringSliceFlag{Name: "actor", Usage: "only events that `ACTOR` set off; may be repeated"},
			&cli.StringFlag{Name: "stream", Usage: "only events of `AGGREGATE/ID`"},
			&cli.IntFlag{Name: "count", Usage: "stop after `N` events"},
			&cli.DurationFlag{Name: "for", Usage: "stop after `DURATION`"},
			&cli.DurationFlag{Name: "poll", Value: 300 * time.Millisecond, Usage: "look for more every `DURATION`"},
		},
		Action: func(ctx context.Context, c *cli.Command) error { return a.tail(ctx, c) },
	}
}

// minPoll is the shortest pause of a reader that found nothing. DynamoDB answers
// five reads of a shard in a second, all readers together.
const minPoll = 5 * time.Millisecond

func (a *app) tail(ctx context.Context, c *cli.Command) error {
	if c.Args().Present() {
		return usage("tail takes no argument; see its filters with -help")
	}
	if c.Duration("poll") < minPoll || c.Duration("for") < 0 || c.Int("count") < 0 {
		return usage("-poll is at least %v; -for and -count are not negative", minPoll)
	}
	since, err := parseSince(c.String("since"), time.Now())
	if err != nil {
		return err
	}
	s, err := a.open(ctx, c)
	if err != nil {
		return err
	}
	info, err := s.reachable(ctx)
	if err != nil {
		return err
	}
	if info.Stream == "" {
		return fmt.Errorf("table %s has no change stream", s.eventsTable())
	}
	if d := c.Duration("for"); d > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d)
		defer cancel()
	}
	f := &follower{
		client: s.streamsClient(), arn: info.Stream, since: since, poll: c.Duration("poll"),
		shards: map[string]*shard{}, warn: func(err error) { s.note("%s", line(err)) },
	}
	t := s.out.table("TIME", "STREAM", "VERSION", "EVENT", "ACTOR", "DATA")
	filter := eventFilter{
		aggregates: c.StringSlice("aggregate"), names: c.StringSlice("event"), actors: c.StringSlice("actor"),
		stream: events.Stream(c.String("stream")), since: since,
	}
	left := c.Int("count")
	err = f.follow(ctx, func(commit *events.Commit, stored time.Time) (more bool) {
		for _, l := range inspect.EventsOf(commit) {
			if !filter.takes(&l, stored) {
				continue
			}
			t.row(l, l.Time, l.Stream, l.Version, l.Name, l.Actor, l.Data)
			if left--; left == 0 {
				return false
			}
		}
		t.flush()
		return s.out.err == nil
	})
	t.flush()
	if ctx.Err() != nil {
		err = nil // being stopped is how it ends
	}
	if err == nil {
		err = s.out.err
	}
	return err
}

// parseSince reads a time, or how long ago; "" is now.
func parseSince(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	t, err := parseTime(s)
	if err != nil {
		return t, usage("-since %s: it is a duration such as 10m, or a time such as 2006-01-02T15:04:05Z", s)
	}
	return t, nil
}

// eventFilter says which events to show; an empty list takes all.
type eventFilter struct {
	aggregates, names, actors []string
	stream                    events.Stream
	since                     time.Time // the event was stored; records tell it to the second
}

func (f *eventFilter) takes(l *inspect.StreamEvent, stored time.Time) bool {
	in := func(list []string, s string) bool { return len(list) == 0 || slices.Contains(list, s) }
	return in(f.aggregates, l.Stream.Aggregate()) && in(f.names, l.Name) && in(f.actors, l.Actor) &&
		(f.stream == "" || f.stream == l.Stream) && !stored.Before(f.since.Truncate(time.Second))
}

// follower follows a change stream.
type follower struct {
	client *dynamodbstreams.Client
	arn    string
	since  time.Time // begin with records of this time; zero begins behind the newest
	poll   time.Duration
	warn   func(error)

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

// follow hands commits to each until it says no, ctx ends or reading fails.
func (f *follower) follow(ctx context.Context, each func(c *events.Commit, stored time.Time) bool) error {
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
			case <-time.After(f.poll):
			}
		}
	}
}

// list takes in shards that are new and drops those that are gone. When only new
// records are wanted, those of the first list are begun behind their newest.
func (f *follower) list(ctx context.Context) error {
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
			sh := &shard{parent: aws.ToString(s.ParentShardId), latest: f.since.IsZero() && !f.listed}
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
func (f *follower) begin(ctx context.Context, id string, sh *shard) error {
	in := &dynamodbstreams.GetShardIteratorInput{StreamArn: &f.arn, ShardId: &id, ShardIteratorType: streamtypes.ShardIteratorTypeTrimHorizon}
	switch {
	case sh.after != "":
		in.ShardIteratorType, in.SequenceNumber = streamtypes.ShardIteratorTypeAfterSequenceNumber, &sh.after
	case sh.latest:
		in.ShardIteratorType = streamtypes.ShardIteratorTypeLatest
	case !f.since.IsZero() && !f.oldest: // records tell their time to the second
		in.ShardIteratorType, in.Timestamp = streamtypes.ShardIteratorTypeAtTimestamp, aws.Time(f.since.Truncate(time.Second))
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
func (f *follower) read(ctx context.Context, id string, sh *shard, each func(c *events.Commit, stored time.Time) bool) (n int, more bool, err error) {
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
			f.warn(fmt.Errorf("a record was left out: %w", err))
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
func (f *follower) lost(sh *shard, err error) error {
	if _, ok := errors.AsType[*streamtypes.ExpiredIteratorException](err); ok {
		sh.iterator = nil
		return nil
	}
	if _, ok := errors.AsType[*streamtypes.TrimmedDataAccessException](err); ok {
		sh.iterator, sh.after, sh.latest = nil, "", false
		f.warn(errors.New("older records of the change stream are gone: it keeps 24 hours"))
		return nil
	}
	if _, ok := errors.AsType[*streamtypes.ResourceNotFoundException](err); ok {
		sh.ended = true
		return nil
	}
	return fmt.Errorf("the change stream can't be read: %w", err)
}
