package stack

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"daybook/dynamo"
	"daybook/functions/names"
	"daybook/localstack/bus"
	"daybook/localstack/kms"
	"daybook/localstack/mapping"
	"daybook/localstack/queue"
	"daybook/localstack/schedule"
	"daybook/localstack/wire"
)

// Names without the prefix.
const (
	outboxQueue = "outbox.fifo" // of a webhook; on AWS the event bus keeps events
	timerRole   = "timers"

	// servicesURL is where functions find queue, scheduler and bus.
	servicesURL = "http://services.embedded"
)

// functionTimeout is the command function's, and the least that a message stays
// hidden for. longestRetry bounds the back-off of a message that failed: on AWS it
// is hidden for six time-outs, here it comes again after a second, then two.
const (
	functionTimeout = 30 * time.Second
	longestRetry    = time.Minute
	queueAttempts   = 10 // of a write to the tables: queue and scheduler rely on it as SQS does on its own
)

// name is a name with the prefix.
func (s *Stack) name(of string) string { return names.Join(s.Prefix(), of) }

// NoOutbox is the Options.Outbox that forgets integration events.
const NoOutbox = "none"

// services are the embedded SQS, EventBridge Scheduler and EventBridge.
type services struct {
	queue     *queue.Server
	schedules *schedule.Server
	bus       *bus.Server
	keys      *kms.Server   // nil for an application without personal values
	file      *bus.FileSink // nil for none
	webhook   string        // URL; "" for none
}

// startServices opens what was kept of the queues and schedules, and makes what is
// missing.
func (s *Stack) startServices(ctx context.Context) error {
	client := dynamo.New(dynamo.Options{
		Region: s.config.Region, Endpoint: s.config.Endpoint, Credentials: s.config.Credentials, Transport: s.config.Transport, Attempts: queueAttempts,
	})
	var err error
	if s.services.queue, err = queue.Open(ctx, queue.Options{
		Client: client, Table: dynamo.TableName(s.Prefix(), queue.Table()), Region: s.options.Region, Log: s.log,
	}); err != nil {
		return fmt.Errorf("the queues can't be used: %w", err)
	}
	sink, err := s.openOutbox()
	if err != nil {
		return err
	}
	s.services.bus = bus.New(bus.Options{Buses: []string{s.Prefix()}, Sink: sink, Log: s.log})
	if err := s.createQueues(ctx); err != nil {
		return err
	}
	s.services.schedules, err = schedule.Open(ctx, schedule.Options{
		Client: client, Table: dynamo.TableName(s.Prefix(), schedule.Table()), Groups: []string{s.Prefix()}, Region: s.options.Region, Log: s.log,
		Send: func(ctx context.Context, arn, group, body string) error {
			return s.services.queue.Send(ctx, arn, group, []string{body}, nil)
		},
	})
	if err != nil {
		return fmt.Errorf("the timers can't be used: %w", err)
	}
	return s.openKeys()
}

// openKeys opens the embedded KMS of an application with personal values.
func (s *Stack) openKeys() (err error) {
	if !s.app.Personal() {
		return nil
	}
	path := ""
	if s.options.Data != "" {
		path = filepath.Join(s.options.Data, keyFile)
	}
	if s.services.keys, err = kms.Open(path, s.log); err != nil {
		return fmt.Errorf("the key of personal values can't be used: %w", err)
	}
	s.config.KeysTable, s.config.WrappingKey = dynamo.TableName(s.Prefix(), dynamo.KeysTable()), names.WrappingKey(s.Prefix())
	return nil
}

// configureServices tells the functions where queue, scheduler and bus are.
func (s *Stack) configureServices() {
	c := &s.config
	c.Messaging = s.messagingTransport()
	c.QueueEndpoint, c.SchedulerEndpoint, c.BusEndpoint, c.KMSEndpoint = servicesURL, servicesURL, servicesURL, servicesURL
	c.CommandQueue, c.DeadQueue = queueURL(s.name(names.CommandQueue)), queueURL(s.name(names.DeadQueue))
	c.ScheduleGroup, c.ScheduleRole, c.ScheduleTarget = s.Prefix(), "arn:aws:iam::000000000000:role/"+s.name(timerRole), s.services.queue.ARN(s.name(names.CommandQueue))
	c.EventBus = s.Prefix()
}

// router is the way to the services, and to the embedded DynamoDB.
func (s *Stack) router() wire.Router {
	r := wire.Router{
		Tables: http.NotFoundHandler(), Queue: s.services.queue, Bus: s.services.bus, Schedules: s.services.schedules,
		Functions: http.HandlerFunc(s.describeFunction),
	}
	if s.db != nil {
		r.Tables = s.db
	}
	if s.services.keys != nil {
		r.Keys = s.services.keys
	}
	return r
}

