package signed

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/schemas"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

// operation is what requests of one operation have in common.
type operation struct {
	name   string
	target []string // header X-Amz-Target
	schema *smithy.OperationSchema
	clear  func(out smithy.Deserializable)
}

func newOperation(schema, in, out *smithy.Schema, clear func(smithy.Deserializable)) *operation {
	name := schema.ID().Name
	return &operation{
		name: name, target: []string{"DynamoDB_20120810." + name},
		schema: smithy.NewOperationSchema(schema, in, out), clear: clear,
	}
}

// clearer returns what makes a T empty again.
func clearer[T any](out smithy.Deserializable) {
	if p, ok := out.(any).(*T); ok {
		*p = *new(T)
	}
}

// The hot operations.
var (
	putItem               = newOperation(schemas.PutItem, schemas.PutItemInput, schemas.PutItemOutput, clearer[dynamodb.PutItemOutput])
	updateItem            = newOperation(schemas.UpdateItem, schemas.UpdateItemInput, schemas.UpdateItemOutput, clearer[dynamodb.UpdateItemOutput])
	deleteItem            = newOperation(schemas.DeleteItem, schemas.DeleteItemInput, schemas.DeleteItemOutput, clearer[dynamodb.DeleteItemOutput])
	getItem               = newOperation(schemas.GetItem, schemas.GetItemInput, schemas.GetItemOutput, clearer[dynamodb.GetItemOutput])
	query                 = newOperation(schemas.Query, schemas.QueryInput, schemas.QueryOutput, clearer[dynamodb.QueryOutput])
	scan                  = newOperation(schemas.Scan, schemas.ScanInput, schemas.ScanOutput, clearer[dynamodb.ScanOutput])
	batchGetItem          = newOperation(schemas.BatchGetItem, schemas.BatchGetItemInput, schemas.BatchGetItemOutput, clearer[dynamodb.BatchGetItemOutput])
	batchWriteItem        = newOperation(schemas.BatchWriteItem, schemas.BatchWriteItemInput, schemas.BatchWriteItemOutput, clearer[dynamodb.BatchWriteItemOutput])
	batchExecuteStatement = newOperation(schemas.BatchExecuteStatement, schemas.BatchExecuteStatementInput, schemas.BatchExecuteStatementOutput, clearer[dynamodb.BatchExecuteStatementOutput])
	transactWriteItems    = newOperation(schemas.TransactWriteItems, schemas.TransactWriteItemsInput, schemas.TransactWriteItemsOutput, clearer[dynamodb.TransactWriteItemsOutput])
)

// invoke runs one call.
func invoke[O any, P interface {
	*O
	smithy.Deserializable
}](ctx context.Context, c *Client, op *operation, in smithy.Serializable) (*O, error) {
	out := new(O)
	if err := c.around(ctx, op, in, out, P(out)); err != nil {
		return nil, err
	}
	return out, nil
}

// around sends in and decodes the answer into out; the watch sees it as output.
func (c *Client) around(ctx context.Context, op *operation, in smithy.Serializable, output any, out smithy.Deserializable) error {
	send := func(ctx context.Context) error { return c.send(ctx, op, in, out) }
	if c.watch.Call != nil {
		return c.watch.Call(ctx, op.name, in, output, send)
	}
	return send(ctx)
}

// isPlain reports whether this package sends a call: one without options of its own,
// to tables that are given by name.
func (c *Client) isPlain(optFns []func(*dynamodb.Options), tables ...*string) bool {
	return c.sender != nil && len(optFns) == 0 && !slices.ContainsFunc(tables, isARN)
}

// PutItem is the SDK's.
func (c *Client) PutItem(ctx context.Context, in *dynamodb.PutItemInput, optFns ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	if in == nil || !c.isPlain(optFns, in.TableName) {
		return c.Client.PutItem(ctx, in, optFns...)
	}
	return invoke[dynamodb.PutItemOutput](ctx, c, putItem, in)
}

// UpdateItem is the SDK's.
func (c *Client) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, optFns ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	if in == nil || !c.isPlain(optFns, in.TableName) {
		return c.Client.UpdateItem(ctx, in, optFns...)
	}
	return invoke[dynamodb.UpdateItemOutput](ctx, c, updateItem, in)
}

