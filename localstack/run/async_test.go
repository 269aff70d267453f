package run

import (
	"context"
	"encoding/json/v2"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	scheduletypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	queuetypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"daybook/aggregate"
	"daybook/aggregate/async"
	"daybook/dynamo"
	"daybook/events/eventstest"
	"daybook/internal/testdomain"
)

// later sends a command that is to be handled later; nil says that it was
// acknowledged.
func later(ctx context.Context, url, command, key, body string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/commands/"+command, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", key)
	r.Header.Set("Prefer", "respond-async")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusAccepted && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%d %s", answer.StatusCode, data)
	}
	return err
}

// outcome waits until a command is handled and returns its state.
func outcome(t *testing.T, url, key string) string {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		status, body := (curl{url: url + "/commands/" + key}).send(t)
		var in struct {
			Status string `json:"status"`
		}
		if err := json.Unmarshal([]byte(body), &in); status != http.StatusOK || err != nil || time.Now().After(deadline) {
			return fmt.Sprintf("%d %s", status, body)
		}
		if in.Status != "pending" {
			return in.Status
		}
	}
}

// restocks sends commands on five courses until enough are acknowledged, and
// those that were not again at the next call.
type restocks struct {
	mu           sync.Mutex
	sent         map[string]int // course by command id
	acknowledged map[string]bool
}

const courses = 5

func (r *restocks) send(ctx context.Context, url string, client, from int, enough func()) {
	for i := from; ctx.Err() == nil; i++ {
		key := fmt.Sprintf("restock-%d-%d", client, i)
		course := (client + i) % courses
		r.mu.Lock()
		r.sent[key] = course
		r.mu.Unlock()
		err := later(ctx, url, "extend-course", key, fmt.Sprintf(`{"id":"p%d","payload":{"quantity":1}}`, course))
		r.mu.Lock()
		r.acknowledged[key] = err == nil
		if len(r.sent)%200 == 0 {
			enough()
		}
		r.mu.Unlock()
	}
}

// kill -9, again and again, under a load of commands that are handled later: each
// that was acknowledged is handled, and each takes effect once.
func TestKillQueue(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := begin(t, "-data", dir)
	for i := range courses {
		body := fmt.Sprintf(`{"id":"p%d","payload":{"name":"Pen","area":"pens","fee":1,"currency":"EUR","seats":0}}`, i)
		if status, answer := (curl{url: p.url + "/commands/add-course", json: body}).send(t); status != http.StatusCreated {
			t.Fatal(status, answer)
		}
	}
	r := &restocks{sent: map[string]int{}, acknowledged: map[string]bool{}}
	for round := range 3 {
		ctx, stop := context.WithCancel(t.Context())
		var once sync.Once
		var clients sync.WaitGroup
		for c := range 4 {
			clients.Go(func() {
				r.send(ctx, p.url, c, round*100_000, func() { once.Do(func() { p.end(syscall.SIGKILL); stop() }) })
			})
		}
		clients.Wait()
		stop()
		p = begin(t, "-data", dir)
	}
	want := map[int]int{}
	acknowledged := 0
	for key, course := range r.sent {
		want[course]++
		if r.acknowledged[key] {
			acknowledged++
			continue
		}
		if err := later(t.Context(), p.url, "extend-course", key, fmt.Sprintf(`{"id":"p%d","payload":{"quantity":1}}`, course)); err != nil {
			t.Errorf("%s sent again: %v", key, err)
		}
	}
	for key := range r.sent {
		if got := outcome(t, p.url, key); got != "accepted" {
			t.Errorf("%s, acknowledged %t: %s", key, r.acknowledged[key], got)
		}
	}
	for course, n := range want {
		_, body := (curl{url: fmt.Sprintf("%s/courses/p%d?after=course/p%d@%d", p.url, course, course, n+1)}).answer(t)
		if !strings.Contains(body, fmt.Sprintf(`"seats":%d,`, n)) {
			t.Errorf("course p%d was restocked %d times: %s", course, n, body)
		}
	}
	t.Logf("%d commands, %d acknowledged at once", len(r.sent), acknowledged)
	if code := p.end(os.Interrupt); code != 0 || p.stderr.Len() > 0 {
		t.Errorf("exit code %d: %s", code, p.stderr)
	}
}

