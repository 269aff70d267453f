package schedule_test

import (
	"context"
	"fmt"

	"daybook/dynamo"
	"daybook/localstack/embedded"
	"daybook/localstack/schedule"
)

func ExampleOpen() {
	ctx := context.Background()
	db, err := embedded.Open(ctx, embedded.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close() //nolint:errcheck // nothing is kept
	client := dynamo.New(dynamo.Options{
		Region: "us-east-1", Endpoint: "http://embedded", Transport: db.RoundTripper(), Credentials: dynamo.StaticCredentials("any", "any"),
	})
	if err := dynamo.Create(ctx, client, "example", schedule.Table()); err != nil {
		fmt.Println(err)
		return
	}
	server, err := schedule.Open(ctx, schedule.Options{
		Client: client, Table: "example-schedules", Groups: []string{"shop"},
		Send: func(_ context.Context, arn, group, body string) error {
			fmt.Println(arn, group, body)
			return nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	server.Close()
	fmt.Println("nothing was due")
	// Output: nothing was due
}
