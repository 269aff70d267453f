package dynamo

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/events"
)

// EventStore keeps commits in one DynamoDB table, see EventsTable, and what they
// claim in another, see ClaimsTable. It is safe for concurrent use.
type EventStore struct {
	client API
	table  string
	claims string // "" for none
	pages  firstPages
	strong *bool // of Scan
}

var (
	_ events.Store           = (*EventStore)(nil)
	_ events.TolerantScanner = (*EventStore)(nil)
)

// EventStoreOption changes how an event store is made.
type EventStoreOption func(*EventStore)

// WithClaims names the claims table, which TableName(prefix, ClaimsTable())
// says. A store without one serves readers, and commands that neither
// claim values nor are once-only; what needs it fails with code internal.
func WithClaims(table string) EventStoreOption { return func(s *EventStore) { s.claims = table } }

// NewEventStore returns the store on the table of the given full name, which
// TableName(prefix, EventsTable()) says.
func NewEventStore(client API, table string, opts ...EventStoreOption) *EventStore {
	s := &EventStore{client: client, table: table}
	for _, opt := range opts {
		opt(s)
	}
	return s
}

// Append implements events.Store with one conditional PutItem, or with one
// TransactWriteItems for a commit that claims or releases values or has
// once-only commands.
func (s *EventStore) Append(ctx context.Context, at events.Position, c events.Commit) (events.Commit, error) {
	stored, err := s.AppendAll(ctx, []events.Append{{At: at, Commit: c}})
	if err != nil {
		return events.Commit{}, err
	}
	return stored[0], nil
}

// put stores one commit that claims nothing.
func (s *EventStore) put(ctx context.Context, c *events.Commit, item map[string]types.AttributeValue) (events.Commit, error) {
	_, err := s.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:                           &s.table,
		Item:                                item,
		ConditionExpression:                 ptr("attribute_not_exists(#s)"),
		ExpressionAttributeNames:            map[string]string{"#s": attrStream},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if err == nil {
		s.pages.saw(c)
		return *c, nil
	}
	taken, ok := errors.AsType[*types.ConditionalCheckFailedException](err)
	if !ok {
		return events.Commit{}, translate(ctx, err)
	}
	winner, err := s.winner(ctx, c, taken.Item)
	if err != nil {
		return events.Commit{}, err
	}
	if winner.ID == c.ID {
		meterOf(ctx).add(Usage{LostAnswers: 1})
		return winner, nil
	}
	return events.Commit{}, events.Conflict(winner)
}

// winner decodes the commit that holds the position of c. DynamoDB hands it over
// with the failed condition; what only resembles DynamoDB may not, and is asked.
func (s *EventStore) winner(ctx context.Context, c *events.Commit, item map[string]types.AttributeValue) (events.Commit, error) {
	if len(item) == 0 {
		out, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{
			TableName:      &s.table,
			Key:            commitKey(c.Stream, c.Number),
			ConsistentRead: ptr(true),
		})
		if err != nil {
			return events.Commit{}, translate(ctx, err)
		}
		item = out.Item
	}
	return decodeCommit(item)
}

// commitKey is the primary key of a commit.
func commitKey(stream events.Stream, number int64) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		attrStream: &types.AttributeValueMemberS{Value: string(stream)},
		attrCommit: numberValue(number),
	}
}

// Commits implements events.Store with one BatchGetItem, eventually consistent
// at half the price: a commit never changes once it is there. Those that it does
// not find are asked for again, strongly consistent.
func (s *EventStore) Commits(ctx context.Context, stream events.Stream, numbers []int64) ([]*events.Commit, error) {
	found := make(map[int64]*events.Commit, len(numbers))
	for _, strong := range []bool{false, true} {
		var keys []map[string]types.AttributeValue
		for _, n := range numbers {
			if found[n] == nil {
				keys = append(keys, commitKey(stream, n))
			}
		}
		want := types.KeysAndAttributes{Keys: keys, ConsistentRead: &strong}
		err := batchGet(ctx, s.client, s.table, want, func(item map[string]types.AttributeValue) error {
			c, err := decodeCommit(item)
			found[c.Number] = &c
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	commits := make([]*events.Commit, len(numbers))
	for i, n := range numbers {
		commits[i] = found[n]
	}
	return commits, nil
}

// Started implements events.Store with one BatchGetItem of the keys of first
// commits; one read unit for each small first commit.
func (s *EventStore) Started(ctx context.Context, streams []events.Stream) ([]bool, error) {
	started := make([]bool, len(streams))
	distinct := slices.Compact(slices.Sorted(slices.Values(streams)))
	if len(distinct) == 0 {
		return started, nil
	}
	keys := make([]map[string]types.AttributeValue, len(distinct))
	for i, stream := range distinct {
		keys[i] = commitKey(stream, 1)
	}
	found := make(map[string]bool, len(distinct))
	err := batchGet(ctx, s.client, s.table, types.KeysAndAttributes{
		Keys:                     keys,
		ConsistentRead:           ptr(true),
		ProjectionExpression:     ptr("#s"),
		ExpressionAttributeNames: map[string]string{"#s": attrStream},
	}, func(item map[string]types.AttributeValue) error {
		if v, ok := item[attrStream].(*types.AttributeValueMemberS); ok {
			found[v.Value] = true
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i, stream := range streams {
		started[i] = found[string(stream)]
	}
	return started, nil
}

func ptr[T any](v T) *T { return &v }
