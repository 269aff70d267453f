package connect

import (
	"context"
	"errors"
	"fmt"
	"maps"
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
	"daybook/inspect"
)

// DeadLetters are the dead letters of an installation's command queue. A value of
// it is for one caller at a time, but for Letters.
type DeadLetters struct {
	client *sqs.Client
	prefix string // of the queues' names
	near   bool   // the queue is on one machine, where an empty answer says that there is none
	wait   int32  // seconds that SQS waits for letters
	// Patience bounds the wait for letters that are hidden by others; the time for
	// which looking at one hides it unless set.
	Patience time.Duration
	// Tenant is whose letters are chosen by their ids or all together, "" for all
	// tenants. A letter that can't be read may be anybody's.
	Tenant string

	dead, commands string    // URLs, once opened
	opened         time.Time // by the clock of SQS
}

var _ inspect.DeadLetters = (*DeadLetters)(nil)

// NewDeadLetters returns the dead letters of the installation whose names begin with
// prefix. It sends nothing.
func NewDeadLetters(o sqs.Options, prefix string) *DeadLetters {
	return &DeadLetters{client: sqs.New(o), prefix: prefix, near: o.BaseEndpoint != nil, wait: 1, Patience: hidden}
}

// Open finds the two queues by their names. Letters that arrive later are not There.
func (d *DeadLetters) Open(ctx context.Context) error {
	for name, url := range map[string]*string{names.Join(d.prefix, names.DeadQueue): &d.dead, names.Join(d.prefix, names.CommandQueue): &d.commands} {
		out, err := d.client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
		if err != nil {
			return fmt.Errorf("queue %s: %w", name, err)
		}
		*url = aws.ToString(out.QueueUrl)
		var told bool
		if d.opened, told = awsmiddleware.GetServerTime(out.ResultMetadata); !told {
			d.opened = time.Now()
		}
	}
	return nil
}

// Letters implements inspect.DeadLetters. Of each stream it sees the first ten.
func (d *DeadLetters) Letters(ctx context.Context, limit int) (found []inspect.Letter, more bool, err error) {
	one := &DeadLetters{client: d.client, prefix: d.prefix, wait: 1, Patience: time.Second, Tenant: d.Tenant}
	if d.near {
		one.wait = 0
	}
	if err := one.Open(ctx); err != nil {
		return nil, false, events.Wrap(events.CodeUnavailable, err, "the command queue can't be reached")
	}
	err = one.Each(ctx, nil, func(l Letter) (bool, error) {
		if !one.Of(&l) {
			return false, nil
		}
		if found = append(found, l.Letter); len(found) > limit {
			return false, errEnough
		}
		return false, nil
	})
	if more = len(found) > limit; more {
		found = found[:limit]
	}
	if err != nil && !errors.Is(err, errEnough) {
		return nil, false, events.Wrap(events.CodeUnavailable, err, "dead letters can't be read")
	}
	return found, more, nil
}

// errEnough ends the reading of letters.
var errEnough = errors.New("the limit of letters is reached")

// Letter is a dead letter that was received.
type Letter struct {
	inspect.Letter
	message types.Message
}

// Origins are the ids that the letter had in the command queue: its own when the
// queue moved it, its deduplication id when the command function sent it.
func (l *Letter) Origins() []string {
	return []string{aws.ToString(l.message.MessageId), l.message.Attributes[string(types.MessageSystemAttributeNameMessageDeduplicationId)]}
}

// Body returns the message as it is stored.
func (l *Letter) Body() string { return aws.ToString(l.message.Body) }

// Depth returns how many letters there are, and how many commands are in the command
// queue: about as many, as SQS says.
func (d *DeadLetters) Depth(ctx context.Context) (depth inspect.Depth, err error) {
	for url, received := range map[*string]*int64{&d.dead: &depth.Dead, &d.commands: &depth.InFlight} {
		out, err := d.client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll}})
		if err != nil {
			return depth, fmt.Errorf("queue %s: %w", *url, err)
		}
		visible := &depth.Pending
		if url == &d.dead {
			visible = &depth.Dead
		}
		for name, count := range map[types.QueueAttributeName]*int64{
			types.QueueAttributeNameApproximateNumberOfMessages: visible, types.QueueAttributeNameApproximateNumberOfMessagesDelayed: visible,
			types.QueueAttributeNameApproximateNumberOfMessagesNotVisible: received,
		} {
			n, err := strconv.ParseInt(out.Attributes[string(name)], 10, 64)
			if err != nil {
				return depth, fmt.Errorf("queue %s: %s: %w", *url, name, err)
			}
			*count += n
		}
	}
	return depth, nil
}

