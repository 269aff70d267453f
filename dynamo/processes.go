package dynamo

import (
	"bytes"
	"context"
	"encoding/base64"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/events"
	"daybook/functions/names"
	"daybook/process"
)

// parkedIndex is the index of the entries of parked streams. It is sparse: it
// holds, and costs, nothing while none is parked.
const parkedIndex = "_parked"

// ProcessesTable is the table that Processes keeps its entries in.
func ProcessesTable() TableSpec {
	return TableSpec{
		Name:      names.ProcessesTable,
		Partition: Key{Name: attrKey, Type: KeyString},
		Indexes: []IndexSpec{{
			Name:      parkedIndex,
			Partition: Key{Name: attrIndexPartition + parkedIndex, Type: KeyString},
			Sort:      &Key{Name: attrIndexSort + parkedIndex, Type: KeyString},
		}},
	}
}

// Processes is the ledger of process managers and outboxes in DynamoDB. It is
// safe for concurrent use.
type Processes struct {
	client API
	table  string
}

var _ process.Ledger = (*Processes)(nil)

// NewProcesses returns the ledger in the table of that full name.
func NewProcesses(client API, table string) *Processes {
	return &Processes{client: client, table: table}
}

// Load implements process.Ledger with one GetItem or BatchGetItem.
func (p *Processes) Load(ctx context.Context, keys []process.Key) ([]*process.Entry, error) {
	entries := make([]*process.Entry, len(keys))
	places := make(map[process.Key]int, len(keys))
	itemKeys := make([]map[string]types.AttributeValue, len(keys))
	for i, k := range keys {
		places[k], itemKeys[i] = i, itemKey(entryKey(k))
	}
	err := getItems(ctx, p.client, p.table, itemKeys, func(item map[string]types.AttributeValue) error {
		e, err := decodeEntry(item)
		if err == nil {
			entries[places[e.Key]] = e
		}
		return err
	})
	return entries, err
}

// Save implements process.Ledger with one PutItem. A put that was sent again after
// its answer was lost finds its own entry and fails with conflict, too: a runner
// loads the entry then, and sees that it is its own.
func (p *Processes) Save(ctx context.Context, e process.Entry) error {
	item, err := encodeEntry(&e)
	if err != nil {
		return err
	}
	in := &dynamodb.PutItemInput{
		TableName: &p.table, Item: item,
		ConditionExpression: ptr("attribute_not_exists(#v)"), ExpressionAttributeNames: map[string]string{"#v": attrRevision},
	}
	if e.Revision > 1 {
		in.ConditionExpression = ptr("#v = :v")
		in.ExpressionAttributeValues = map[string]types.AttributeValue{":v": numberValue(e.Revision - 1)}
	}
	_, err = p.client.PutItem(ctx, in)
	return translate(ctx, err)
}

// Parked implements process.Ledger with Queries of the index.
func (p *Processes) Parked(ctx context.Context, reactor string, after events.Stream, limit int) ([]process.Entry, error) {
	in := &dynamodb.QueryInput{
		TableName: &p.table, IndexName: ptr(parkedIndex),
		KeyConditionExpression:    ptr("#p = :p"),
		ExpressionAttributeNames:  map[string]string{"#p": attrIndexPartition + parkedIndex},
		ExpressionAttributeValues: map[string]types.AttributeValue{":p": &types.AttributeValueMemberS{Value: reactor}},
	}
	if after != "" {
		in.KeyConditionExpression = ptr("#p = :p AND #s > :s")
		in.ExpressionAttributeNames["#s"] = attrIndexSort + parkedIndex
		in.ExpressionAttributeValues[":s"] = &types.AttributeValueMemberS{Value: string(after)}
	}
	entries := []process.Entry{}
	for {
		in.Limit = ptr(int32(limit - len(entries)))
		out, err := p.client.Query(ctx, in)
		if err != nil {
			return nil, translate(ctx, err)
		}
		for _, item := range out.Items {
			e, err := decodeEntry(item)
			if err != nil {
				return nil, err
			}
			entries = append(entries, *e)
		}
		if len(out.LastEvaluatedKey) == 0 || len(entries) >= limit {
			return entries, nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

// Entries returns up to limit entries, of all reactors, in the table's own order,
// with one page of a Scan, and the cursor of the next page, "" after the last. It is
// not strongly consistent, for half the price. A cursor that it did not return is
// malformed.
func (p *Processes) Entries(ctx context.Context, cursor string, limit int) ([]process.Entry, string, error) {
	in := &dynamodb.ScanInput{TableName: &p.table, Limit: ptr(int32(limit))}
	if cursor != "" {
		key, err := base64.RawURLEncoding.DecodeString(cursor)
		if err != nil || base64.RawURLEncoding.EncodeToString(key) != cursor || !utf8.Valid(key) || !bytes.Contains(key, []byte("/")) || len(key) > maxPartitionSize {
			return nil, "", events.Malformed("cursor", "this cursor is not of this list")
		}
		in.ExclusiveStartKey = itemKey(string(key))
	}
	out, err := p.client.Scan(ctx, in)
	if err != nil {
		return nil, "", translate(ctx, err)
	}
	page := make([]process.Entry, len(out.Items))
	for i, item := range out.Items {
		e, err := decodeEntry(item)
		if err != nil {
			return nil, "", err
		}
		page[i] = *e
	}
	return page, base64.RawURLEncoding.EncodeToString([]byte(textOf(out.LastEvaluatedKey[attrKey]))), nil
}
