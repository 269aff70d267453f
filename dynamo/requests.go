package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/aggregate/async"
	"daybook/events"
	"daybook/functions/names"
)

// RequestsTable is the table that Requests keeps the statuses of queued commands
// in. They expire.
func RequestsTable() TableSpec {
	return TableSpec{
		Name:      names.RequestsTable,
		Partition: Key{Name: attrRequest, Type: KeyString},
		TTL:       attrExpires,
	}
}

// Requests keeps the outcomes of queued commands in DynamoDB: one conditional put
// each for noting that one is pending and for its outcome, one write unit each
// while the item has at most 1 KB. It is safe for concurrent use.
type Requests struct {
	client API
	table  string
}

var _ async.Statuses = (*Requests)(nil)

// NewRequests returns the statuses in a table, by its full name.
func NewRequests(client API, table string) *Requests {
	return &Requests{client: client, table: table}
}

// Begin implements async.Statuses with one PutItem. After a lost answer it
// may return the caller's own note.
func (r *Requests) Begin(ctx context.Context, s async.Status) (*async.Status, error) {
	known, err := r.put(ctx, s, "")
	if err != nil || known == nil {
		return nil, err
	}
	return decodeRequest(known, s.Tenant)
}

// Record implements async.Statuses with one PutItem.
func (r *Requests) Record(ctx context.Context, s async.Status) error {
	_, err := r.put(ctx, s, " OR #s < :s")
	return err
}

// put notes a status where there is none or a forgotten one, or where the item
// also passes a further condition. Else it returns the item that stays.
func (r *Requests) put(ctx context.Context, s async.Status, also string) (map[string]types.AttributeValue, error) {
	item, err := requestItem(s)
	if err != nil {
		return nil, err
	}
	in := &dynamodb.PutItemInput{
		TableName: &r.table, Item: item,
		ConditionExpression:      ptr("attribute_not_exists(#c) OR #t <= :t" + also),
		ExpressionAttributeNames: map[string]string{"#c": attrRequest, "#t": attrSince},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":t": numberValue(s.Since.Add(-async.StatusKept).UnixMilli()),
		},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	if also != "" {
		in.ExpressionAttributeNames["#s"] = attrRank
		in.ExpressionAttributeValues[":s"] = item[attrRank]
	}
	_, err = r.client.PutItem(ctx, in)
	if e, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return e.Item, nil
	}
	return nil, translate(ctx, err)
}

// Get implements async.Statuses with one GetItem, strongly consistent.
func (r *Requests) Get(ctx context.Context, now time.Time, tenant, commandID string) (*async.Status, error) {
	var s *async.Status
	err := getItems(ctx, r.client, r.table, []map[string]types.AttributeValue{{attrRequest: &types.AttributeValueMemberS{Value: events.Scoped(tenant, commandID)}}}, func(item map[string]types.AttributeValue) (err error) {
		s, err = decodeRequest(item, tenant)
		return err
	})
	if err != nil || s == nil || s.Forgotten(now) { // DynamoDB deletes what has expired within days, not at once
		return nil, err
	}
	return s, nil
}

var errRequestItem = errors.New("the item is not what Requests writes")

// unreadable is the error of an item that another program wrote.
func unreadable(item map[string]types.AttributeValue) error {
	return events.Wrap(events.CodeInternal, fmt.Errorf("command id %q: %w", textOf(item[attrRequest]), errRequestItem), "a command's status can't be read")
}