// DeleteItem is the SDK's.
func (c *Client) DeleteItem(ctx context.Context, in *dynamodb.DeleteItemInput, optFns ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error) {
	if in == nil || !c.isPlain(optFns, in.TableName) {
		return c.Client.DeleteItem(ctx, in, optFns...)
	}
	return invoke[dynamodb.DeleteItemOutput](ctx, c, deleteItem, in)
}

// GetItem is the SDK's.
func (c *Client) GetItem(ctx context.Context, in *dynamodb.GetItemInput, optFns ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	if in == nil || !c.isPlain(optFns, in.TableName) {
		return c.Client.GetItem(ctx, in, optFns...)
	}
	return invoke[dynamodb.GetItemOutput](ctx, c, getItem, in)
}

// Query is the SDK's.
func (c *Client) Query(ctx context.Context, in *dynamodb.QueryInput, optFns ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	if in == nil || !c.isPlain(optFns, in.TableName) {
		return c.Client.Query(ctx, in, optFns...)
	}
	return invoke[dynamodb.QueryOutput](ctx, c, query, in)
}

// Scan is the SDK's.
func (c *Client) Scan(ctx context.Context, in *dynamodb.ScanInput, optFns ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error) {
	if in == nil || !c.isPlain(optFns, in.TableName) {
		return c.Client.Scan(ctx, in, optFns...)
	}
	return invoke[dynamodb.ScanOutput](ctx, c, scan, in)
}

// BatchGetItem is the SDK's.
func (c *Client) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, optFns ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	if in == nil || !c.isPlain(optFns) || anyARN(in.RequestItems) {
		return c.Client.BatchGetItem(ctx, in, optFns...)
	}
	return invoke[dynamodb.BatchGetItemOutput](ctx, c, batchGetItem, in)
}

// BatchWriteItem is the SDK's.
func (c *Client) BatchWriteItem(ctx context.Context, in *dynamodb.BatchWriteItemInput, optFns ...func(*dynamodb.Options)) (*dynamodb.BatchWriteItemOutput, error) {
	if in == nil || !c.isPlain(optFns) || anyARN(in.RequestItems) {
		return c.Client.BatchWriteItem(ctx, in, optFns...)
	}
	return invoke[dynamodb.BatchWriteItemOutput](ctx, c, batchWriteItem, in)
}

// BatchExecuteStatement is the SDK's.
func (c *Client) BatchExecuteStatement(ctx context.Context, in *dynamodb.BatchExecuteStatementInput, optFns ...func(*dynamodb.Options)) (*dynamodb.BatchExecuteStatementOutput, error) {
	if in == nil || !c.isPlain(optFns) {
		return c.Client.BatchExecuteStatement(ctx, in, optFns...)
	}
	return invoke[dynamodb.BatchExecuteStatementOutput](ctx, c, batchExecuteStatement, in)
}

// TransactWriteItems is the SDK's. A call without a token gets one, so that an
// attempt that is repeated after a lost answer does nothing.
func (c *Client) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, optFns ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	if in == nil || !c.isPlain(optFns) || slices.ContainsFunc(in.TransactItems, namesARN) {
		return c.Client.TransactWriteItems(ctx, in, optFns...)
	}
	if in.ClientRequestToken == nil {
		token, err := c.options.IdempotencyTokenProvider.GetIdempotencyToken()
		if err != nil {
			return nil, &smithy.OperationError{ServiceID: dynamodb.ServiceID, OperationName: transactWriteItems.name, Err: err}
		}
		with := *in
		with.ClientRequestToken = &token
		in = &with
	}
	return invoke[dynamodb.TransactWriteItemsOutput](ctx, c, transactWriteItems, in)
}

func anyARN[V any](tables map[string]V) bool {
	for table := range tables {
		if isARN(&table) {
			return true
		}
	}
	return false
}

func namesARN(w types.TransactWriteItem) bool {
	return w.Put != nil && isARN(w.Put.TableName) || w.Delete != nil && isARN(w.Delete.TableName) ||
		w.Update != nil && isARN(w.Update.TableName) || w.ConditionCheck != nil && isARN(w.ConditionCheck.TableName)
}
