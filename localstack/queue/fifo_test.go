package queue_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"daybook/localstack/embedded"
)

const name = "commands.fifo"

func TestAGroupIsLockedWhileOneOfItsMessagesIsInFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := start(t)
		url := create(t, c, name, map[string]string{"VisibilityTimeout": "10"})
		for _, body := range []string{"a1", "b1", "a2", "a3", "b2"} {
			send(t, c, url, body[:1], body)
		}
		first := receive(t, c, url, 2)
		want(t, "of one group first", first, "a1 a2")
		want(t, "the other group", receive(t, c, url, 10), "b1 b2")
		want(t, "all locked", receive(t, c, url, 10), "")
		remove(t, c, url, first[0])
		want(t, "a2 is still in flight", receive(t, c, url, 10), "")
		remove(t, c, url, first[1])
		third := receive(t, c, url, 10)
		want(t, "unlocked", third, "a3")
		setVisibility(t, c, url, third[0], 0)
		want(t, "given back", receive(t, c, url, 10), "a3")
		time.Sleep(10 * time.Second)
		want(t, "timed out", receive(t, c, url, 10), "a3 b1 b2")
		if _, err := c.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: third[0].ReceiptHandle}); code(err) != "InvalidParameterValue" {
			t.Errorf("a receipt handle of an earlier receive: %v", err)
		}
	})
}

// TestGroupsAreReadyInTheOrderOfTheirReceipts: of groups that one batch unlocks, the first
// of the batch is received first, in every run.
func TestGroupsAreReadyInTheOrderOfTheirReceipts(t *testing.T) {
	t.Parallel()
	c := start(t)
	url := create(t, c, name, nil)
	for _, body := range strings.Fields("a1 b1 c1 d1 e1 f1 g1 h1 i1 j1") {
		send(t, c, url, body[:1], body)
	}
	first := receive(t, c, url, 10)
	for _, body := range strings.Fields("a2 b2 c2 d2 e2 f2 g2 h2 i2 j2") {
		send(t, c, url, body[:1], body)
	}
	slices.Reverse(first)
	var batch []types.DeleteMessageBatchRequestEntry
	for _, m := range first {
		batch = append(batch, types.DeleteMessageBatchRequestEntry{Id: m.Body, ReceiptHandle: m.ReceiptHandle})
	}
	if _, err := c.DeleteMessageBatch(t.Context(), &sqs.DeleteMessageBatchInput{QueueUrl: url, Entries: batch}); err != nil {
		t.Fatal(err)
	}
	want(t, "the unlocked groups", receive(t, c, url, 10), "j2 i2 h2 g2 f2 e2 d2 c2 b2 a2")
}

func TestVisibilityTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := start(t)
		url := create(t, c, name, map[string]string{"VisibilityTimeout": "10"})
		send(t, c, url, "g", "m")
		begun := time.Now()
		m := receive(t, c, url, 1)
		setVisibility(t, c, url, m[0], 15)
		want(t, "not yet", receive(t, c, url, 1, 14), "")
		m = receive(t, c, url, 1, 20)
		if want(t, "again", m, "m"); time.Since(begun) != 15*time.Second {
			t.Errorf("after %s", time.Since(begun))
		}
		if a := m[0].Attributes; a["ApproximateReceiveCount"] != "2" || a["ApproximateFirstReceiveTimestamp"] != fmt.Sprint(begun.UnixMilli()) ||
			a["SentTimestamp"] != fmt.Sprint(begun.UnixMilli()) || a["MessageGroupId"] != "g" || a["MessageDeduplicationId"] != "m" || len(a["SequenceNumber"]) != 20 {
			t.Errorf("attributes %v", a)
		}
		time.Sleep(10 * time.Second)
		for _, change := range []func() error{
			func() error {
				_, err := c.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: m[0].ReceiptHandle})
				return err
			},
			func() error {
				_, err := c.ChangeMessageVisibility(t.Context(), &sqs.ChangeMessageVisibilityInput{QueueUrl: url, ReceiptHandle: m[0].ReceiptHandle})
				return err
			},
		} {
			if err := change(); code(err) != "InvalidParameterValue" || !strings.Contains(err.Error(), "expired") {
				t.Errorf("a receipt whose time is over: %v", err)
			}
		}
		m = receive(t, c, url, 1)
		remove(t, c, url, m[0], m[0])
		time.Sleep(time.Hour)
		want(t, "deleted", receive(t, c, url, 1), "")
	})
}

