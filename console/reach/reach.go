package reach

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"daybook/connect"
	"daybook/console"
	"daybook/dynamo"
	"daybook/dynamo/changes"
	"daybook/events"
	"daybook/inspect"
	"daybook/sealed"
	"daybook/view"
	"daybook/view/driver"
)

// Installation fills in how a console reaches its installation: the tables whose names
// begin with o.Prefix, their change stream, and the command queue.
func Installation(o *console.Options, client dynamo.API, streams *dynamodbstreams.Client, letters sqs.Options, sealing sealed.With) {
	o.Sources = connect.Sources(client, o.Prefix, connect.NewDeadLetters(letters, o.Prefix), sealing)
	o.Queue = &consoleQueue{options: letters, prefix: o.Prefix, requests: o.Sources.Statuses}
	events := dynamo.TableName(o.Prefix, dynamo.EventsTable())
	store := dynamo.NewEventStore(client, events, dynamo.WithClaims(dynamo.TableName(o.Prefix, dynamo.ClaimsTable())))
	o.Scanned, o.Tables = sealing.Store(store.StrongScan()), sealing.Tables(dynamo.NewTables(client, o.Prefix))
	o.Changes = changesOf(client, streams, events)
	o.Measure = func(ctx context.Context, t driver.Target) (items, size int64, err error) {
		name := dynamo.TableName(o.Prefix, dynamo.GenerationTable(view.Description{Name: t.View, Version: t.Version}, t.Generation))
		out, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
		if err != nil {
			return 0, 0, err
		}
		return aws.ToInt64(out.Table.ItemCount), aws.ToInt64(out.Table.TableSizeBytes), nil
	}
}

// poll is the pause of a console's follower: DynamoDB answers five reads of a shard in
// a second, all readers together.
const poll = 500 * time.Millisecond

// changesOf follows the change stream of a table.
func changesOf(client dynamo.API, streams *dynamodbstreams.Client, table string) func(context.Context, time.Time, func(*events.Commit, time.Time)) error {
	return func(ctx context.Context, since time.Time, each func(*events.Commit, time.Time)) error {
		out, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &table})
		if err != nil {
			return fmt.Errorf("table %s: %w", table, err)
		}
		arn := aws.ToString(out.Table.LatestStreamArn)
		if arn == "" {
			return fmt.Errorf("table %s has no change stream", table)
		}
		return changes.New(streams, arn, changes.Options{Since: since, Poll: poll, Warn: func(error) {}}).Follow(ctx,
			func(c *events.Commit, stored time.Time) bool {
				if !stored.Before(since.Truncate(time.Second)) {
					each(c, stored)
				}
				return ctx.Err() == nil
			})
	}
}

// consoleQueue is the command queue of a console.
type consoleQueue struct {
	options  sqs.Options
	prefix   string
	requests inspect.Statuses
}

// redriveWait is how long a redriven command's outcome is waited for.
const redriveWait = 10 * time.Second

func (q *consoleQueue) open(ctx context.Context, tenant string) (*connect.DeadLetters, error) {
	d := connect.NewDeadLetters(q.options, q.prefix)
	d.Patience, d.Tenant = redriveWait, tenant
	return d, d.Open(ctx)
}

// Redrive implements console.Queue.
func (q *consoleQueue) Redrive(ctx context.Context, tenant string, ids []string) ([]inspect.HandledLetter, error) {
	d, err := q.open(ctx, tenant)
	if err != nil {
		return nil, err
	}
	return d.Redrive(ctx, ids, q.requests, redriveWait)
}

// Drop implements console.Queue.
func (q *consoleQueue) Drop(ctx context.Context, tenant string, ids []string) (dropped []inspect.HandledLetter, err error) {
	d, err := q.open(ctx, tenant)
	if err != nil {
		return nil, err
	}
	err = d.Drop(ctx, ids, func(l inspect.HandledLetter) error {
		dropped = append(dropped, l)
		return nil
	})
	return dropped, err
}

// Depth implements console.Queue.
func (q *consoleQueue) Depth(ctx context.Context) (inspect.Depth, error) {
	d, err := q.open(ctx, "")
	if err != nil {
		return inspect.Depth{}, err
	}
	return d.Depth(ctx)
}
