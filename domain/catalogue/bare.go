package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/dynamo"
)

// barePuts is how many items a measurement of the bare store writes.
const barePuts = 10_000

// bare is a store to compare the load with: a loop of the SDK's PutItem, of
// items as large as a small commit, without any of Daybook.
type bare struct {
	client *dynamo.Client
	table  string
}

// openBare creates a table with a stream for the measurement.
func openBare(ctx context.Context, endpoint string) (*bare, error) {
	client := dynamo.New(dynamo.Options{Region: "us-east-1", Endpoint: endpoint, Credentials: dynamo.StaticCredentials("bare", "bare")})
	spec := dynamo.EventsTable()
	spec.Name = "bare"
	prefix := fmt.Sprint("catalogue-", time.Now().UnixNano())
	if err := dynamo.Create(ctx, client, prefix, spec); err != nil {
		return nil, fmt.Errorf("the table for bare puts: %w", err)
	}
	return &bare{client, dynamo.TableName(prefix, spec)}, nil
}

// close deletes the table.
func (b *bare) close(ctx context.Context) error {
	_, err := b.client.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &b.table})
	return err
}

// measure returns puts a second with that many workers.
func (b *bare) measure(ctx context.Context, workers int) (float64, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	begin := time.Now()
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < barePuts && ctx.Err() == nil; i += workers {
				if err := b.put(ctx, fmt.Sprintf("%d-%d", begin.UnixNano(), i)); err != nil {
					cancel(err)
				}
			}
		})
	}
	wg.Wait()
	return barePuts / time.Since(begin).Seconds(), context.Cause(ctx)
}

func (b *bare) put(ctx context.Context, id string) error {
	_, err := b.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &b.table, Item: map[string]types.AttributeValue{
		"stream": &types.AttributeValueMemberS{Value: "bare/" + id},
		"commit": &types.AttributeValueMemberN{Value: "1"},
		"body":   &types.AttributeValueMemberS{Value: strings.Repeat("x", 180)},
	}})
	return err
}

// report compares the whole load with the bare store before and after it.
func report(out io.Writer, commands int, took time.Duration, before, after float64) {
	rate, puts := float64(commands)/took.Seconds(), (before+after)/2
	fmt.Fprintf(out, "all: %d commands in %.1f s, %.0f commands/s\n", commands, took.Seconds(), rate)
	fmt.Fprintf(out, "bare PutItem on the same store: %.0f/s before, %.0f/s after; commands/puts %.2f\n", before, after, rate/puts)
}
