package schedule

import (
	"context"
	"encoding/json/v2"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/dynamo"
)

// Attributes of the table's items; doc.go says what they hold.
const (
	attrSchedule = "schedule"
	attrDocument = "d"
)

const writeTimeout = 30 * time.Second

// Table is the shape of the table that a server keeps its schedules in.
func Table() dynamo.TableSpec {
	return dynamo.TableSpec{Name: "schedules", Partition: dynamo.Key{Name: attrSchedule, Type: dynamo.KeyString}}
}

// store writes and reads a server's table.
type store struct {
	client *dynamo.Client
	table  string
}

func itemKey(key string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{attrSchedule: &types.AttributeValueMemberS{Value: key}}
}

// put keeps a schedule. A client that goes away does not stop it half-way.
func (s *store) put(ctx context.Context, key string, r record) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	document, err := json.Marshal(r, json.Deterministic(true))
	if err != nil {
		return fmt.Errorf("encode schedule %s: %w", key, err)
	}
	item := itemKey(key)
	item[attrDocument] = &types.AttributeValueMemberS{Value: string(document)}
	if _, err := s.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.table, Item: item}); err != nil {
		return fmt.Errorf("keep schedule %s: %w", key, err)
	}
	return nil
}

// remove forgets a schedule.
func (s *store) remove(ctx context.Context, key string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	if _, err := s.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &s.table, Key: itemKey(key)}); err != nil {
		return fmt.Errorf("remove schedule %s: %w", key, err)
	}
	return nil
}

// scan hands every schedule to each.
func (s *store) scan(ctx context.Context, each func(key string, r record) error) error {
	pages := dynamodb.NewScanPaginator(s.client, &dynamodb.ScanInput{TableName: &s.table, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("read the schedules: %w", err)
		}
		for _, item := range page.Items {
			key, _ := item[attrSchedule].(*types.AttributeValueMemberS)
			document, ok := item[attrDocument].(*types.AttributeValueMemberS)
			if key == nil || !ok {
				return fmt.Errorf("read the schedules: an item is not a schedule")
			}
			var r record
			if err := json.Unmarshal([]byte(document.Value), &r); err != nil {
				return fmt.Errorf("read schedule %s: %w", key.Value, err)
			}
			if err := each(key.Value, r); err != nil {
				return err
			}
		}
	}
	return nil
}
