package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/urfave/cli/v3"

	"daybook/aggregate"
	"daybook/events"
)

func deadCommand(a *app) *cli.Command {
	chosen := []cli.Flag{
		&cli.BoolFlag{Name: "all", Usage: "all of them"},
		&cli.BoolFlag{Name: "yes", Usage: "don't ask"},
	}
	return &cli.Command{
		Name:  "dead",
		Usage: "list, redrive or drop the dead letters of the command queue",
		Action: func(context.Context, *cli.Command) error {
			return usage("dead takes list, redrive or drop; see -help")
		},
		Commands: []*cli.Command{
			{
				Name: "list", Usage: "list dead letters, with the reason",
				Description: "Of each stream, at most the ten that come first.",
				Flags:       []cli.Flag{&cli.BoolFlag{Name: "check", Usage: "exit with 3 when there is one"}},
				Action:      func(ctx context.Context, c *cli.Command) error { return a.deadList(ctx, c) },
			},
			{
				Name: "redrive", Usage: "send dead letters to the command queue again, in order", ArgsUsage: "COMMAND-ID… | -all",
				Description: "A dead letter that can't be read goes by its message id. A command that was accepted\n" +
					"already is not accepted again.",
				Flags: chosen,
				Action: func(ctx context.Context, c *cli.Command) error {
					return a.deadEach(ctx, c, "Send again", (*deadLetters).redrive)
				},
			},
			{
				Name: "drop", Usage: "delete dead letters for good", ArgsUsage: "COMMAND-ID… | -all",
				Flags: chosen,
				Action: func(ctx context.Context, c *cli.Command) error {
					return a.deadEach(ctx, c, "Delete", (*deadLetters).remove)
				},
			},
		},
	}
}

// deadLine is a dead letter in a list.
type deadLine struct {
	ID       string      `json:"id"` // of the command; of the message when that can't be read
	Command  string      `json:"command,omitzero"`
	Group    string      `json:"group"` // the stream, but for names that SQS does not take
	Sent     time.Time   `json:"sent"`  // to the dead letters
	Code     events.Code `json:"code"`
	Text     string      `json:"text"`
	Receives int         `json:"receives"`
}

// deadLetters is the queue of dead letters, opened.
type deadLetters struct {
	client         *sqs.Client
	dead, commands string // URLs
}

// openDead finds the two queues by their names.
func (s *session) openDead(ctx context.Context) (*deadLetters, error) {
	o := sqs.Options{Region: s.aws.Region, Credentials: s.aws.Credentials, HTTPClient: &http.Client{Timeout: 30 * time.Second}}
	if s.endpoint != "" {
		o.BaseEndpoint = &s.endpoint
	}
	d := &deadLetters{client: sqs.New(o)}
	for name, url := range map[string]*string{s.prefix + "-dead-commands.fifo": &d.dead, s.prefix + "-commands.fifo": &d.commands} {
		out, err := d.client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
		if err != nil {
			return nil, fmt.Errorf("queue %s: %w", name, err)
		}
		*url = aws.ToString(out.QueueUrl)
	}
	return d, nil
}

// The time for which a dead letter that is looked at is hidden, and how many are
// received at once.
const (
	hidden  = 60 // seconds
	letters = 10
)

// each hands all dead letters that can be received to f; those that f does not
// take stay. They are hidden until all have been seen, and then shown again.
func (d *deadLetters) each(ctx context.Context, f func(types.Message, deadLine) (taken bool, err error)) (err error) {
	var kept []types.Message
	seen := map[string]bool{}
	defer func() {
		for _, m := range kept {
			_, shown := d.client.ChangeMessageVisibility(context.WithoutCancel(ctx), &sqs.ChangeMessageVisibilityInput{QueueUrl: &d.dead, ReceiptHandle: m.ReceiptHandle})
			err = errors.Join(err, shown)
		}
	}()
	for {
		out, err := d.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &d.dead, MaxNumberOfMessages: letters, VisibilityTimeout: hidden, WaitTimeSeconds: 1,
			MessageAttributeNames: []string{"All"}, MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
		})
		if err != nil {
			return fmt.Errorf("receive dead letters: %w", err)
		}
		if len(out.Messages) == 0 {
			return nil
		}
		for i, m := range out.Messages {
			if id := aws.ToString(m.MessageId); seen[id] { // they show again: it took too long
				kept = append(kept, out.Messages[i:]...)
				return nil
			}
			seen[aws.ToString(m.MessageId)] = true
			taken, err := f(m, lineOfLetter(m))
			if !taken {
				kept = append(kept, m)
			}
			if err != nil {
				kept = append(kept, out.Messages[i+1:]...)
				return err
			}
		}
	}
}

