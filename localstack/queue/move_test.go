package queue_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"daybook/localstack/embedded"
)

const (
	arnPrefix = "arn:aws:sqs:us-east-1:000000000000:"
	deadARN   = arnPrefix + "dead.fifo"
)

// deadLetters makes a queue with a dead-letter queue, and lets messages die.
func deadLetters(t *testing.T, c *sqs.Client, bodies ...string) (url, dead *string) {
	t.Helper()
	dead = create(t, c, "dead.fifo", nil)
	url = create(t, c, name, map[string]string{"VisibilityTimeout": "1", "RedrivePolicy": `{"deadLetterTargetArn":"` + deadARN + `","maxReceiveCount":1}`})
	for _, body := range bodies {
		send(t, c, url, body[:1], body)
	}
	receive(t, c, url, 10)
	time.Sleep(2 * time.Second)
	want(t, "all are dead", receive(t, c, url, 10), "")
	return url, dead
}

func moveTask(t *testing.T, c *sqs.Client, in *sqs.StartMessageMoveTaskInput) *string {
	t.Helper()
	in.SourceArn = aws.String(deadARN)
	out, err := c.StartMessageMoveTask(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out.TaskHandle
}

func latestTask(t *testing.T, c *sqs.Client) types.ListMessageMoveTasksResultEntry {
	t.Helper()
	out, err := c.ListMessageMoveTasks(t.Context(), &sqs.ListMessageMoveTasksInput{SourceArn: aws.String(deadARN)})
	if err != nil || len(out.Results) != 1 {
		t.Fatalf("%v, %v", out, err)
	}
	return out.Results[0]
}

// A task moves each message back to where it came from, in order, as a new
// message.
func TestMoveTask(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := start(t)
		url, dead := deadLetters(t, c, "a1", "b1", "a2")
		letters := receive(t, c, dead, 10)
		want(t, "dead", letters, "b1 a1 a2")
		time.Sleep(30 * time.Second)
		begun := time.Now()
		moveTask(t, c, &sqs.StartMessageMoveTaskInput{})
		synctest.Wait()
		back := receive(t, c, url, 10)
		want(t, "moved back", back, "b1 a1 a2")
		for i, m := range back {
			a := m.Attributes
			if *m.MessageId == *letters[i].MessageId || a["MessageDeduplicationId"] != *letters[i].MessageId || a["ApproximateReceiveCount"] != "1" ||
				a["DeadLetterQueueSourceArn"] != "" || a["SentTimestamp"] < letters[i].Attributes["SentTimestamp"] {
				t.Errorf("%s came back as %+v", *m.Body, m)
			}
		}
		want(t, "nothing is left", receive(t, c, dead, 10), "")
		task := latestTask(t, c)
		if *task.Status != "COMPLETED" || task.TaskHandle != nil || task.ApproximateNumberOfMessagesMoved != 3 || *task.ApproximateNumberOfMessagesToMove != 3 ||
			*task.SourceArn != deadARN || task.DestinationArn != nil || task.StartedTimestamp != begun.UnixMilli() {
			t.Errorf("%+v", task)
		}
		// A message that fails again is a dead letter again, and a further task finds it.
		time.Sleep(2 * time.Second)
		want(t, "dead again", receive(t, c, url, 10), "")
		want(t, "letters", receive(t, c, dead, 10), "b1 a1 a2")
	})
}

// A message that comes while a task runs, or is in flight, is left where it is.
func TestMoveTaskMovesWhatWasThere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := start(t)
		url, dead := deadLetters(t, c, "a1", "b1", "c1")
		other := create(t, c, "other.fifo", nil)
		held := receive(t, c, dead, 1)
		want(t, "in flight", held, "a1")
		moveTask(t, c, &sqs.StartMessageMoveTaskInput{DestinationArn: aws.String(arnPrefix + "other.fifo"), MaxNumberOfMessagesPerSecond: aws.Int32(1)})
		synctest.Wait()
		send(t, c, dead, "d", "d1")
		if task := latestTask(t, c); *task.Status != "RUNNING" || task.TaskHandle == nil || task.ApproximateNumberOfMessagesMoved != 1 || *task.MaxNumberOfMessagesPerSecond != 1 {
			t.Errorf("%+v", task)
		}
		_, err := c.StartMessageMoveTask(t.Context(), &sqs.StartMessageMoveTaskInput{SourceArn: aws.String(deadARN)})
		if code(err) != "InvalidParameterValue" || !strings.Contains(err.Error(), "already a task running") {
			t.Errorf("a second task: %v", err)
		}
		time.Sleep(5 * time.Second)
		want(t, "at the destination", receive(t, c, other, 10), "b1 c1")
		want(t, "at the source", receive(t, c, url, 10), "")
		if task := latestTask(t, c); *task.Status != "COMPLETED" || *task.DestinationArn != arnPrefix+"other.fifo" || task.ApproximateNumberOfMessagesMoved != 2 {
			t.Errorf("%+v", task)
		}
		time.Sleep(30 * time.Second)
		want(t, "left", receive(t, c, dead, 10), "d1 a1")
	})
}

func TestMoveTaskIsCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := start(t)
		url, dead := deadLetters(t, c, "a1", "b1", "c1")
		handle := moveTask(t, c, &sqs.StartMessageMoveTaskInput{MaxNumberOfMessagesPerSecond: aws.Int32(1)})
		time.Sleep(1500 * time.Millisecond)
		out, err := c.CancelMessageMoveTask(t.Context(), &sqs.CancelMessageMoveTaskInput{TaskHandle: handle})
		if err != nil || out.ApproximateNumberOfMessagesMoved != 2 {
			t.Fatalf("%+v, %v", out, err)
		}
		time.Sleep(10 * time.Second)
		want(t, "moved", receive(t, c, url, 10), "a1 b1")
		want(t, "left", receive(t, c, dead, 10), "c1")
		if task := latestTask(t, c); *task.Status != "CANCELLED" {
			t.Errorf("%+v", task)
		}
		if _, err := c.CancelMessageMoveTask(t.Context(), &sqs.CancelMessageMoveTaskInput{TaskHandle: handle}); code(err) != "AWS.SimpleQueueService.UnsupportedOperation" && code(err) != "UnsupportedOperation" {
			t.Errorf("cancelled twice: %v", err)
		}
	})
}

// A moved message survives a restart, once; the task does not.
func TestMoveTaskAndRestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, client := tables(t, embedded.Options{})
		server, c := open(t, client)
		_, _ = deadLetters(t, c, "a1", "a2", "a3")
		moveTask(t, c, &sqs.StartMessageMoveTaskInput{MaxNumberOfMessagesPerSecond: aws.Int32(1)})
		time.Sleep(1500 * time.Millisecond)
		server.Close()
		time.Sleep(10 * time.Second) // a closed server moves nothing
		_, c = open(t, client)
		url, err := c.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String(name)})
		if err != nil {
			t.Fatal(err)
		}
		dead, err := c.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String("dead.fifo")})
		if err != nil {
			t.Fatal(err)
		}
		want(t, "moved", receive(t, c, url.QueueUrl, 10), "a1 a2")
		want(t, "left", receive(t, c, dead.QueueUrl, 10), "a3")
	})
}

func TestMoveTaskFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := start(t)
		_, dead := deadLetters(t, c)
		send(t, c, dead, "g", "sent-to-it")
		moveTask(t, c, &sqs.StartMessageMoveTaskInput{})
		synctest.Wait()
		if task := latestTask(t, c); *task.Status != "FAILED" || !strings.HasPrefix(*task.FailureReason, "CouldNotDetermineMessageSource") {
			t.Errorf("%+v", task)
		}
		want(t, "it is still there", receive(t, c, dead, 10), "sent-to-it")
	})
}

func TestMoveTaskValidation(t *testing.T) {
	t.Parallel()
	c := start(t)
	create(t, c, "dead.fifo", nil)
	create(t, c, name, map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"` + deadARN + `","maxReceiveCount":1}`})
	begin := func(source, destination string, rate *int32) func() error {
		in := &sqs.StartMessageMoveTaskInput{SourceArn: &source, MaxNumberOfMessagesPerSecond: rate}
		if destination != "" {
			in.DestinationArn = &destination
		}
		return func() error { _, err := c.StartMessageMoveTask(t.Context(), in); return err }
	}
	list := func(source string, limit *int32) func() error {
		return func() error {
			_, err := c.ListMessageMoveTasks(t.Context(), &sqs.ListMessageMoveTasksInput{SourceArn: &source, MaxResults: limit})
			return err
		}
	}
	cancel := func(handle string) func() error {
		return func() error {
			_, err := c.CancelMessageMoveTask(t.Context(), &sqs.CancelMessageMoveTaskInput{TaskHandle: &handle})
			return err
		}
	}
	for what, test := range map[string]struct {
		do            func() error
		code, message string
	}{
		"no source":               {begin("", "", nil), "MissingParameter", "SourceArn"},
		"no ARN":                  {begin("dead.fifo", "", nil), "InvalidParameterValue", "to specify the SourceArn: arn:<partition>"},
		"no queue":                {begin(arnPrefix+"none.fifo", "", nil), "ResourceNotFoundException", "The resource that you specified for the SourceArn parameter doesn't exist."},
		"no dead-letter queue":    {begin(arnPrefix+name, "", nil), "InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue."},
		"no destination":          {begin(deadARN, arnPrefix+"none.fifo", nil), "ResourceNotFoundException", "The resource that you specified for the DestinationArn parameter doesn't exist."},
		"to itself":               {begin(deadARN, deadARN, nil), "InvalidParameterValue", "Source queue arn and destination queue arn cannot be the same."},
		"too fast":                {begin(deadARN, "", aws.Int32(501)), "InvalidParameterValue", "MaxNumberOfMessagesPerSecond"},
		"list too many":           {list(deadARN, aws.Int32(11)), "InvalidParameterValue", "MaxResults"},
		"list of no queue":        {list(arnPrefix+"none.fifo", nil), "ResourceNotFoundException", "SourceArn"},
		"cancel nonsense":         {cancel("nonsense"), "InvalidParameterValue", "TaskHandle"},
		"cancel what never began": {cancel("eyJ0YXNrSWQiOiJ4Iiwic291cmNlQXJuIjoiYXJuOmF3czpzcXM6dXMtZWFzdC0xOjAwMDAwMDAwMDAwMDpkZWFkLmZpZm8ifQ=="), "ResourceNotFoundException", "Task does not exist."},
	} {
		if err := test.do(); code(err) != test.code || !strings.Contains(err.Error(), test.message) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := list(deadARN, nil)(); err != nil {
		t.Errorf("a queue without tasks: %v", err)
	}
}
