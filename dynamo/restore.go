package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/events"
)

// Restore stores a commit of an export at its position, as Append does, but for
// the values that it claims and releases: they were decided on when it was first
// stored, in an order between streams that an export does not keep. Once all
// commits are there, RestoreHeld and RestoreSpent store the held values and used ids.
func (s *EventStore) Restore(ctx context.Context, at events.Position, c events.Commit) (events.Commit, error) {
	place(at, &c)
	item, size, err := encodeCommit(&c)
	if err != nil {
		return events.Commit{}, err
	}
	c.Size = size
	return s.put(ctx, &c, item)
}

// RestoreHeld stores that a stream holds a value, with one conditional put. A
// value that another stream holds fails with already-taken.
func (s *EventStore) RestoreHeld(ctx context.Context, h events.Held) error {
	return s.restore(ctx, heldItem(h), h.Stream, nil)
}

// RestoreSpent stores that the id of a once-only command is spent. One that is
// spent by a command of another stream, and not forgotten at the time now, fails
// with already-taken.
func (s *EventStore) RestoreSpent(ctx context.Context, spent events.Spent, now time.Time) error {
	return s.restore(ctx, spentItem(spent), spent.Stream, &now)
}

// restore puts an item of the claims table unless it is another stream's.
func (s *EventStore) restore(ctx context.Context, item map[string]types.AttributeValue, stream events.Stream, now *time.Time) error {
	if err := s.needClaims(); err != nil {
		return err
	}
	in := &dynamodb.PutItemInput{
		TableName: &s.claims, Item: item,
		ConditionExpression:      ptr("attribute_not_exists(#c) OR #s = :s"),
		ExpressionAttributeNames: map[string]string{"#c": attrClaim, "#s": attrHolder},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":s": &types.AttributeValueMemberS{Value: string(stream)},
		},
	}
	if now != nil {
		in.ConditionExpression = ptr("attribute_not_exists(#c) OR #s = :s OR #x <= :now")
		in.ExpressionAttributeNames["#x"] = attrExpires
		in.ExpressionAttributeValues[":now"] = numberValue(now.Unix())
	}
	_, err := s.client.PutItem(ctx, in)
	if _, taken := errors.AsType[*types.ConditionalCheckFailedException](err); taken {
		return events.Wrap(events.CodeAlreadyTaken, fmt.Errorf("a value of %s: %w", stream, err), "the value is taken")
	}
	return translate(ctx, err)
}
