package dynamo

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

// Call is a call of DynamoDB's API.
type Call struct {
	Operation string   // "PutItem"
	Tables    []string // without duplicates, in the order of the names
}

// Outcome is the result of a Call.
type Outcome struct {
	Usage Usage  // its Requests are the attempts
	Code  string // of the error, in AWS's terms; "" for success
	// Reasons are the codes of the items of a cancelled transaction, in their order.
	Reasons []string
	// Conflict says that the call failed because a condition did not hold or another
	// transaction was ahead, which every writer must expect.
	Conflict bool
}

// Tracer is told of each call before it is sent; the call is made with the context
// that it returns. end is called once.
type Tracer func(ctx context.Context, c Call) (_ context.Context, end func(Outcome))

// around runs one call under the tracer.
func (t Tracer) around(ctx context.Context, operation string, input any, call func(context.Context) error) error {
	if t == nil {
		return call(ctx)
	}
	ctx, end := t(ctx, Call{Operation: operation, Tables: tablesOf(input)})
	ctx, meter := WithMeter(ctx)
	err := call(ctx)
	o := outcomeOf(err)
	o.Usage = meter.Usage()
	end(o)
	return err
}

// The codes of errors that have none of DynamoDB's.
const (
	codeCanceled = "Canceled"
	codeNoAnswer = "NoAnswer"
)

// outcomeOf tells failures and conflicts apart.
func outcomeOf(err error) Outcome {
	if err == nil {
		return Outcome{}
	}
	if cancelled, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
		o := Outcome{Code: cancelled.ErrorCode(), Conflict: len(cancelled.CancellationReasons) > 0}
		for _, r := range cancelled.CancellationReasons {
			code := value(r.Code)
			o.Reasons = append(o.Reasons, code)
			o.Conflict = o.Conflict && slices.Contains([]string{"", "None", "ConditionalCheckFailed", "TransactionConflict"}, code)
		}
		return o
	}
	if known, ok := errors.AsType[smithy.APIError](err); ok {
		_, condition := errors.AsType[*types.ConditionalCheckFailedException](err)
		_, conflict := errors.AsType[*types.TransactionConflictException](err)
		return Outcome{Code: known.ErrorCode(), Conflict: condition || conflict}
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return Outcome{Code: codeCanceled}
	}
	return Outcome{Code: codeNoAnswer}
}

// tablesOf are the tables that a call names.
func tablesOf(input any) []string {
	switch in := input.(type) {
	case *dynamodb.PutItemInput:
		return []string{value(in.TableName)}
	case *dynamodb.DeleteItemInput:
		return []string{value(in.TableName)}
	case *dynamodb.GetItemInput:
		return []string{value(in.TableName)}
	case *dynamodb.QueryInput:
		return []string{value(in.TableName)}
	case *dynamodb.ScanInput:
		return []string{value(in.TableName)}
	case *dynamodb.DescribeTableInput:
		return []string{value(in.TableName)}
	case *dynamodb.BatchGetItemInput:
		return slices.Sorted(maps.Keys(in.RequestItems))
	case *dynamodb.BatchExecuteStatementInput:
		return tablesOfStatements(in.Statements)
	case *dynamodb.TransactWriteItemsInput:
		return tablesOfWrites(in.TransactItems)
	}
	return nil
}

func tablesOfWrites(items []types.TransactWriteItem) []string {
	var tables []string
	for _, i := range items {
		switch {
		case i.Put != nil:
			tables = append(tables, value(i.Put.TableName))
		case i.Delete != nil:
			tables = append(tables, value(i.Delete.TableName))
		case i.Update != nil:
			tables = append(tables, value(i.Update.TableName))
		case i.ConditionCheck != nil:
			tables = append(tables, value(i.ConditionCheck.TableName))
		}
	}
	slices.Sort(tables)
	return slices.Compact(tables)
}

// tablesOfStatements are the tables that stand in quotes in statements.
func tablesOfStatements(batch []types.BatchStatementRequest) []string {
	var tables []string
	for _, s := range batch {
		_, rest, _ := strings.Cut(value(s.Statement), `"`)
		table, _, _ := strings.Cut(rest, `"`)
		tables = append(tables, table)
	}
	slices.Sort(tables)
	return slices.Compact(tables)
}
