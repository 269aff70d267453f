package queue_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"daybook/dynamo"
	"daybook/localstack/embedded"
	"daybook/localstack/queue"
	"daybook/localstack/wire"
)

const table = "test-queues"

// tables is a database for queues.
func tables(t testing.TB, o embedded.Options) (*embedded.DB, *dynamo.Client) {
	t.Helper()
	o.Log = slog.New(slog.DiscardHandler)
	db, err := embedded.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // a test may have closed it
	client := dynamo.New(dynamo.Options{
		Region: "us-east-1", Endpoint: "http://embedded", Transport: db.RoundTripper(),
		Credentials: dynamo.StaticCredentials("key", "secret"), Attempts: 20,
	})
	openTable(t, client, "test")
	return db, client
}

// openTable makes another table for queues and returns its name.
func openTable(t testing.TB, client *dynamo.Client, prefix string) string {
	t.Helper()
	if err := dynamo.Create(t.Context(), client, prefix, queue.Table()); err != nil {
		t.Fatal(err)
	}
	return dynamo.TableName(prefix, queue.Table())
}

// open opens a server and an SDK client of it.
func open(t testing.TB, client *dynamo.Client) (*queue.Server, *sqs.Client) {
	t.Helper()
	return openAt(t, client, table)
}

func openAt(t testing.TB, client *dynamo.Client, table string) (*queue.Server, *sqs.Client) {
	t.Helper()
	s, err := queue.Open(context.WithoutCancel(t.Context()), queue.Options{Client: client, Table: table, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return s, sdk(wire.Transport(s), "http://queue.embedded")
}

func sdk(transport http.RoundTripper, endpoint string) *sqs.Client {
	return sqs.New(sqs.Options{
		Region: "us-east-1", BaseEndpoint: &endpoint, HTTPClient: &http.Client{Transport: transport},
		Credentials: dynamo.StaticCredentials("key", "secret"), Retryer: aws.NopRetryer{},
	})
}

// start opens a server with nothing in it.
func start(t testing.TB) *sqs.Client {
	t.Helper()
	_, client := tables(t, embedded.Options{})
	_, c := open(t, client)
	return c
}

// create makes a queue and returns its URL.
func create(t testing.TB, c *sqs.Client, name string, attributes map[string]string) *string {
	t.Helper()
	all := map[string]string{"FifoQueue": "true"}
	for name, value := range attributes {
		all[name] = value
	}
	out, err := c.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String(name), Attributes: all})
	if err != nil {
		t.Fatal(err)
	}
	return out.QueueUrl
}

// send sends a message whose body is its deduplication id.
func send(t testing.TB, c *sqs.Client, url *string, group, body string) {
	t.Helper()
	_, err := c.SendMessage(t.Context(), &sqs.SendMessageInput{
		QueueUrl: url, MessageBody: &body, MessageGroupId: &group, MessageDeduplicationId: &body,
	})
	if err != nil {
		t.Fatal(err)
	}
}

// receive receives up to n messages with all their attributes.
func receive(t testing.TB, c *sqs.Client, url *string, n int32, wait ...int32) []types.Message {
	t.Helper()
	in := &sqs.ReceiveMessageInput{
		QueueUrl: url, MaxNumberOfMessages: n, MessageAttributeNames: []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	}
	if len(wait) > 0 {
		in.WaitTimeSeconds = wait[0]
	}
	out, err := c.ReceiveMessage(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out.Messages
}

func remove(t testing.TB, c *sqs.Client, url *string, messages ...types.Message) {
	t.Helper()
	for _, m := range messages {
		if _, err := c.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: m.ReceiptHandle}); err != nil {
			t.Fatal(err)
		}
	}
}

func setVisibility(t testing.TB, c *sqs.Client, url *string, m types.Message, seconds int32) {
	t.Helper()
	_, err := c.ChangeMessageVisibility(t.Context(), &sqs.ChangeMessageVisibilityInput{
		QueueUrl: url, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: seconds,
	})
	if err != nil {
		t.Fatal(err)
	}
}

func bodies(messages []types.Message) (all string) {
	for _, m := range messages {
		if all != "" {
			all += " "
		}
		all += *m.Body
	}
	return all
}

func want(t testing.TB, what string, messages []types.Message, expected string) {
	t.Helper()
	if got := bodies(messages); got != expected {
		t.Errorf("%s: received %q, want %q", what, got, expected)
	}
}

// code is an error's code, "" for none.
func code(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	return ""
}
