package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"daybook/aggregate/async"
	"daybook/events"
	"daybook/functions/names"
)

// deadLetters is the queue of dead letters, opened.
type deadLetters struct {
	client         *sqs.Client
	dead, commands string    // URLs
	opened         time.Time // by the clock of SQS
	patience       time.Duration
}

// openDead finds the two queues by their names.
func (s *session) openDead(ctx context.Context) (*deadLetters, error) {
	o := sqs.Options{Region: s.aws.Region, Credentials: s.aws.Credentials, HTTPClient: &http.Client{Timeout: 30 * time.Second, Transport: s.transport}}
	if s.endpoint != "" {
		o.BaseEndpoint = &s.endpoint
	}
	d := &deadLetters{client: sqs.New(o), patience: hidden}
	for name, url := range map[string]*string{names.Join(s.prefix, names.DeadQueue): &d.dead, names.Join(s.prefix, names.CommandQueue): &d.commands} {
		out, err := d.client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
		if err != nil {
			return nil, fmt.Errorf("queue %s: %w", name, err)
		}
		*url = aws.ToString(out.QueueUrl)
		var told bool
		if d.opened, told = awsmiddleware.GetServerTime(out.ResultMetadata); !told {
			d.opened = time.Now()
		}
	}
	return d, nil
}

// letter is a dead letter that was received.
type letter struct {
	deadLine
	message types.Message
}

// origins are the ids that the letter had in the command queue: its own when the
// queue moved it, its deduplication id when the command function sent it.
func (l *letter) origins() []string {
	return []string{aws.ToString(l.message.MessageId), l.message.Attributes[string(types.MessageSystemAttributeNameMessageDeduplicationId)]}
}

// there reports whether a letter was in the queue when it was opened. The clock of
// SQS is known to the second.
func (d *deadLetters) there(l *letter) bool { return l.Sent.Before(d.opened.Add(time.Second)) }

// The time for which a dead letter that is looked at is hidden, and how many are
// received at once.
const (
	hidden  = 60 * time.Second
	letters = 10
)

// each hands every dead letter that can be received to f, once each. Letters that
// f does not take stay in the queue, hidden until each returns. It ends when no
// letter is left, or when for d.patience none came that was there at the beginning:
// hidden letters come back, and others may arrive as fast as they are received.
// more (nil: no) is asked whenever there was nothing of that kind, and reports
// whether to wait for letters that arrive.
func (d *deadLetters) each(ctx context.Context, more func() (bool, error), f func(letter) (taken bool, err error)) (err error) {
	kept := map[string]*string{} // receipt handles of letters that stay, by message id
	seen := map[string]bool{}
	defer func() { err = errors.Join(err, d.show(context.WithoutCancel(ctx), kept)) }()
	for progress := time.Now(); time.Since(progress) < d.patience; {
		messages, err := d.receive(ctx)
		if err != nil {
			return err
		}
		for _, m := range messages {
			kept[aws.ToString(m.MessageId)] = m.ReceiptHandle
		}
		quiet := true
		for _, m := range messages {
			id, l := aws.ToString(m.MessageId), letter{lineOfLetter(m), m}
			if seen[id] {
				continue
			}
			if seen[id] = true; d.there(&l) {
				quiet, progress = false, time.Now()
			}
			taken, err := f(l)
			if taken {
				delete(kept, id)
			}
			if err != nil {
				return err
			}
		}
		if !quiet {
			continue
		}
		again := false
		if more != nil {
			if again, err = more(); err != nil {
				return err
			}
		}
		if len(messages) == 0 && !again {
			return nil
		}
	}
	return nil
}

// show ends the time for which letters are hidden, by their receipt handles. One
// that can't be changed is shown already: its time is over.
func (d *deadLetters) show(ctx context.Context, handles map[string]*string) error {
	var errs []error
	for some := range slices.Chunk(slices.Collect(maps.Values(handles)), letters) {
		entries := make([]types.ChangeMessageVisibilityBatchRequestEntry, len(some))
		for i, handle := range some {
			entries[i] = types.ChangeMessageVisibilityBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: handle}
		}
		_, err := d.client.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &d.dead, Entries: entries})
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (d *deadLetters) receive(ctx context.Context) ([]types.Message, error) {
	out, err := d.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &d.dead, MaxNumberOfMessages: letters, VisibilityTimeout: int32(hidden.Seconds()), WaitTimeSeconds: 1,
		MessageAttributeNames: []string{"All"}, MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	})
	if err != nil {
		return nil, fmt.Errorf("receive dead letters: %w", err)
	}
	return out.Messages, nil
}

func lineOfLetter(m types.Message) deadLine {
	attribute := func(name string) string { return aws.ToString(m.MessageAttributes[name].StringValue) }
	l := deadLine{
		ID: aws.ToString(m.MessageId), Group: m.Attributes["MessageGroupId"],
		Code: events.Code(attribute(async.AttributeCode)), Text: attribute(async.AttributeError),
	}
	l.Receives, _ = strconv.Atoi(attribute(async.AttributeReceives))
	if ms, err := strconv.ParseInt(m.Attributes["SentTimestamp"], 10, 64); err == nil {
		l.Sent = time.UnixMilli(ms).UTC()
	}
	if l.Code == "" { // moved by the queue itself
		l.Text = "received too often; the command function never reported why"
	}
	if q, err := async.Decode([]byte(aws.ToString(m.Body))); err == nil {
		l.ID, l.Command = q.Command.CommandID, q.Command.Name
	}
	return l
}

// resend sends a dead letter to the command queue, deletes it, and returns its id
// there. The queue would drop it under the deduplication id that it had.
func (d *deadLetters) resend(ctx context.Context, m types.Message) (id string, err error) {
	deduplication := "redrive-" + aws.ToString(m.MessageId)
	out, err := d.client.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: &d.commands, MessageBody: m.Body, MessageGroupId: aws.String(m.Attributes["MessageGroupId"]), MessageDeduplicationId: &deduplication,
	})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.MessageId), d.remove(ctx, m)
}

func (d *deadLetters) remove(ctx context.Context, m types.Message) error {
	_, err := d.client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &d.dead, ReceiptHandle: m.ReceiptHandle})
	return err
}
