package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/events"
	"daybook/functions/names"
	"daybook/personal"
)

// The attributes of an item of the keys table.
const (
	attrSubject = "subject" // whose key it is
	attrKeyID   = "i"       // its id, which sealed values name
	attrWrapped = "w"       // the key, wrapped
	attrCreated = "t"       // seconds since 1970
)

// KeysTable is the table that Keys keeps data keys in. It must have no stream, no
// point-in-time recovery and no backup: a key that was deleted must be nowhere.
func KeysTable() TableSpec {
	return TableSpec{Name: names.KeysTable, Partition: Key{Name: attrSubject, Type: KeyString}, NoBackup: true}
}

// Keys keeps the data keys of personal values in DynamoDB. It is safe for concurrent
// use.
type Keys struct {
	client API
	table  string
}

var _ personal.KeyStore = (*Keys)(nil)

// NewKeys returns the keys in the table of that full name.
func NewKeys(client API, table string) *Keys { return &Keys{client: client, table: table} }

func subjectKey(subject string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{attrSubject: &types.AttributeValueMemberS{Value: subject}}
}

// Load implements personal.KeyStore with one GetItem or BatchGetItem.
func (k *Keys) Load(ctx context.Context, subjects []string) ([]*personal.StoredKey, error) {
	found := make([]*personal.StoredKey, len(subjects))
	places := make(map[string]int, len(subjects))
	keys := make([]map[string]types.AttributeValue, len(subjects))
	for i, s := range subjects {
		places[s], keys[i] = i, subjectKey(s)
	}
	err := getItems(ctx, k.client, k.table, keys, func(item map[string]types.AttributeValue) error {
		key, err := decodeKey(item)
		if err == nil {
			found[places[key.Subject]] = &key
		}
		return err
	})
	return found, err
}

// Create implements personal.KeyStore with one PutItem. After a lost answer it returns
// the caller's own key.
func (k *Keys) Create(ctx context.Context, key personal.StoredKey) (personal.StoredKey, error) {
	item := subjectKey(key.Subject)
	item[attrKeyID] = &types.AttributeValueMemberS{Value: key.ID}
	item[attrWrapped] = &types.AttributeValueMemberB{Value: key.Wrapped}
	item[attrCreated] = numberValue(key.Created.Unix())
	_, err := k.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &k.table, Item: item,
		ConditionExpression: ptr("attribute_not_exists(#s)"), ExpressionAttributeNames: map[string]string{"#s": attrSubject},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if e, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return decodeKey(e.Item)
	}
	return key, translate(ctx, err)
}

// Delete implements personal.KeyStore with one DeleteItem.
func (k *Keys) Delete(ctx context.Context, subject, id string) error {
	_, err := k.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: &k.table, Key: subjectKey(subject),
		ConditionExpression: ptr("#i = :i"), ExpressionAttributeNames: map[string]string{"#i": attrKeyID},
		ExpressionAttributeValues: map[string]types.AttributeValue{":i": &types.AttributeValueMemberS{Value: id}},
	})
	if _, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return nil // gone before, with or without a newer one
	}
	return translate(ctx, err)
}

var errKeyItem = errors.New("the item lacks its subject, id, time or wrapped key")

func decodeKey(item map[string]types.AttributeValue) (personal.StoredKey, error) {
	created, err := integerOf(item[attrCreated])
	wrapped, ok := item[attrWrapped].(*types.AttributeValueMemberB)
	k := personal.StoredKey{Subject: textOf(item[attrSubject]), ID: textOf(item[attrKeyID]), Created: time.Unix(created, 0).UTC()}
	if err != nil || !ok || k.Subject == "" || k.ID == "" {
		return k, events.Wrap(events.CodeInternal, fmt.Errorf("%q: %w", k.Subject, errKeyItem), "a data key can't be read")
	}
	k.Wrapped = wrapped.Value
	return k, nil
}
