package dynamo

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/internal/jitter"
	"daybook/internal/sleep"
)

// maxBatch is the largest number of keys in one BatchGetItem.
const maxBatch = 100

// batchRounds is how often keys that DynamoDB left unprocessed are asked for
// again without one of them coming back, before the table counts as busy.
const batchRounds = 5

var errUnprocessed = errors.New("keys stay unprocessed")

// batchGet hands every item that want finds to each. DynamoDB leaves keys
// unprocessed when it throttles or when an answer would exceed 16 MB; they are
// asked for again, after a pause if none came back. want.Keys holds distinct
// keys, of any number.
func batchGet(
	ctx context.Context, client API, table string, want types.KeysAndAttributes,
	each func(map[string]types.AttributeValue) error,
) error {
	rest := want.Keys
	for idle := 0; len(rest) > 0; {
		n := min(len(rest), maxBatch)
		want.Keys = rest[:n]
		out, err := client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
			RequestItems: map[string]types.KeysAndAttributes{table: want},
		})
		if err != nil {
			return translate(ctx, err)
		}
		for _, item := range out.Responses[table] {
			if err := each(item); err != nil {
				return err
			}
		}
		left := out.UnprocessedKeys[table].Keys
		rest = append(rest[n:len(rest):len(rest)], left...)
		if len(left) < n {
			idle = 0
			continue
		}
		if idle++; idle == batchRounds {
			return busy(errUnprocessed)
		}
		if err := sleep.For(ctx, jitter.Below(throttlePause<<(idle-1))); err != nil {
			return translate(ctx, err)
		}
	}
	return nil
}

// getItems hands the items of distinct keys to each, by one GetItem or BatchGetItem,
// strongly consistent.
func getItems(
	ctx context.Context, client API, table string, keys []map[string]types.AttributeValue,
	each func(map[string]types.AttributeValue) error,
) error {
	if len(keys) != 1 {
		return batchGet(ctx, client, table, types.KeysAndAttributes{Keys: keys, ConsistentRead: ptr(true)}, each)
	}
	out, err := client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &table, Key: keys[0], ConsistentRead: ptr(true)})
	if err != nil || len(out.Item) == 0 {
		return translate(ctx, err)
	}
	return each(out.Item)
}
