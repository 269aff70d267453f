package mapping_test

import (
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	awsevents "github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"daybook/dynamo"
	"daybook/localstack/embedded"
	"daybook/localstack/mapping"
	"daybook/localstack/queue"
	"daybook/localstack/wire"
)

const queueARN = "arn:aws:sqs:us-east-1:000000000000:q.fifo"

// queueRig is a queue, and a function that notes what it is invoked with.
type queueRig struct {
	t       *testing.T
	client  *sqs.Client
	url     *string
	options mapping.QueueOptions

	mu    sync.Mutex
	calls []string // bodies of each event
	// answer is called with the bodies of an event and their messages' ids.
	answer func(ctx context.Context, bodies, ids []string) (string, error)
}

func newQueueRig(t *testing.T) *queueRig {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	db, err := embedded.Open(t.Context(), embedded.Options{Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // nothing is kept
	keys := dynamo.StaticCredentials("key", "secret")
	tables := dynamo.New(dynamo.Options{Region: "us-east-1", Endpoint: "http://db", Transport: db.RoundTripper(), Credentials: keys})
	if err := dynamo.Create(t.Context(), tables, "test", queue.Table()); err != nil {
		t.Fatal(err)
	}
	server, err := queue.Open(t.Context(), queue.Options{Client: tables, Table: "test-queues", Log: log})
	if err != nil {
		t.Fatal(err)
	}
	r := &queueRig{t: t, client: sqs.New(sqs.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://queue"), HTTPClient: &http.Client{Transport: wire.Transport(server)}, Credentials: keys,
	})}
	r.create("d.fifo", map[string]string{"FifoQueue": "true"})
	r.url = r.create("q.fifo", map[string]string{"FifoQueue": "true", "VisibilityTimeout": "30",
		"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:d.fifo","maxReceiveCount":3}`})
	r.options = mapping.QueueOptions{
		Name: "test", Queue: mapping.NewQueue(r.client, *r.url, queueARN, "us-east-1"), Function: r.invoke,
		ReportBatchItemFailures: true, Timeout: 10 * time.Second, Concurrency: 1, Log: log,
	}
	return r
}

func (r *queueRig) create(name string, attributes map[string]string) *string {
	r.t.Helper()
	out, err := r.client.CreateQueue(r.t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		r.t.Fatal(err)
	}
	return out.QueueUrl
}

func (r *queueRig) invoke(ctx context.Context, event []byte) ([]byte, error) {
	var in awsevents.SQSEvent
	if err := json.Unmarshal(event, &in); err != nil {
		return nil, err
	}
	var bodies, ids []string
	for _, m := range in.Records {
		bodies, ids = append(bodies, m.Body), append(ids, m.MessageId)
	}
	r.mu.Lock()
	r.calls = append(r.calls, strings.Join(bodies, " "))
	r.mu.Unlock()
	if r.answer == nil {
		return nil, nil
	}
	out, err := r.answer(ctx, bodies, ids)
	return []byte(out), err
}

// send sends messages; the first letter is the group.
func (r *queueRig) send(bodies ...string) {
	r.t.Helper()
	for _, body := range bodies {
		_, err := r.client.SendMessage(r.t.Context(), &sqs.SendMessageInput{
			QueueUrl: r.url, MessageBody: &body, MessageGroupId: aws.String(body[:1]), MessageDeduplicationId: &body,
			MessageAttributes: map[string]types.MessageAttributeValue{"k": {DataType: aws.String("String"), StringValue: aws.String("v")}},
		})
		if err != nil {
			r.t.Fatal(err)
		}
	}
}

// run runs the mapping for a time of the bubble's clock.
func (r *queueRig) run(d time.Duration) {
	r.t.Helper()
	m, err := mapping.NewQueueMapping(r.options)
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(r.t.Context())
	ended := make(chan struct{})
	go func() { m.Run(ctx); close(ended) }()
	time.Sleep(d)
	cancel()
	<-ended
}

func (r *queueRig) expect(calls ...string) {
	r.t.Helper()
	if !slices.Equal(r.calls, calls) {
		r.t.Errorf("invocations\n got %q\nwant %q", r.calls, calls)
	}
}

// left counts messages: visible, in flight, and dead.
func (r *queueRig) left() string {
	r.t.Helper()
	var counts []string
	for _, url := range []string{*r.url, "d.fifo"} {
		out, err := r.client.GetQueueAttributes(r.t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{"All"}})
		if err != nil {
			r.t.Fatal(err)
		}
		counts = append(counts, out.Attributes["ApproximateNumberOfMessages"], out.Attributes["ApproximateNumberOfMessagesNotVisible"])
	}
	return strings.Join(counts[:3], " ")
}

// failing reports the messages of these bodies as failed.
func failing(bad ...string) func(context.Context, []string, []string) (string, error) {
	return func(_ context.Context, bodies, ids []string) (string, error) {
		var failures []string
		for i, body := range bodies {
			if slices.Contains(bad, body) {
				failures = append(failures, `{"itemIdentifier":`+strconv.Quote(ids[i])+`}`)
			}
		}
		return `{"batchItemFailures":[` + strings.Join(failures, ",") + `]}`, nil
	}
}

// The event reads as Lambda's own Go types read it.
func TestQueueEvent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newQueueRig(t)
		var in awsevents.SQSEvent
		r.options.Function = func(_ context.Context, event []byte) ([]byte, error) {
			return nil, json.Unmarshal(event, &in, json.RejectUnknownMembers(true))
		}
		sent := strconv.FormatInt(time.Now().UnixMilli(), 10)
		r.send("a:\"message\"")
		r.run(time.Second)
		if len(in.Records) != 1 {
			t.Fatalf("%d records", len(in.Records))
		}
		m := in.Records[0]
		if m.Body != "a:\"message\"" || m.MessageId == "" || m.ReceiptHandle == "" || m.Md5OfBody == "" || m.Md5OfMessageAttributes == "" ||
			m.EventSource != "aws:sqs" || m.EventSourceARN != queueARN || m.AWSRegion != "us-east-1" {
			t.Errorf("%+v", m)
		}
		a := m.Attributes
		if a["ApproximateReceiveCount"] != "1" || a["SentTimestamp"] != sent || a["ApproximateFirstReceiveTimestamp"] != sent ||
			a["MessageGroupId"] != "a" || a["MessageDeduplicationId"] != m.Body || len(a["SequenceNumber"]) != 20 || a["SenderId"] == "" {
			t.Errorf("attributes %v", a)
		}
		if k := m.MessageAttributes["k"]; k.DataType != "String" || aws.ToString(k.StringValue) != "v" || k.StringListValues == nil {
			t.Errorf("message attribute %+v", k)
		}
	})
}

// The outcome of a batch, by the function's answer.
func TestQueueVerdicts(t *testing.T) {
	t.Parallel()
	fail := errors.New("the function failed")
	for name, test := range map[string]struct {
		answer func(context.Context, []string, []string) (string, error)
		change func(*mapping.QueueOptions)
		calls  []string
		left   string
	}{
		"success":             {calls: []string{"a1 a2 b1"}, left: "0 0 0"},
		"an empty list":       {answer: failing(), calls: []string{"a1 a2 b1"}, left: "0 0 0"},
		"an error, then time": {answer: failing("a2"), calls: []string{"a1 a2 b1", "a2", "a2"}, left: "0 0 1"},
		"two groups":          {answer: failing("a1", "a2", "b1"), calls: []string{"a1 a2 b1", "a1 a2 b1", "a1 a2 b1"}, left: "0 0 3"},
		"not reported":        {answer: failing("a2"), change: func(o *mapping.QueueOptions) { o.ReportBatchItemFailures = false }, calls: []string{"a1 a2 b1"}, left: "0 0 0"},
		"rubbish":             {answer: func(context.Context, []string, []string) (string, error) { return `{"batchItemFailures":7}`, nil }, calls: []string{"a1 a2 b1", "a1 a2 b1", "a1 a2 b1"}, left: "0 0 3"},
		"a stranger's id": {answer: func(context.Context, []string, []string) (string, error) {
			return `{"batchItemFailures":[{"itemIdentifier":"x"}]}`, nil
		}, calls: []string{"a1 a2 b1", "a1 a2 b1", "a1 a2 b1"}, left: "0 0 3"},
		"one at a time":          {change: func(o *mapping.QueueOptions) { o.BatchSize = 1 }, calls: []string{"a1", "b1", "a2"}, left: "0 0 0"},
		"the function's error":   {answer: func(context.Context, []string, []string) (string, error) { return "", fail }, calls: []string{"a1 a2 b1", "a1 a2 b1", "a1 a2 b1"}, left: "0 0 3"},
		"the function times out": {answer: func(ctx context.Context, _, _ []string) (string, error) { <-ctx.Done(); return "", nil }, calls: []string{"a1 a2 b1", "a1 a2 b1", "a1 a2 b1"}, left: "0 0 3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newQueueRig(t)
				r.answer = test.answer
				if test.change != nil {
					test.change(&r.options)
				}
				r.send("a1", "a2", "b1")
				r.run(3 * time.Minute)
				r.expect(test.calls...)
				if got := r.left(); got != test.left {
					t.Errorf("left: visible, in flight, dead %s, want %s", got, test.left)
				}
			})
		})
	}
}

// A message that failed comes again when the visibility time-out is over, or when
// RetryAfter says.
func TestQueueRetries(t *testing.T) {
	t.Parallel()
	for after, want := range map[time.Duration]string{0: "[0s 30s 1m0s]", time.Second: "[0s 1s 3s]"} {
		t.Run(after.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newQueueRig(t)
				var at []time.Duration
				begun := time.Now()
				r.answer = func(context.Context, []string, []string) (string, error) {
					at = append(at, time.Since(begun))
					return "", errors.New("not now")
				}
				if after > 0 {
					r.options.RetryAfter = func(n int) time.Duration { return time.Duration(n) * after }
				}
				r.send("a")
				r.run(2 * time.Minute)
				if got := fmt.Sprint(at); got != want {
					t.Errorf("invoked at %s, want %s", got, want)
				}
			})
		})
	}
}

// Success that is forgotten is a second delivery; order holds all the same.
func TestQueueForgets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newQueueRig(t)
		n := 0
		r.options.Forget = func() bool { n++; return n%2 == 1 }
		r.options.BatchSize = 2
		r.send("a1", "a2", "a3")
		r.run(time.Minute)
		r.expect("a1 a2", "a1 a2", "a3", "a3")
	})
}

// Batches of one group never overlap; those of several groups do.
func TestQueueConcurrency(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newQueueRig(t)
		r.options.Concurrency, r.options.BatchSize = 3, 1
		under, most := map[string]int{}, 0
		var mu sync.Mutex
		r.answer = func(_ context.Context, bodies, _ []string) (string, error) {
			g := bodies[0][:1]
			mu.Lock()
			if under[g]++; under[g] > 1 {
				t.Errorf("group %s is in two batches", g)
			}
			most = max(most, len(under))
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			if under[g]--; under[g] == 0 {
				delete(under, g)
			}
			mu.Unlock()
			return "", nil
		}
		r.send("a1", "a2", "b1", "b2", "c1", "c2", "d1")
		r.run(time.Minute)
		if most != 3 || len(r.calls) != 7 || r.left() != "0 0 0" {
			t.Errorf("%d at most side by side, %q, %s left", most, r.calls, r.left())
		}
	})
}

// A batch in the function may end within the grace period.
func TestQueueStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newQueueRig(t)
		r.answer = func(context.Context, []string, []string) (string, error) { time.Sleep(4 * time.Second); return "", nil }
		r.send("a")
		r.run(time.Second)
		if got := r.left(); got != "0 0 0" {
			t.Errorf("left %s", got)
		}
	})
}

func TestQueueOptions(t *testing.T) {
	t.Parallel()
	f := func(context.Context, []byte) ([]byte, error) { return nil, nil }
	q := mapping.NewQueue(nil, "", "", "")
	for word, o := range map[string]mapping.QueueOptions{
		"queue": {Function: f, Timeout: 1}, "function": {Queue: q, Timeout: 1}, "time-out": {Queue: q, Function: f},
		"batch size": {Queue: q, Function: f, Timeout: 1, BatchSize: 11}, "concurrency": {Queue: q, Function: f, Timeout: 1, Concurrency: -1},
	} {
		if _, err := mapping.NewQueueMapping(o); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %v", word, err)
		}
	}
}