// A long poll returns as soon as there is something.
func TestLongPoll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := start(t)
		url := create(t, c, name, map[string]string{"ReceiveMessageWaitTimeSeconds": "20", "VisibilityTimeout": "4"})
		begun := time.Now()
		want(t, "nothing", receive(t, c, url, 1), "")
		if took := time.Since(begun); took != 20*time.Second {
			t.Errorf("an empty poll took %s", took)
		}
		begun = time.Now()
		got := make(chan time.Duration)
		poll := func() {
			m := receive(t, c, url, 1)
			want(t, "a poll", m, "m")
			got <- time.Since(begun)
		}
		go poll()
		synctest.Wait()
		go poll()
		time.Sleep(3 * time.Second)
		send(t, c, url, "g", "m")
		if took := <-got; took != 3*time.Second {
			t.Errorf("the message came after %s", took)
		}
		if took := <-got; took != 7*time.Second { // the second waits for the visibility time-out
			t.Errorf("the message came again after %s", took)
		}
	})
}

// Closing ends every wait.
func TestClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, client := tables(t, embedded.Options{})
		server, c := open(t, client)
		url := create(t, c, name, nil)
		begun := time.Now()
		ended := make(chan struct{})
		go func() {
			want(t, "while it is closed", receive(t, c, url, 1, 20), "")
			close(ended)
		}()
		time.Sleep(3 * time.Second)
		server.Close()
		server.Close()
		<-ended
		want(t, "after it was closed", receive(t, c, url, 1, 20), "")
		if took := time.Since(begun); took != 3*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

func TestDeduplication(t *testing.T) {
	t.Parallel()
	for scope, across := range map[string]string{"queue": "x", "messageGroup": "x y"} {
		t.Run(scope, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := start(t)
				url := create(t, c, name, map[string]string{"ContentBasedDeduplication": "true", "DeduplicationScope": scope})
				put := func(group, body string, id *string) *sqs.SendMessageOutput {
					out, err := c.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: url, MessageBody: &body, MessageGroupId: &group, MessageDeduplicationId: id})
					if err != nil {
						t.Fatal(err)
					}
					return out
				}
				id := aws.String("id")
				first := put("g", "x", id)
				remove(t, c, url, receive(t, c, url, 1)...)
				time.Sleep(5*time.Minute - time.Millisecond)
				if again := put("g", "other body", id); *again.MessageId != *first.MessageId || *again.SequenceNumber != *first.SequenceNumber {
					t.Errorf("a repeat within five minutes is another message: %+v", again)
				}
				put("h", "y", id)
				want(t, "deleted, and remembered", receive(t, c, url, 10), strings.TrimPrefix(strings.TrimPrefix(across, "x"), " "))
				time.Sleep(time.Millisecond)
				put("g", "z", id)
				want(t, "after five minutes", receive(t, c, url, 10), "z")
				put("c", "content", nil)
				put("c", "content", nil)
				want(t, "by content", receive(t, c, url, 10), "content")
			})
		})
	}
}

