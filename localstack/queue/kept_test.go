package queue_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"daybook/dynamo"
	"daybook/localstack/embedded"
	"daybook/localstack/queue"
)

// A queue comes back as it was, but for what was in flight.
func TestRestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, client := tables(t, embedded.Options{})
		_, c := open(t, client)
		url := create(t, c, name, map[string]string{"VisibilityTimeout": "100", "ContentBasedDeduplication": "true"})
		for _, body := range []string{"a1", "a2", "b1"} {
			send(t, c, url, body[:1], body)
		}
		remove(t, c, url, receive(t, c, url, 1)...) // a1
		before := receive(t, c, url, 1)
		want(t, "before", before, "b1")
		created := shown(t, c, url)

		_, c = open(t, client)
		if again := shown(t, c, url); again != strings.Replace(created, "NotVisible=1", "NotVisible=0", 1) {
			t.Errorf("attributes\n got %s\nwant %s", again, created)
		}
		send(t, c, url, "a", "a1") // deleted, and remembered
		send(t, c, url, "a", "a2") // still there
		send(t, c, url, "a", "a3")
		after := receive(t, c, url, 10)
		want(t, "after", after, "a2 a3 b1")
		b1 := after[2]
		if *b1.MessageId != *before[0].MessageId || b1.Attributes["ApproximateReceiveCount"] != "2" || b1.Attributes["SequenceNumber"] != before[0].Attributes["SequenceNumber"] ||
			b1.Attributes["ApproximateFirstReceiveTimestamp"] != before[0].Attributes["ApproximateFirstReceiveTimestamp"] {
			t.Errorf("before %+v, after %+v", before[0].Attributes, b1.Attributes)
		}
		if after[1].Attributes["SequenceNumber"] <= after[0].Attributes["SequenceNumber"] {
			t.Error("sequence numbers do not grow")
		}
		if _, err := c.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: before[0].ReceiptHandle}); code(err) != "InvalidParameterValue" {
			t.Errorf("a receipt handle of before: %v", err)
		}
		remove(t, c, url, after...)
		time.Sleep(6 * time.Minute)
		if _, c = open(t, client); items(t, client) != 2 {
			t.Errorf("%d items are left, beside the queue and the epoch", items(t, client)-2)
		}
		send(t, c, url, "a", "a1")
		want(t, "forgotten", receive(t, c, url, 10), "a1")
	})
}

func shown(t *testing.T, c *sqs.Client, url *string) string {
	t.Helper()
	out, err := c.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll}})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for name, value := range out.Attributes {
		if name != "ApproximateNumberOfMessages" {
			all = append(all, name+"="+value)
		}
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

func items(t *testing.T, client *dynamo.Client) int {
	t.Helper()
	out, err := client.Scan(t.Context(), &dynamodb.ScanInput{TableName: aws.String(table)})
	if err != nil {
		t.Fatal(err)
	}
	return len(out.Items)
}

// Bodies are as large as SQS allows, whatever an item of the table may hold.
func TestLargeMessages(t *testing.T) {
	t.Parallel()
	_, client := tables(t, embedded.Options{})
	_, c := open(t, client)
	url := create(t, c, name, map[string]string{"ContentBasedDeduplication": "true"})
	body := strings.Repeat("é€", 1<<20/5)
	for range 2 {
		if _, err := c.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: url, MessageBody: &body, MessageGroupId: aws.String("g")}); err != nil {
			t.Fatal(err)
		}
	}
	_, c = open(t, client)
	got := receive(t, c, url, 10)
	if len(got) != 1 || *got[0].Body != body {
		t.Fatalf("%d messages", len(got))
	}
	_, c = open(t, client)
	got = receive(t, c, url, 10)
	if len(got) != 1 || *got[0].Body != body {
		t.Fatalf("after a receive: %d messages", len(got))
	}
	remove(t, c, url, got...)
	if n := items(t, client); n != 3 {
		t.Errorf("%d items are left, want the queue, the epoch and what deduplication needs", n)
	}
	body += "more"
	if _, err := c.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: url, MessageBody: &body, MessageGroupId: aws.String("g")}); code(err) != "InvalidParameterValue" {
		t.Errorf("too large: %v", err)
	}
}

// dying is a transport whose database goes away with the n-th write: it is
// carried out or not, and nobody hears of it.
type dying struct {
	http.RoundTripper
	left     atomic.Int64
	carryOut bool
}

var errDead = errors.New("the database is gone")

func (d *dying) RoundTrip(r *http.Request) (*http.Response, error) {
	left := d.left.Add(-1)
	if left == 0 && d.carryOut {
		if answer, err := d.RoundTripper.RoundTrip(r); err == nil {
			_ = answer.Body.Close() // nobody reads it
		}
	}
	if left <= 0 {
		return nil, errDead
	}
	return d.RoundTripper.RoundTrip(r)
}

