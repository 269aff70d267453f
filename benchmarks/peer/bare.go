package peer

import (
	"context"
	"errors"
	"strconv"
	"time"
	"uuid"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

const (
	region    = "us-east-1"
	bareTable = "bare"
)

// newSDK is the SDK's client as it comes.
func newSDK(endpoint string) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region: region, BaseEndpoint: &endpoint,
		Credentials: aws.NewCredentialsCache(credentials.NewStaticCredentialsProvider("id", "secret", "")),
	})
}

// bareInstance is the floor: the SDK's PutItem and Query in a loop, with one item per
// commit and nothing decoded, decided or remembered but the last number of a stream.
type bareInstance struct {
	client *dynamodb.Client
	p      payloads
	last   map[string]int
}

func bareInstances(endpoint string, p payloads) func() (instance, error) {
	client := newSDK(endpoint)
	return func() (instance, error) { return &bareInstance{client, p, map[string]int{}}, nil }
}

func (b *bareInstance) fill(ctx context.Context, id string, n int) error {
	for i := range n {
		if err := b.put(ctx, b.item(id, i, 1), i+1); err != nil {
			return err
		}
	}
	return nil
}

// item is a commit of n entries, without its number.
func (b *bareInstance) item(id string, i, n int) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		"stream": &types.AttributeValueMemberS{Value: "ledger/" + id},
		"id":     &types.AttributeValueMemberS{Value: uuid.New().String()},
		"time":   &types.AttributeValueMemberN{Value: strconv.FormatInt(time.Now().UnixMilli(), 10)},
		"events": &types.AttributeValueMemberS{Value: string(b.p.list(i, n))},
	}
}

func (b *bareInstance) put(ctx context.Context, item map[string]types.AttributeValue, number int) error {
	item["number"] = &types.AttributeValueMemberN{Value: strconv.Itoa(number)}
	_, err := b.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: aws.String(bareTable), Item: item, ConditionExpression: aws.String("attribute_not_exists(#n)"),
		ExpressionAttributeNames: map[string]string{"#n": "number"},
	})
	return err
}

func (b *bareInstance) create(id string) (func(context.Context) error, error) {
	item := b.item(id, 0, 1)
	return func(ctx context.Context) error { return b.put(ctx, item, 1) }, nil
}

func (b *bareInstance) append(id string, n int) (func(context.Context) error, error) {
	item := b.item(id, 0, n)
	return func(ctx context.Context) error {
		if b.last[id] == 0 {
			count, err := b.query(ctx, id)
			if err != nil {
				return err
			}
			b.last[id] = count
		}
		err := b.put(ctx, item, b.last[id]+1)
		if failed := (*types.ConditionalCheckFailedException)(nil); errors.As(err, &failed) {
			delete(b.last, id)
		}
		if err == nil {
			b.last[id]++
		}
		return err
	}, nil
}

func (b *bareInstance) load(id string, _ int) (func(context.Context) (int64, error), error) {
	return func(ctx context.Context) (int64, error) {
		n, err := b.query(ctx, id)
		return int64(n), err
	}, nil
}

// query reads the whole stream and returns the number of its items.
func (b *bareInstance) query(ctx context.Context, id string) (n int, err error) {
	pages := dynamodb.NewQueryPaginator(b.client, &dynamodb.QueryInput{
		TableName: aws.String(bareTable), ConsistentRead: aws.Bool(true), KeyConditionExpression: aws.String("#s = :s"),
		ExpressionAttributeNames:  map[string]string{"#s": "stream"}, // a reserved word
		ExpressionAttributeValues: map[string]types.AttributeValue{":s": &types.AttributeValueMemberS{Value: "ledger/" + id}},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return 0, err
		}
		n += int(page.Count)
	}
	return n, nil
}