func TestRedrive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := start(t)
		dead := create(t, c, "dead.fifo", nil)
		url := create(t, c, name, map[string]string{
			"VisibilityTimeout": "5",
			"RedrivePolicy":     `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead.fifo","maxReceiveCount":"3"}`,
		})
		send(t, c, url, "g", "poison")
		send(t, c, url, "g", "good")
		original := receive(t, c, url, 1)[0]
		time.Sleep(5 * time.Second)
		for range 2 {
			want(t, "not yet too often", receive(t, c, url, 1), "poison")
			time.Sleep(5 * time.Second)
		}
		want(t, "the group goes on", receive(t, c, url, 1), "good")
		gone := receive(t, c, dead, 10)
		if want(t, "dead", gone, "poison"); len(gone) != 1 {
			return
		}
		a := gone[0].Attributes
		if *gone[0].MessageId != *original.MessageId || a["ApproximateReceiveCount"] != "4" || a["MessageGroupId"] != "g" ||
			a["DeadLetterQueueSourceArn"] != "arn:aws:sqs:us-east-1:000000000000:commands.fifo" || a["SentTimestamp"] != fmt.Sprint(time.Now().UnixMilli()) {
			t.Errorf("the dead message: %+v, first seen %+v", gone[0], original)
		}
	})
}

func TestRetention(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := start(t)
		url := create(t, c, name, map[string]string{"MessageRetentionPeriod": "60"})
		send(t, c, url, "g", "old")
		time.Sleep(59 * time.Second)
		send(t, c, url, "g", "new")
		time.Sleep(time.Second)
		want(t, "after the retention period", receive(t, c, url, 10), "new")
	})
}

func TestBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := start(t)
		url := create(t, c, name, nil)
		entry := func(id, group, body string) types.SendMessageBatchRequestEntry {
			return types.SendMessageBatchRequestEntry{Id: &id, MessageBody: &body, MessageGroupId: &group, MessageDeduplicationId: &body}
		}
		out, err := c.SendMessageBatch(t.Context(), &sqs.SendMessageBatchInput{QueueUrl: url, Entries: []types.SendMessageBatchRequestEntry{
			entry("1", "g", "a"), entry("2", "g", "\x00"), entry("3", "g", "b"), entry("4", "g", "a"), entry("5", "no group", "c"),
		}})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Successful) != 3 || *out.Successful[0].MessageId != *out.Successful[2].MessageId {
			t.Errorf("successful: %+v", out.Successful)
		}
		if len(out.Failed) != 2 || *out.Failed[0].Id != "2" || *out.Failed[0].Code != "InvalidMessageContents" || !out.Failed[0].SenderFault || *out.Failed[1].Code != "InvalidParameterValue" {
			t.Errorf("failed: %+v", out.Failed)
		}
		m := receive(t, c, url, 10)
		want(t, "the batch", m, "a b")
		changed, err := c.ChangeMessageVisibilityBatch(t.Context(), &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: url, Entries: []types.ChangeMessageVisibilityBatchRequestEntry{
			{Id: aws.String("x"), ReceiptHandle: m[0].ReceiptHandle, VisibilityTimeout: 50_000}, {Id: aws.String("y"), ReceiptHandle: m[1].ReceiptHandle, VisibilityTimeout: 0},
		}})
		if err != nil || len(changed.Successful) != 1 || len(changed.Failed) != 1 || *changed.Failed[0].Id != "x" {
			t.Errorf("%+v %v", changed, err)
		}
		deleted, err := c.DeleteMessageBatch(t.Context(), &sqs.DeleteMessageBatchInput{QueueUrl: url, Entries: []types.DeleteMessageBatchRequestEntry{
			{Id: aws.String("x"), ReceiptHandle: m[0].ReceiptHandle}, {Id: aws.String("y"), ReceiptHandle: aws.String("rubbish")}, {Id: aws.String("z"), ReceiptHandle: m[1].ReceiptHandle},
		}})
		if err != nil || len(deleted.Successful) != 1 || len(deleted.Failed) != 2 || *deleted.Failed[0].Code != "ReceiptHandleIsInvalid" {
			t.Errorf("%+v %v", deleted, err)
		}
		want(t, "what is left", receive(t, c, url, 10), "b")
	})
}
