package queue

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/dynamo"
	"daybook/internal/sleep"
)

// Attributes of the table's items; doc.go says what they hold.
const (
	attrQueue = "queue"
	attrPart  = "part"

	attrAttributes = "a"
	attrCreated    = "t"
	attrChanged    = "u"

	attrID       = "i"
	attrGroup    = "g"
	attrDedup    = "d"
	attrBody     = "b"
	attrParts    = "p"
	attrSent     = "s"
	attrReceives = "r"
	attrFirst    = "f"
	attrSource   = "o"
	attrExpires  = "x"

	attrCount = "n"

	partAttributes = "attributes"
	epochQueue     = "-"
	partEpoch      = "epoch"
)

// Bounds of one write.
const (
	maxPart      = 350_000 // bytes of a body in one item, of the 400 KB that an item may have
	maxWrites    = 25      // of one BatchWriteItem
	writeTimeout = 30 * time.Second
	retryPause   = 20 * time.Millisecond
)

// Table is the shape of the table that a server keeps its queues in.
func Table() dynamo.TableSpec {
	return dynamo.TableSpec{
		Name:      "queues",
		Partition: dynamo.Key{Name: attrQueue, Type: dynamo.KeyString},
		Sort:      &dynamo.Key{Name: attrPart, Type: dynamo.KeyString},
		TTL:       attrExpires,
	}
}

// item is an item of the table.
type item = map[string]types.AttributeValue

// store writes and reads a server's table.
type store struct {
	client *dynamo.Client
	table  string
}

func put(it item) types.WriteRequest {
	return types.WriteRequest{PutRequest: &types.PutRequest{Item: it}}
}

func remove(queue, part string) types.WriteRequest {
	return types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: key(queue, part)}}
}

// write carries out all writes or returns an error, after which some may have
// been carried out. A client that goes away does not stop it half-way.
func (s *store) write(ctx context.Context, writes []types.WriteRequest) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	for len(writes) > 0 {
		n := min(len(writes), maxWrites)
		left := writes[:n]
		for pause := retryPause; len(left) > 0; pause *= 2 {
			out, err := s.client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{s.table: left}})
			if err != nil {
				return fmt.Errorf("keep messages: %w", err)
			}
			if left = out.UnprocessedItems[s.table]; len(left) > 0 {
				if err := sleep.For(ctx, pause); err != nil {
					return fmt.Errorf("keep messages: %w", err)
				}
			}
		}
		writes = writes[n:]
	}
	return nil
}

// epoch counts this start.
func (s *store) epoch(ctx context.Context) (uint64, error) {
	out, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: key(epochQueue, partEpoch), ReturnValues: types.ReturnValueUpdatedNew,
		UpdateExpression:          aws.String("ADD #n :one"),
		ExpressionAttributeNames:  map[string]string{"#n": attrCount},
		ExpressionAttributeValues: item{":one": numeral(1)},
	})
	if err != nil {
		return 0, fmt.Errorf("count the start: %w", err)
	}
	return uint64(integer(out.Attributes, attrCount)), nil
}

// scan hands every item to each.
func (s *store) scan(ctx context.Context, each func(item) error) error {
	pages := dynamodb.NewScanPaginator(s.client, &dynamodb.ScanInput{TableName: &s.table, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("read the queues: %w", err)
		}
		for _, it := range page.Items {
			if err := each(it); err != nil {
				return err
			}
		}
	}
	return nil
}

func key(queue, part string) item { return item{attrQueue: text(queue), attrPart: text(part)} }

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func numeral(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

// str reads a string, "" when there is none.
func str(it item, name string) string {
	if v, ok := it[name].(*types.AttributeValueMemberS); ok {
		return v.Value
	}
	return ""
}

// integer reads a number, 0 when there is none.
func integer(it item, name string) int64 {
	if v, ok := it[name].(*types.AttributeValueMemberN); ok {
		n, _ := strconv.ParseInt(v.Value, 10, 64) // it was written by numeral
		return n
	}
	return 0
}

// moment reads a time, the zero time when there is none.
func moment(it item, name string) time.Time {
	if ms := integer(it, name); ms != 0 {
		return time.UnixMilli(ms)
	}
	return time.Time{}
}
