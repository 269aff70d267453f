package simulation

import (
	"bytes"
	"context"
	"encoding/json/v2"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"daybook/functions"
	"daybook/functions/names"
	"daybook/localstack/mapping"
)

// start begins to feed the projector, several at once, the process function and the
// command function.
func (s *system) start(ctx context.Context, projectors int) error {
	table, err := s.kind.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &s.base.EventsTable})
	if err != nil {
		return err
	}
	stream := aws.ToString(table.Table.LatestStreamArn)
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	for n := range projectors {
		name := fmt.Sprintf("%s-%c", names.Projector, 'a'+n)
		if err := s.feed(running, s.fleet(name, 1, functions.NewProjector), stream); err != nil {
			return err
		}
	}
	if len(s.app.Processes) > 0 {
		if err := s.feed(running, s.fleet(names.Process, 1, functions.NewProcess), stream); err != nil {
			return err
		}
	}
	return s.feedQueue(running)
}

// feed feeds a function from the events table's stream.
func (s *system) feed(ctx context.Context, f *fleet, stream string) error {
	s.fleets = append(s.fleets, f)
	client := dynamodbstreams.New(dynamodbstreams.Options{
		Region: region, Credentials: fixedCredentials, BaseEndpoint: aws.String(tablesURL), Retryer: aws.NopRetryer{},
		HTTPClient: &http.Client{Transport: s.network.link("stream of "+f.name, s.db.RoundTripper(), nil)},
	})
	settings := mapping.AppSettings()
	reads := newShardReads(mapping.NewSource(client, stream, region), f.invoke, settings)
	s.reads = append(s.reads, reads)
	m, err := mapping.New(mapping.Options{
		Name: f.name, StreamARN: stream, FunctionARN: f.name, Function: reads.invoke, Settings: settings, Log: s.quiet,
		Source:      reads,
		Activity:    func(shard string) <-chan struct{} { return s.db.StreamActivity(s.base.EventsTable, shard) },
		Destination: s.discarded, Poll: idlePoll, Discover: idlePoll,
	})
	if err != nil {
		return err
	}
	s.mappings.Go(func() { m.Run(ctx) })
	return nil
}

// idlePoll is how often a mapping looks for what no activity was signalled of.
const idlePoll = 1000 * time.Hour

// feedQueue feeds the command function from its queue.
func (s *system) feedQueue(ctx context.Context) error {
	m, err := mapping.NewQueueMapping(mapping.QueueOptions{
		Name: "commands", Queue: &pollQueue{system: s, way: s.network.link("queue", s.services, nil)}, Function: s.command.invoke,
		ReportBatchItemFailures: true, Timeout: 30 * time.Second, Concurrency: 1, Log: s.quiet,
		RetryAfter: func(n int) time.Duration { return min(time.Second<<min(max(n-1, 0), 6), time.Minute) },
		Backoff:    func(n int) time.Duration { return min(100*time.Millisecond<<min(n-1, 10), 10*time.Second) },
	})
	if err != nil {
		return err
	}
	s.mappings.Go(func() { m.Run(ctx) })
	return nil
}

// pollQueue is the command queue as its mapping sees it. It does not wait inside a
// request: an idle queue would otherwise be asked three times a minute, for hours of
// a simulated day.
type pollQueue struct {
	*system
	way http.RoundTripper
}

// hidden is how often to look while messages are hidden that may come back.
const hidden = time.Second

// Receive implements mapping.Queue.
func (q *pollQueue) Receive(ctx context.Context, limit int) ([]mapping.Message, error) {
	for {
		sent := q.sent.wait()
		var out struct{ Messages []queueMessage }
		err := askQueue(ctx, q.way, "ReceiveMessage", map[string]any{
			"QueueUrl": q.base.CommandQueue, "MaxNumberOfMessages": limit, "MessageSystemAttributeNames": []string{"All"}, "MessageAttributeNames": []string{"All"},
		}, &out)
		if err != nil || len(out.Messages) > 0 {
			return q.messages(out.Messages), err
		}
		var again <-chan time.Time
		if q.left() {
			again = time.After(hidden)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-sent:
		case <-again:
		}
	}
}

type queueMessage struct {
	MessageID     string `json:"MessageId"`
	ReceiptHandle string
	MD5OfBody     string
	Body          string
	Attributes    map[string]string
}

func (q *pollQueue) messages(from []queueMessage) (all []mapping.Message) {
	for _, m := range from {
		receives := 0
		_, _ = fmt.Sscan(m.Attributes["ApproximateReceiveCount"], &receives) // 0 for what is no number
		all = append(all, mapping.Message{
			ID: m.MessageID, Handle: m.ReceiptHandle, Group: m.Attributes["MessageGroupId"], Receives: receives,
			Record: mapping.MessageRecord{
				MessageID: m.MessageID, ReceiptHandle: m.ReceiptHandle, Body: m.Body, Attributes: m.Attributes, MD5OfBody: m.MD5OfBody,
				MessageAttributes: map[string]mapping.MessageAttribute{}, EventSource: "aws:sqs", EventSourceARN: q.base.ScheduleTarget, Region: region,
			},
		})
	}
	return all
}

// Delete implements mapping.Queue.
func (q *pollQueue) Delete(ctx context.Context, messages []mapping.Message) error {
	entries := make([]map[string]string, len(messages))
	for i, m := range messages {
		entries[i] = map[string]string{"Id": fmt.Sprint(i), "ReceiptHandle": m.Handle}
	}
	return askQueue(ctx, q.way, "DeleteMessageBatch", map[string]any{"QueueUrl": q.base.CommandQueue, "Entries": entries}, nil)
}

// Hide implements mapping.Queue.
func (q *pollQueue) Hide(ctx context.Context, m mapping.Message, d time.Duration) error {
	return askQueue(ctx, q.way, "ChangeMessageVisibility", map[string]any{
		"QueueUrl": q.base.CommandQueue, "ReceiptHandle": m.Handle, "VisibilityTimeout": int(d / time.Second),
	}, nil)
}

// left reports whether the queue holds messages, visible or not.
func (s *system) left() bool { return s.depth(s.base.CommandQueue) > 0 }

// depth is how many messages a queue holds. It asks around the network.
func (s *system) depth(url string) int {
	var out struct{ Attributes map[string]string }
	err := askQueue(context.Background(), s.services, "GetQueueAttributes", map[string]any{"QueueUrl": url, "AttributeNames": []string{"All"}}, &out)
	if err != nil {
		return 1
	}
	sum := 0
	for _, name := range []string{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"} {
		n := 0
		_, _ = fmt.Sscan(out.Attributes[name], &n)
		sum += n
	}
	return sum
}

// askQueue sends one request to the queue.
func askQueue(ctx context.Context, way http.RoundTripper, operation string, in, out any) error {
	body, err := json.Marshal(in, json.Deterministic(true))
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, servicesURL+"/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("X-Amz-Target", "AmazonSQS."+operation)
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	answer, err := way.RoundTrip(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close() //nolint:errcheck // it is in memory
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %d %s", operation, answer.StatusCode, text)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(text, out)
}
