package dynamo

import (
	"context"
	"math"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/events"
)

// largestPage is the largest number of commits to ask for at once; DynamoDB ends
// a page at 1 MB anyway. Pages grow where no commit says where a fitting snapshot
// is: in streams of older programs, and after the state's schema version was raised.
const (
	largestPage = 6400
	pageGrowth  = 4 // from the third page on
)

// Load implements events.Store with one strongly consistent Query, newest first,
// for as many commits as usually lie between two snapshots. When there is none
// among them, and not the start, the newest commit says how many more to ask for.
func (s *EventStore) Load(ctx context.Context, stream events.Stream, snapshot int) ([]events.Commit, error) {
	if snapshot == 0 {
		return s.query(ctx, stream, 1, math.MaxInt)
	}
	var newest []events.Commit // newest first
	limit := s.pages.first(stream.Aggregate(), events.CommitSizeOf(ctx))
	for pages := 1; ; pages++ {
		page, more, err := s.newest(ctx, stream, newest, limit)
		if err != nil {
			return nil, err
		}
		for _, c := range page {
			newest = append(newest, c)
			if c.Number == 1 || (c.Snapshot != nil && c.Snapshot.Schema == snapshot) {
				more = false
				break
			}
		}
		if !more {
			break
		}
		limit = nextPage(newest, limit, pages)
	}
	for i := range newest {
		s.pages.saw(&newest[i])
	}
	slices.Reverse(newest)
	return newest, checkRun(newest, snapshot)
}

// nextPage returns how many commits to ask for after so many pages that hold
// neither a snapshot that fits nor the start: those down to the last snapshot,
// where the newest commit says so, or down to the start, where it is near.
func nextPage(newest []events.Commit, limit, pages int) int {
	have := int64(len(newest))
	if rest := newest[0].SnapshotDistance + 1 - have; rest > 0 {
		return int(min(rest, largestPage))
	}
	if rest := newest[0].Number - have; rest <= maxFirstPage {
		return int(rest)
	}
	if pages == 1 {
		return maxFirstPage
	}
	return min(max(limit, maxFirstPage)*pageGrowth, largestPage)
}

// newest returns up to limit commits, newest first, older than those in hand.
func (s *EventStore) newest(ctx context.Context, stream events.Stream, have []events.Commit, limit int) (page []events.Commit, more bool, err error) {
	in := &dynamodb.QueryInput{
		TableName:                 &s.table,
		KeyConditionExpression:    ptr("#s = :s"),
		ExpressionAttributeNames:  map[string]string{"#s": attrStream},
		ExpressionAttributeValues: map[string]types.AttributeValue{":s": &types.AttributeValueMemberS{Value: string(stream)}},
		ConsistentRead:            ptr(true),
		ScanIndexForward:          ptr(false),
		Limit:                     ptr(int32(limit)),
	}
	if len(have) > 0 {
		in.ExclusiveStartKey = commitKey(stream, have[len(have)-1].Number)
	}
	out, err := s.client.Query(ctx, in)
	if err != nil {
		return nil, false, translate(ctx, err)
	}
	page, err = decodeCommits(out.Items)
	return page, len(out.LastEvaluatedKey) > 0, err
}

// checkRun reports a stream with a gap: commits follow one another, and the
// first is number 1 or carries the snapshot.
func checkRun(cs []events.Commit, snapshot int) error {
	for i := range cs {
		c := &cs[i]
		whole := i > 0 && c.Number == cs[i-1].Number+1
		begins := i == 0 && (c.Number == 1 || (snapshot > 0 && c.Snapshot != nil && c.Snapshot.Schema == snapshot))
		if !whole && !begins {
			return gap(c.Stream, c.Number-1)
		}
	}
	return nil
}

// gap is the error of a stream that lacks a commit before one that it has.
func gap(stream events.Stream, number int64) error {
	return events.Wrap(events.CodeInternal, &events.DamagedError{Stream: stream, Number: number}, "a stream is damaged")
}

// Read implements events.Store with strongly consistent Queries, oldest first.
func (s *EventStore) Read(ctx context.Context, stream events.Stream, from int64, limit int) ([]events.Commit, error) {
	return s.query(ctx, stream, max(from, 1), max(limit, 1))
}

// query reads up to limit commits from number from on.
func (s *EventStore) query(ctx context.Context, stream events.Stream, from int64, limit int) ([]events.Commit, error) {
	in := &dynamodb.QueryInput{
		TableName:                &s.table,
		KeyConditionExpression:   ptr("#s = :s AND #c >= :c"),
		ExpressionAttributeNames: map[string]string{"#s": attrStream, "#c": attrCommit},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":s": &types.AttributeValueMemberS{Value: string(stream)},
			":c": numberValue(from),
		},
		ConsistentRead: ptr(true),
	}
	var cs []events.Commit
	for {
		in.Limit = ptr(int32(min(limit-len(cs), math.MaxInt32)))
		out, err := s.client.Query(ctx, in)
		if err != nil {
			return nil, translate(ctx, err)
		}
		page, err := decodeCommits(out.Items)
		if err != nil {
			return nil, err
		}
		cs = append(cs, page...)
		if len(out.LastEvaluatedKey) == 0 || len(cs) >= limit {
			return cs, checkFrom(cs, from)
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

// checkFrom reports a gap in commits that begin with number from.
func checkFrom(cs []events.Commit, from int64) error {
	for i := range cs {
		if cs[i].Number != from+int64(i) {
			return gap(cs[i].Stream, from+int64(i))
		}
	}
	return nil
}

func decodeCommits(items []map[string]types.AttributeValue) ([]events.Commit, error) {
	cs := make([]events.Commit, len(items))
	for i, item := range items {
		var err error
		if cs[i], err = decodeCommit(item); err != nil {
			return nil, err
		}
	}
	return cs, nil
}