// Any AWS client reaches the embedded services, and they survive kill -9: a timer
// that was set fires into the queue, an event that was put is in the file.
func TestServicesForOthers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := begin(t, "-data", dir)
	endpoint, region, keys := field(p.welcome, "DynamoDB"), "us-east-1", dynamo.StaticCredentials("any", "any")
	if _, _, err := createMember(t.Context(), p.url, "hello"); err != nil {
		t.Fatal(err)
	}

	handler, err := aggregate.NewHandler(&eventstest.Memory{}, testdomain.Aggregates(), nil)
	if err != nil {
		t.Fatal(err)
	}
	message, err := async.Encode(handler, aggregate.Command{Name: "rename-member", ID: "hello", Payload: []byte(`{"name":"Countess"}`), CommandID: "timed"})
	if err != nil {
		t.Fatal(err)
	}
	timers := scheduler.New(scheduler.Options{Region: region, Credentials: keys, BaseEndpoint: &endpoint})
	if _, err := timers.CreateSchedule(t.Context(), &scheduler.CreateScheduleInput{
		Name: aws.String("t"), GroupName: aws.String("school-local"), ActionAfterCompletion: scheduletypes.ActionAfterCompletionDelete,
		FlexibleTimeWindow: &scheduletypes.FlexibleTimeWindow{Mode: scheduletypes.FlexibleTimeWindowModeOff},
		ScheduleExpression: aws.String("at(" + time.Now().Add(2*time.Second).UTC().Format("2006-01-02T15:04:05") + ")"),
		Target: &scheduletypes.Target{
			Arn: aws.String("arn:aws:sqs:us-east-1:000000000000:school-local-commands.fifo"), RoleArn: aws.String("arn:aws:iam::000000000000:role/r"),
			Input: aws.String(string(message.Body)), SqsParameters: &scheduletypes.SqsParameters{MessageGroupId: &message.Group},
		},
	}); err != nil {
		t.Fatal(err)
	}
	events := eventbridge.New(eventbridge.Options{Region: region, Credentials: keys, BaseEndpoint: &endpoint})
	put, err := events.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []eventtypes.PutEventsRequestEntry{
		{EventBusName: aws.String("school-local"), Source: aws.String("s"), DetailType: aws.String("d"), Detail: aws.String(`{"subject":"booking/7"}`)},
	}})
	if err != nil || put.FailedEntryCount != 0 {
		t.Fatal(put, err)
	}
	poison := sqs.New(sqs.Options{Region: region, Credentials: keys, BaseEndpoint: &endpoint})
	if _, err := poison.SendMessage(t.Context(), &sqs.SendMessageInput{
		QueueUrl: aws.String("school-local-commands.fifo"), MessageBody: aws.String("rubbish"), MessageGroupId: aws.String("g"),
	}); err != nil {
		t.Fatal(err)
	}
	p.end(syscall.SIGKILL)

	p = begin(t, "-data", dir)
	if line, err := os.ReadFile(field(p.welcome, "Outbox")); err != nil || string(line) != `{"subject":"booking/7"}`+"\n" {
		t.Errorf("the outbox holds %q, %v", line, err)
	}
	for deadline := time.Now().Add(patience); ; {
		_, body := (curl{url: p.url + "/members/hello?after=member/hello@1"}).send(t)
		if strings.Contains(body, "Countess") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the timer did not fire: %s", body)
		}
	}
	endpoint = field(p.welcome, "DynamoDB")
	dead := sqs.New(sqs.Options{Region: region, Credentials: keys, BaseEndpoint: &endpoint})
	got, err := dead.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: aws.String("school-local-dead-commands.fifo"), WaitTimeSeconds: 20, MessageAttributeNames: []string{"All"},
	})
	if err != nil || len(got.Messages) != 1 || aws.ToString(got.Messages[0].Body) != "rubbish" || len(got.Messages[0].MessageAttributes) == 0 {
		t.Errorf("dead letters %+v, %v", got, err)
	}
	left, err := dead.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: aws.String("school-local-commands.fifo"), AttributeNames: []queuetypes.QueueAttributeName{"All"},
	})
	if err != nil || left.Attributes["VisibilityTimeout"] != "60" || !strings.Contains(left.Attributes["RedrivePolicy"], "school-local-dead-commands.fifo") {
		t.Errorf("the command queue: %v, %v", left, err)
	}
	if code := p.end(os.Interrupt); code != 0 {
		t.Errorf("exit code %d: %s", code, p.stderr)
	}
}
