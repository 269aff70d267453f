package connect_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"daybook"
	"daybook/aggregate"
	"daybook/aggregate/async"
	"daybook/connect"
	"daybook/dynamo"
	"daybook/functions/names"
	"daybook/inspect"
	"daybook/localstack/embedded"
	"daybook/localstack/queue"
	"daybook/localstack/wire"
	"daybook/sealed"
)

const prefix = "school-test"

// open opens an installation on an embedded DynamoDB and an embedded SQS with n dead
// letters of as many streams.
func open(t *testing.T, n int) *inspect.Installation {
	t.Helper()
	db, err := embedded.Open(t.Context(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	client := dynamo.New(dynamo.Options{
		Region: "us-east-1", Endpoint: "http://dynamodb.embedded", Credentials: dynamo.StaticCredentials("local", "local"), Transport: db.RoundTripper(),
	})
	if err := dynamo.Create(t.Context(), client, prefix, queue.Table()); err != nil {
		t.Fatal(err)
	}
	queues, err := queue.Open(t.Context(), queue.Options{Client: client, Table: dynamo.TableName(prefix, queue.Table())})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		queues.Close()
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	options := sqs.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://installation"), Credentials: dynamo.StaticCredentials("local", "local"),
		HTTPClient: &http.Client{Transport: wire.Transport(&wire.Router{Tables: db, Queue: queues})},
	}
	c := sqs.New(options)
	for _, name := range []string{names.Join(prefix, names.CommandQueue), names.Join(prefix, names.DeadQueue)} {
		if _, err := c.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: map[string]string{"FifoQueue": "true"}}); err != nil {
			t.Fatal(err)
		}
	}
	url, err := c.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String(names.Join(prefix, names.DeadQueue))})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		id := fmt.Sprint("k-", i)
		m, err := async.Envelope{Command: aggregate.Command{Name: "rename-member", ID: id, CommandID: id}}.Message("member/7")
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.SendMessage(t.Context(), &sqs.SendMessageInput{
			QueueUrl: url.QueueUrl, MessageBody: aws.String(string(m.Body)), MessageGroupId: &id, MessageDeduplicationId: &id,
			MessageAttributes: map[string]types.MessageAttributeValue{async.AttributeCode: {DataType: aws.String("String"), StringValue: aws.String("internal")}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	i, err := inspect.Open(daybook.App{Name: "school"}, connect.Sources(client, prefix, connect.NewDeadLetters(options, prefix), sealed.With{}))
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// TestLettersOnOneMachine: a page is bounded, hides no letter from the next look, and
// does not wait for letters that may come.
func TestLettersOnOneMachine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := open(t, 12)
		begin := time.Now()
		for _, limit := range []int{5, 12, 100, 12} {
			page, err := i.DeadLetters(t.Context(), limit)
			if err != nil || len(page.Letters) != min(limit, 12) || page.More != (limit < 12) {
				t.Fatalf("%d letters of at most %d, more %v, %v", len(page.Letters), limit, page.More, err)
			}
			if l := page.Letters[0]; l.Command != "rename-member" || l.Code != "internal" || l.Sent.IsZero() {
				t.Errorf("got %+v", l)
			}
		}
		if took := time.Since(begin); took >= time.Second {
			t.Errorf("it took %v of the bubble's time", took)
		}
	})
}

// TestNoLetters: a queue without letters is an empty page, and an installation may
// have no queue.
func TestNoLetters(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		page, err := open(t, 0).DeadLetters(t.Context(), 3)
		if err != nil || page.More || page.Letters == nil || len(page.Letters) > 0 {
			t.Errorf("got %+v, %v", page, err)
		}
		if s := connect.Sources(nil, prefix, nil, sealed.With{}); s.DeadLetters != nil || s.Source != prefix {
			t.Errorf("got %+v", s)
		}
	})
}