func lineOfLetter(m types.Message) deadLine {
	attribute := func(name string) string { return aws.ToString(m.MessageAttributes[name].StringValue) }
	l := deadLine{
		ID: aws.ToString(m.MessageId), Group: m.Attributes["MessageGroupId"],
		Code: events.Code(attribute(aggregate.AttributeCode)), Text: attribute(aggregate.AttributeError),
	}
	l.Receives, _ = strconv.Atoi(attribute(aggregate.AttributeReceives))
	if ms, err := strconv.ParseInt(m.Attributes["SentTimestamp"], 10, 64); err == nil {
		l.Sent = time.UnixMilli(ms).UTC()
	}
	if l.Code == "" { // moved by the queue itself
		l.Text = "it was received too often, and the command function never told why"
	}
	if q, err := aggregate.DecodeQueued([]byte(aws.ToString(m.Body))); err == nil {
		l.ID, l.Command = q.Command.CommandID, q.Command.Name
	}
	return l
}

// redrive sends a dead letter to the command queue, and deletes it. The queue
// would drop it under the deduplication id that it had.
func (d *deadLetters) redrive(ctx context.Context, m types.Message) error {
	id := "redrive-" + aws.ToString(m.MessageId)
	_, err := d.client.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: &d.commands, MessageBody: m.Body, MessageGroupId: aws.String(m.Attributes["MessageGroupId"]), MessageDeduplicationId: &id,
	})
	if err != nil {
		return err
	}
	return d.remove(ctx, m)
}

func (d *deadLetters) remove(ctx context.Context, m types.Message) error {
	_, err := d.client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &d.dead, ReceiptHandle: m.ReceiptHandle})
	return err
}

func (a *app) deadList(ctx context.Context, c *cli.Command) error {
	s, err := a.open(ctx, c)
	if err != nil {
		return err
	}
	d, err := s.openDead(ctx)
	if err != nil {
		return err
	}
	t := s.out.table("ID", "COMMAND", "STREAM", "SENT", "RECEIVES", "ERROR")
	any := false
	err = d.each(ctx, func(_ types.Message, l deadLine) (bool, error) {
		any = true
		t.row(l, l.ID, l.Command, l.Group, l.Sent, l.Receives, l.Text)
		return false, nil
	})
	if err != nil {
		return err
	}
	t.flush()
	if any && c.Bool("check") && s.out.err == nil {
		return found()
	}
	return s.out.err
}

// deadEach does something with the dead letters that the arguments choose.
func (a *app) deadEach(ctx context.Context, c *cli.Command, what string, do func(*deadLetters, context.Context, types.Message) error) error {
	ids := c.Args().Slice()
	if c.Bool("all") == (len(ids) > 0) {
		return usage("%s: give the ids that dead list shows, or -all", c.Name)
	}
	s, err := a.open(ctx, c)
	if err != nil {
		return err
	}
	d, err := s.openDead(ctx)
	if err != nil {
		return err
	}
	which := "all dead letters"
	if len(ids) > 0 {
		which = fmt.Sprintf("%d dead letters", len(ids))
	}
	if err := a.confirm(c, what+" "+which+" of "+s.prefix+"?"); err != nil {
		return err
	}
	done := 0
	err = d.each(ctx, func(m types.Message, l deadLine) (bool, error) {
		if len(ids) > 0 && !slices.Contains(ids, l.ID) {
			return false, nil
		}
		if err := do(d, ctx, m); err != nil {
			return false, fmt.Errorf("dead letter %s: %w", l.ID, err)
		}
		done++
		return true, nil
	})
	fmt.Fprintf(s.stderr, "%d dead letters done\n", done)
	if err == nil && len(ids) > done {
		return events.Errorf(events.CodeNotFound, "%d of the ids are of no dead letter that can be received now", len(ids)-done)
	}
	return err
}
