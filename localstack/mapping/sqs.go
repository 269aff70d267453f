package mapping

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// longPoll is how long a receive waits for messages, in seconds: SQS's longest.
const longPoll = 20

// sqsQueue is a queue by the AWS SDK.
type sqsQueue struct {
	client *sqs.Client
	url    string
	arn    string
	region string
}

// NewQueue returns the queue of a URL, read and settled by client. The ARN and the
// region appear in events.
func NewQueue(client *sqs.Client, url, arn, region string) Queue {
	return &sqsQueue{client: client, url: url, arn: arn, region: region}
}

// Receive waits for messages.
func (q *sqsQueue) Receive(ctx context.Context, limit int) ([]Message, error) {
	out, err := q.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &q.url, MaxNumberOfMessages: int32(limit), WaitTimeSeconds: longPoll, MessageAttributeNames: []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	})
	if err != nil {
		return nil, fmt.Errorf("receive messages: %w", err)
	}
	messages := make([]Message, len(out.Messages))
	for i, m := range out.Messages {
		messages[i] = q.message(m)
	}
	return messages, nil
}

func (q *sqsQueue) message(m types.Message) Message {
	receives, _ := strconv.Atoi(m.Attributes["ApproximateReceiveCount"]) // 0 for a text that is not a number
	r := MessageRecord{
		MessageID: aws.ToString(m.MessageId), ReceiptHandle: aws.ToString(m.ReceiptHandle), Body: aws.ToString(m.Body),
		Attributes: m.Attributes, MessageAttributes: map[string]MessageAttribute{}, MD5OfBody: aws.ToString(m.MD5OfBody),
		MD5OfAttributes: aws.ToString(m.MD5OfMessageAttributes), EventSource: "aws:sqs", EventSourceARN: q.arn, Region: q.region,
	}
	for name, a := range m.MessageAttributes {
		r.MessageAttributes[name] = MessageAttribute{
			StringValue: a.StringValue, BinaryValue: a.BinaryValue, DataType: aws.ToString(a.DataType),
			StringListValues: []string{}, BinaryListValues: [][]byte{},
		}
	}
	return Message{ID: r.MessageID, Handle: r.ReceiptHandle, Group: m.Attributes["MessageGroupId"], Receives: receives, Record: r}
}

// Delete deletes messages.
func (q *sqsQueue) Delete(ctx context.Context, messages []Message) error {
	in := &sqs.DeleteMessageBatchInput{QueueUrl: &q.url}
	for i, m := range messages {
		in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: &m.Handle})
	}
	out, err := q.client.DeleteMessageBatch(ctx, in)
	if err != nil {
		return fmt.Errorf("delete messages: %w", err)
	}
	var errs []error
	for _, f := range out.Failed {
		errs = append(errs, fmt.Errorf("delete a message: %s: %s", aws.ToString(f.Code), aws.ToString(f.Message)))
	}
	return errors.Join(errs...)
}

// Hide changes a message's visibility.
func (q *sqsQueue) Hide(ctx context.Context, m Message, d time.Duration) error {
	_, err := q.client.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
		QueueUrl: &q.url, ReceiptHandle: &m.Handle, VisibilityTimeout: int32(d / time.Second),
	})
	if err != nil {
		return fmt.Errorf("change the visibility of a message: %w", err)
	}
	return nil
}