// The process is killed at any write: what was acknowledged is there, once and in
// order; what was deleted is not.
func TestKilledBetweenAnyTwoWrites(t *testing.T) {
	t.Parallel()
	for kill := int64(1); kill <= 20; kill++ {
		for _, carryOut := range []bool{false, true} {
			t.Run(fmt.Sprint(kill, carryOut), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { killedAt(t, kill, carryOut) })
			})
		}
	}
}

func killedAt(t *testing.T, kill int64, carryOut bool) {
	db, client := tables(t, embedded.Options{})
	_, c := open(t, client)
	dead := create(t, c, "dead.fifo", nil)
	url := create(t, c, name, map[string]string{"VisibilityTimeout": "1",
		"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead.fifo","maxReceiveCount":1}`})

	transport := &dying{RoundTripper: db.RoundTripper(), carryOut: carryOut}
	transport.left.Store(1 << 40)
	failing := dynamo.New(dynamo.Options{
		Region: "us-east-1", Endpoint: "http://embedded", Transport: transport, Attempts: 1, Credentials: dynamo.StaticCredentials("key", "secret"),
	})
	_, c = open(t, failing)
	transport.left.Store(kill)
	acknowledged, deleted := map[string]bool{}, map[string]bool{}
	for i := range 6 {
		body := fmt.Sprint("m", i)
		_, err := c.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: url, MessageBody: &body, MessageGroupId: aws.String("g"), MessageDeduplicationId: &body})
		acknowledged[body] = err == nil
		out, err := c.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: url})
		if err == nil && len(out.Messages) == 1 && i%2 == 0 { // the others time out and die
			_, err := c.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: out.Messages[0].ReceiptHandle})
			if deleted[*out.Messages[0].Body] = err == nil; err != nil { // it may be deleted
				delete(acknowledged, *out.Messages[0].Body)
			}
		}
		time.Sleep(time.Second)
	}

	_, c = open(t, client)
	seen := map[string]int{}
	last := ""
	for _, u := range []*string{url, dead} {
		for {
			got := receive(t, c, u, 1)
			if len(got) == 0 {
				break
			}
			remove(t, c, u, got...)
			body := *got[0].Body
			if seen[body]++; u == url && body <= last {
				t.Errorf("%s after %s", body, last)
			}
			last = body
		}
	}
	for body, ok := range acknowledged {
		if n := seen[body]; ok && !deleted[body] && n == 0 || deleted[body] && n > 0 {
			t.Errorf("%s, acknowledged %t, deleted %t, is there %d times", body, ok, deleted[body], n)
		}
	}
}

// Data that a killed process had handed to the operating system is there.
func TestDataOnDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db, client := tables(t, embedded.Options{Dir: dir})
	_, c := open(t, client)
	url := create(t, c, name, nil)
	for i := range 30 {
		send(t, c, url, fmt.Sprint(i%3), fmt.Sprint(i))
	}
	remove(t, c, url, receive(t, c, url, 10)...)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	_, client = tables(t, embedded.Options{Dir: dir})
	_, c = open(t, client)
	left := 0
	for {
		got := receive(t, c, url, 10)
		if len(got) == 0 {
			break
		}
		left += len(got)
	}
	if left != 20 {
		t.Errorf("%d messages are left, want 20", left)
	}
}

// A database on a bad day makes no difference.
func TestHostileDatabase(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, client := tables(t, embedded.Options{Hostile: &embedded.Hostile{Seed: 1, Throttle: 0.05, Fail: 0.05, LoseRequests: 0.05, LoseAnswers: 0.1, Unprocessed: 0.2}})
		_, c := open(t, client)
		url := create(t, c, name, map[string]string{"VisibilityTimeout": "3600"})
		for i := range 60 {
			send(t, c, url, fmt.Sprint(i%4), fmt.Sprintf("%02d", i))
		}
		seen := map[string]int{}
		for i := 0; ; i++ {
			got := receive(t, c, url, 10)
			if len(got) == 0 {
				break
			}
			for _, m := range got {
				seen[*m.Body]++
			}
			remove(t, c, url, got...)
			if i%3 == 0 {
				_, c = open(t, client)
			}
		}
		if len(seen) != 60 {
			t.Errorf("received %d different messages: %v", len(seen), seen)
		}
		for body, n := range seen {
			if n != 1 {
				t.Errorf("%s was received %d times", body, n)
			}
		}
	})
}

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
	if err := dynamo.Create(ctx, client, "example", queue.Table()); err != nil {
		fmt.Println(err)
		return
	}
	server, err := queue.Open(ctx, queue.Options{Client: client, Table: "example-queues"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(server.ARN("commands.fifo"))
	// Output: arn:aws:sqs:us-east-1:000000000000:commands.fifo
}
