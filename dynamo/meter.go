package dynamo

import (
	"context"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"

	"daybook/dynamo/signed"
)

// Usage is what requests have cost.
type Usage struct {
	Requests   int     // requests sent, repeated attempts included
	ReadUnits  float64 // consumed read capacity units
	WriteUnits float64 // consumed write capacity units
	// LostAnswers counts appends that had succeeded before their answer was
	// lost, and were recognised as our own when they were sent again.
	LostAnswers int
}

// Meter counts what the requests made under one context cost. DynamoDB reports
// no units for a request that failed, so a Meter has none for it either. It is
// safe for concurrent use.
type Meter struct {
	mu     sync.Mutex
	usage  Usage
	parent *Meter
}

type meterKey struct{}

// WithMeter returns a context under which every request of a client from New is
// counted by the returned Meter, and by the one of ctx, if any.
func WithMeter(ctx context.Context) (context.Context, *Meter) {
	m := &Meter{parent: meterOf(ctx)}
	return context.WithValue(ctx, meterKey{}, m), m
}

// meterOf returns the meter of ctx, nil if it has none.
func meterOf(ctx context.Context) *Meter {
	m, _ := ctx.Value(meterKey{}).(*Meter)
	return m
}

// Usage returns what was counted so far.
func (m *Meter) Usage() Usage {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.usage
}

func (m *Meter) add(u Usage) {
	for ; m != nil; m = m.parent {
		m.mu.Lock()
		m.usage.Requests += u.Requests
		m.usage.ReadUnits += u.ReadUnits
		m.usage.WriteUnits += u.WriteUnits
		m.usage.LostAnswers += u.LostAnswers
		m.mu.Unlock()
	}
}

// Observer is told of each call of the API when it ended: its name ("PutItem"),
// what it cost, and its error in AWS's terms.
type Observer func(ctx context.Context, operation string, u Usage, err error)

// addMeter makes a client ask for the consumed capacity, and count, where a
// Meter or an Observer listens.
func addMeter(observe Observer, trace Tracer) func(*middleware.Stack) error {
	count := middleware.InitializeMiddlewareFunc("DaybookMeter", func(
		ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
	) (middleware.InitializeOutput, middleware.Metadata, error) {
		var out middleware.InitializeOutput
		var meta middleware.Metadata
		operation := middleware.GetOperationName(ctx)
		err := trace.around(ctx, operation, in.Parameters, func(ctx context.Context) error {
			return measure(ctx, operation, observe, in.Parameters, func(ctx context.Context) (result any, err error) {
				out, meta, err = next.HandleInitialize(ctx, in)
				return out.Result, err
			})
		})
		return out, meta, err
	})
	attempt := middleware.FinalizeMiddlewareFunc("DaybookAttempts", func(
		ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
	) (middleware.FinalizeOutput, middleware.Metadata, error) {
		meterOf(ctx).add(Usage{Requests: 1})
		return next.HandleFinalize(ctx, in)
	})
	return func(s *middleware.Stack) error {
		if err := s.Initialize.Add(count, middleware.Before); err != nil {
			return err
		}
		return s.Finalize.Insert(attempt, "Retry", middleware.After)
	}
}

// measure runs one call. Where a Meter or an Observer listens, it asks for the
// consumed capacity, and counts.
func measure(ctx context.Context, operation string, observe Observer, input any, send func(context.Context) (output any, err error)) error {
	if meterOf(ctx) == nil && observe == nil {
		_, err := send(ctx)
		return err
	}
	askForCapacity(input)
	ctx, call := WithMeter(ctx)
	output, err := send(ctx)
	if err == nil {
		call.add(consumed(output))
	}
	if observe != nil {
		observe(ctx, operation, call.Usage(), err)
	}
	return err
}

// watch does for package signed what addMeter does for the SDK.
func watch(observe Observer, trace Tracer) signed.Watch {
	return signed.Watch{
		Call: func(ctx context.Context, operation string, input, output any, next func(context.Context) error) error {
			return trace.around(ctx, operation, input, func(ctx context.Context) error {
				return measure(ctx, operation, observe, input, func(ctx context.Context) (any, error) { return output, next(ctx) })
			})
		},
		Attempt: func(ctx context.Context) { meterOf(ctx).add(Usage{Requests: 1}) },
	}
}

// askForCapacity sets ReturnConsumedCapacity on the input of a call.
func askForCapacity(input any) {
	const total = types.ReturnConsumedCapacityTotal
	switch in := input.(type) {
	case *dynamodb.PutItemInput:
		in.ReturnConsumedCapacity = total
	case *dynamodb.DeleteItemInput:
		in.ReturnConsumedCapacity = total
	case *dynamodb.GetItemInput:
		in.ReturnConsumedCapacity = total
	case *dynamodb.QueryInput:
		in.ReturnConsumedCapacity = total
	case *dynamodb.ScanInput:
		in.ReturnConsumedCapacity = total
	case *dynamodb.BatchGetItemInput:
		in.ReturnConsumedCapacity = total
	case *dynamodb.BatchExecuteStatementInput:
		in.ReturnConsumedCapacity = total
	case *dynamodb.TransactWriteItemsInput:
		in.ReturnConsumedCapacity = total
	}
}

// consumed reads the consumed capacity from the output of a call. TOTAL names
// the units without saying of which kind; the call does.
func consumed(output any) Usage {
	switch out := output.(type) {
	case *dynamodb.PutItemOutput:
		return Usage{WriteUnits: units(out.ConsumedCapacity)}
	case *dynamodb.DeleteItemOutput:
		return Usage{WriteUnits: units(out.ConsumedCapacity)}
	case *dynamodb.GetItemOutput:
		return Usage{ReadUnits: units(out.ConsumedCapacity)}
	case *dynamodb.QueryOutput:
		return Usage{ReadUnits: units(out.ConsumedCapacity)}
	case *dynamodb.ScanOutput:
		return Usage{ReadUnits: units(out.ConsumedCapacity)}
	case *dynamodb.BatchGetItemOutput:
		var u Usage
		for _, c := range out.ConsumedCapacity {
			u.ReadUnits += units(&c)
		}
		return u
	case *dynamodb.BatchExecuteStatementOutput:
		return written(out.ConsumedCapacity)
	case *dynamodb.TransactWriteItemsOutput:
		return written(out.ConsumedCapacity)
	}
	return Usage{}
}

// written is the usage of a write to many tables.
func written(capacities []types.ConsumedCapacity) (u Usage) {
	for _, c := range capacities {
		u.WriteUnits += units(&c)
	}
	return u
}

func units(c *types.ConsumedCapacity) float64 {
	if c == nil {
		return 0
	}
	return value(c.CapacityUnits)
}