// openOutbox opens the way out for integration events, nil for none.
func (s *Stack) openOutbox() (bus.Sink, error) {
	where := s.options.Outbox
	if where == "" && s.options.Data != "" {
		where = filepath.Join(s.options.Data, outboxFile)
	}
	switch {
	case where == "" || where == NoOutbox:
		s.options.Outbox = ""
		return nil, nil
	case strings.HasPrefix(where, "http://") || strings.HasPrefix(where, "https://"):
		s.options.Outbox, s.services.webhook = where, where
		arn := s.services.queue.ARN(s.name(outboxQueue))
		return bus.QueueSink{Send: func(ctx context.Context, group string, bodies, ids []string) error {
			return s.services.queue.Send(ctx, arn, group, bodies, ids)
		}}, nil
	}
	file, err := bus.File(where)
	if err != nil {
		return nil, fmt.Errorf("%w (choose another with -outbox)", err)
	}
	s.options.Outbox, s.services.file = where, file
	return file, nil
}

// createQueues makes the queues with the CDK app's settings, but for the time that
// a message stays hidden.
func (s *Stack) createQueues(ctx context.Context) error {
	fortnight := strconv.Itoa(14 * 24 * 60 * 60)
	settings := map[string]string{
		"ContentBasedDeduplication": "true", "DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId",
		"MessageRetentionPeriod": fortnight, "VisibilityTimeout": strconv.Itoa(int((2 * functionTimeout).Seconds())),
	}
	commands := map[string]string{"RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":20}`, s.services.queue.ARN(s.name(names.DeadQueue)))}
	outbox := map[string]string{"VisibilityTimeout": strconv.Itoa(int((2 * bus.WebhookTimeout).Seconds()))}
	for _, q := range []struct {
		name string
		own  map[string]string
	}{{s.name(names.DeadQueue), nil}, {s.name(names.CommandQueue), commands}, {s.name(outboxQueue), outbox}} {
		if err := s.createQueue(ctx, q.name, settings, q.own); err != nil {
			return fmt.Errorf("queue %s can't be used: %w", q.name, err)
		}
	}
	return nil
}

// createQueue makes a queue, or gives the one that exists the settings.
func (s *Stack) createQueue(ctx context.Context, name string, attributes ...map[string]string) error {
	client := s.sqs()
	out, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: map[string]string{"FifoQueue": "true"}})
	if err != nil {
		return err
	}
	all := map[string]string{}
	for _, some := range attributes {
		for k, v := range some {
			all[k] = v
		}
	}
	_, err = client.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: out.QueueUrl, Attributes: all})
	return err
}

// sqs is a client of the embedded SQS, as an event source mapping has one.
func (s *Stack) sqs() *sqs.Client {
	return sqs.New(s.sqsOptions())
}

func (s *Stack) sqsOptions() sqs.Options {
	return sqs.Options{
		Region: s.options.Region, Credentials: s.config.Credentials, BaseEndpoint: aws.String(servicesURL),
		HTTPClient: &http.Client{Transport: wire.Transport(s.services.queue)},
	}
}

// queueURL is where functions find a queue.
func queueURL(name string) string { return servicesURL + "/000000000000/" + name }

// mapQueue starts to feed a function from a queue.
func (s *Stack) mapQueue(ctx context.Context, name, queue string, f mapping.Function, timeout time.Duration, retry func(int) time.Duration) error {
	m, err := mapping.NewQueueMapping(mapping.QueueOptions{
		Name: name, Queue: mapping.NewQueue(s.sqs(), queueURL(queue), s.services.queue.ARN(queue), s.options.Region),
		Function: f, ReportBatchItemFailures: true, Timeout: timeout, RetryAfter: retry, Forget: s.forgets(), Log: s.log,
	})
	if err != nil {
		return err
	}
	s.mapping.Go(func() { m.Run(ctx) })
	return nil
}

// retryCommand is the rest before a command that failed comes again, after it was
// received n times.
func retryCommand(n int) time.Duration {
	return min(time.Second<<min(max(n-1, 0), 10), longestRetry)
}

// forgets is how a hostile stack forgets that a batch was processed, as often as
// stream records come twice; nil for a kind one.
func (s *Stack) forgets() func() bool {
	h := s.options.Hostile
	if h == nil {
		return nil
	}
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(h.Seed, 1))
	return func() bool {
		mu.Lock()
		defer mu.Unlock()
		return random.Float64() < h.DuplicateRecords
	}
}

// messagingTransport is the functions' way to the services, on which a hostile
// stack loses requests and answers as it does with DynamoDB's.
func (s *Stack) messagingTransport() http.RoundTripper {
	var way *wire.Hostile
	if h := s.options.Hostile; h != nil {
		way = &wire.Hostile{Seed: h.Seed, LoseRequests: h.LoseRequests, LoseAnswers: h.LoseAnswers}
	}
	return way.Over(wire.Transport(s.router()))
}

// close ends the services; no new requests come; only waiting ones remain.
func (v *services) close() error {
	if v.schedules != nil {
		v.schedules.Close()
	}
	if v.queue != nil {
		v.queue.Close()
	}
	if v.file != nil {
		return v.file.Close()
	}
	return nil
}