// EachWaiting hands the commands that wait in the command queue to f, as Each does with
// letters: of each stream the first ten. Looking counts as a receive, and a stream that is
// looked at waits until it ends, for at most looking.
func (d *DeadLetters) EachWaiting(ctx context.Context, f func(Letter)) error {
	waiting := *d
	waiting.dead, waiting.Patience = d.commands, looking
	bounded, cancel := context.WithTimeout(ctx, looking)
	defer cancel()
	err := waiting.Each(bounded, nil, func(l Letter) (bool, error) { f(l); return false, nil })
	if bounded.Err() != nil && ctx.Err() == nil {
		return nil
	}
	return err
}

// There reports whether a letter was in the queue when it was opened. The clock of
// SQS is known to the second.
func (d *DeadLetters) There(l *Letter) bool { return l.Sent.Before(d.opened.Add(time.Second)) }

// Of reports whether a letter may be one of Tenant.
func (d *DeadLetters) Of(l *Letter) bool {
	return d.Tenant == "" || d.Tenant == l.Tenant || l.Command == ""
}

// The time for which a message that is looked at is hidden, the time for which waiting
// commands are looked at, which is shorter, so that each is received once, and how many
// are received at once.
const (
	hidden  = 60 * time.Second
	looking = 20 * time.Second
	letters = 10
)

// Each hands every dead letter that can be received to f, once each. Letters that
// f does not take stay in the queue, hidden until each returns. It ends when no
// letter is left, or when for d.Patience none came that was there at the beginning:
// hidden letters come back, and others may arrive as fast as they are received.
// more (nil: no) is asked whenever there was nothing of that kind, and reports
// whether to wait for letters that arrive.
func (d *DeadLetters) Each(ctx context.Context, more func() (bool, error), f func(Letter) (taken bool, err error)) (err error) {
	kept := map[string]*string{} // receipt handles of letters that stay, by message id
	seen := map[string]bool{}
	defer func() { err = errors.Join(err, d.show(context.WithoutCancel(ctx), kept)) }()
	for progress := time.Now(); time.Since(progress) < d.Patience; {
		messages, err := d.receive(ctx)
		if err != nil {
			return err
		}
		for _, m := range messages {
			kept[aws.ToString(m.MessageId)] = m.ReceiptHandle
		}
		quiet := true
		for _, m := range messages {
			id, l := aws.ToString(m.MessageId), Letter{letterOf(m), m}
			if seen[id] {
				continue
			}
			if seen[id] = true; d.There(&l) {
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
func (d *DeadLetters) show(ctx context.Context, handles map[string]*string) error {
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

func (d *DeadLetters) receive(ctx context.Context) ([]types.Message, error) {
	out, err := d.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &d.dead, MaxNumberOfMessages: letters, VisibilityTimeout: int32(hidden.Seconds()), WaitTimeSeconds: d.wait,
		MessageAttributeNames: []string{"All"}, MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	})
	if err != nil {
		return nil, fmt.Errorf("receive dead letters: %w", err)
	}
	return out.Messages, nil
}

func letterOf(m types.Message) inspect.Letter {
	attribute := func(name string) string { return aws.ToString(m.MessageAttributes[name].StringValue) }
	l := inspect.Letter{
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
		l.ID, l.Tenant, l.Command = q.Command.CommandID, q.Command.Tenant, q.Command.Name
	}
	return l
}

// Resend sends a dead letter to the command queue, deletes it, and returns its id
// there. The queue would drop it under the deduplication id that it had.
func (d *DeadLetters) Resend(ctx context.Context, l *Letter) (id string, err error) {
	deduplication := "redrive-" + aws.ToString(l.message.MessageId)
	out, err := d.client.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: &d.commands, MessageBody: l.message.Body, MessageGroupId: aws.String(l.message.Attributes["MessageGroupId"]), MessageDeduplicationId: &deduplication,
	})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.MessageId), d.Remove(ctx, l)
}

// Remove deletes a dead letter.
func (d *DeadLetters) Remove(ctx context.Context, l *Letter) error {
	_, err := d.client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &d.dead, ReceiptHandle: l.message.ReceiptHandle})
	return err
}
