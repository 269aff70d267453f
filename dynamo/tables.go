package dynamo

import (
	"context"
	"errors"
	"reflect"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/events"
	"daybook/view/driver"
)

// maxTransaction is the largest total size of the items of one transaction, in
// bytes.
const maxTransaction = 4 << 20

// Tables opens query tables in DynamoDB, named as ViewTable says. It is safe for
// concurrent use.
type Tables struct {
	client API
	prefix string
}

var _ driver.Tables = (*Tables)(nil)

// NewTables returns the query tables of an installation, whose names begin with
// prefix and a hyphen.
func NewTables(client API, prefix string) *Tables {
	return &Tables{client: client, prefix: prefix}
}

// Table implements driver.Tables. It sends nothing; a table that does not exist
// makes calls fail with unavailable.
func (t *Tables) Table(name string, version int) driver.Table {
	return t.Open(driver.Target{View: name, Version: version, Generation: 1})
}

// table is the table of one view at one version.
type table struct {
	client API
	name   string
	alone  atomic.Bool                // items are not inserted by statements any more: see Insert
	last   atomic.Pointer[insertForm] // the last statement: items of a view have few forms
}

func itemKey(key string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{attrKey: &types.AttributeValueMemberS{Value: key}}
}

// Get implements driver.Table with one GetItem or BatchGetItem.
func (t *table) Get(ctx context.Context, keys []string) ([]*driver.Item, error) {
	items := make([]*driver.Item, len(keys))
	places := make(map[string]int, len(keys))
	itemKeys := make([]map[string]types.AttributeValue, len(keys))
	for i, key := range keys {
		places[key], itemKeys[i] = i, itemKey(key)
	}
	err := getItems(ctx, t.client, t.name, itemKeys, func(item map[string]types.AttributeValue) error {
		it, err := decodeItem(item)
		if err == nil {
			items[places[it.Key]] = &it
		}
		return err
	})
	return items, err
}

// condition is what must hold for a write.
type condition struct {
	expression string
	names      map[string]string
	values     map[string]types.AttributeValue
}

// expect is the condition that the item which w replaces is the expected one.
func expect(w driver.Write) condition {
	if w.Expect == 0 && w.ExpectParked == 0 {
		return condition{expression: "attribute_not_exists(#k)", names: map[string]string{"#k": attrKey}}
	}
	c := condition{
		expression: "#v = :v AND attribute_not_exists(#f)",
		names:      map[string]string{"#v": attrGuard, "#f": attrParked},
		values:     map[string]types.AttributeValue{":v": numberValue(w.Expect)},
	}
	if w.ExpectParked != 0 {
		c.expression = "#v = :v AND #f = :f"
		c.values[":f"] = numberValue(w.ExpectParked)
	}
	return c
}

// Put implements driver.Table with one PutItem or DeleteItem.
func (t *table) Put(ctx context.Context, w driver.Write) error {
	ctx, attempts := WithMeter(ctx)
	var err error
	if w.Delete {
		err = t.remove(ctx, w)
	} else {
		err = t.put(ctx, w)
	}
	if taken, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok &&
		attempts.Usage().Requests > 1 && done(w, taken.Item) {
		return nil
	}
	return translate(ctx, err)
}

func (t *table) put(ctx context.Context, w driver.Write) error {
	item, err := encodeItem(&w.Item)
	if err != nil {
		return err
	}
	c := expect(w)
	_, err = t.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:                           &t.name,
		Item:                                item,
		ConditionExpression:                 &c.expression,
		ExpressionAttributeNames:            c.names,
		ExpressionAttributeValues:           c.values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	return err
}

func (t *table) remove(ctx context.Context, w driver.Write) error {
	c := expect(w)
	_, err := t.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName:                           &t.name,
		Key:                                 itemKey(w.Item.Key),
		ConditionExpression:                 &c.expression,
		ExpressionAttributeNames:            c.names,
		ExpressionAttributeValues:           c.values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	return err
}

// done reports whether the table holds what w would have made of it: then an
// earlier attempt of the same call did, and its answer was lost.
func done(w driver.Write, stored map[string]types.AttributeValue) bool {
	if w.Delete || len(stored) == 0 {
		return w.Delete && len(stored) == 0
	}
	have, err := decodeItem(stored)
	if err != nil {
		return false
	}
	want := w.Item
	if len(want.Index) == 0 {
		want.Index = nil
	}
	return reflect.DeepEqual(have, want)
}

// Transact implements driver.Table with one TransactWriteItems, or, for a single
// write, as Put: a transaction costs double. The SDK gives the call a token, so
// that an attempt repeated after a lost answer does nothing.
func (t *table) Transact(ctx context.Context, ws []driver.Write) error {
	if len(ws) == 1 {
		return t.Put(ctx, ws[0])
	}
	in := &dynamodb.TransactWriteItemsInput{TransactItems: make([]types.TransactWriteItem, len(ws))}
	total := 0
	for i, w := range ws {
		c := expect(w)
		if w.Delete {
			in.TransactItems[i].Delete = &types.Delete{
				TableName: &t.name, Key: itemKey(w.Item.Key),
				ConditionExpression: &c.expression, ExpressionAttributeNames: c.names, ExpressionAttributeValues: c.values,
			}
			continue
		}
		item, err := encodeItem(&w.Item)
		if err != nil {
			return err
		}
		if total += itemSize(item); total > maxTransaction {
			return events.Errorf(events.CodeTooLarge, "a transaction has at most %d bytes", maxTransaction)
		}
		in.TransactItems[i].Put = &types.Put{
			TableName: &t.name, Item: item,
			ConditionExpression: &c.expression, ExpressionAttributeNames: c.names, ExpressionAttributeValues: c.values,
		}
	}
	_, err := t.client.TransactWriteItems(ctx, in)
	return translate(ctx, err)
}
