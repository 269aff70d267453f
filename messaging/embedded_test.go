package messaging_test

import (
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"daybook/aggregate"
	"daybook/aggregate/async"
	"daybook/dynamo"
	"daybook/events"
	"daybook/localstack/bus"
	"daybook/localstack/embedded"
	"daybook/localstack/queue"
	"daybook/localstack/schedule"
	"daybook/localstack/wire"
	"daybook/messaging"
	"daybook/process"
)

// The clients against the local stack's servers, which the AWS SDK's own clients
// prove.

const (
	target = "arn:aws:sqs:us-east-1:000000000000:commands.fifo"
	role   = "arn:aws:iam::000000000000:role/timers"
)

var quiet = slog.New(slog.DiscardHandler)

func options(t http.RoundTripper) messaging.Options {
	return messaging.Options{Region: "us-east-1", Endpoint: "http://embedded", Credentials: dynamo.StaticCredentials("key", "secret"), Transport: t}
}

// fired notes what schedules send.
type fired struct {
	mu    sync.Mutex
	begun time.Time
	notes []string
}

func (f *fired) send(_ context.Context, arn, group, body string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.notes = append(f.notes, fmt.Sprintf("%s: %s %s", time.Since(f.begun), group, body))
	if arn != target {
		return errors.New("another queue")
	}
	return nil
}

func (f *fired) expect(t *testing.T, notes ...string) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if !slices.Equal(f.notes, notes) {
		t.Errorf("sent\n got %q\nwant %q", f.notes, notes)
	}
}

// tables is a database in the bubble.
func tables(t *testing.T) *embedded.DB {
	t.Helper()
	db, err := embedded.Open(t.Context(), embedded.Options{Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // nothing is kept
	return db
}

// timers are timers on an embedded scheduler; lost says how often answers are lost.
func timers(t *testing.T, lost float64) (*messaging.Timers, *fired) {
	t.Helper()
	client := dynamo.New(dynamo.Options{
		Region: "us-east-1", Endpoint: "http://db", Transport: tables(t).RoundTripper(), Credentials: dynamo.StaticCredentials("key", "secret"),
	})
	if err := dynamo.Create(t.Context(), client, "test", schedule.Table()); err != nil {
		t.Fatal(err)
	}
	f := &fired{begun: time.Now()}
	s, err := schedule.Open(t.Context(), schedule.Options{Client: client, Table: "test-schedules", Groups: []string{"shop"}, Send: f.send, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	transport := (&wire.Hostile{Seed: 7, LoseAnswers: lost, LoseRequests: lost}).Over(wire.Transport(s))
	encode := func(_ context.Context, c aggregate.Command) (async.Message, error) {
		if c.Name == "unknown" {
			return async.Message{}, events.Errorf(events.CodeUnknownCommand, "unknown")
		}
		return async.Message{Body: []byte(c.Name + " " + c.CommandID), Group: "order/" + c.ID}, nil
	}
	o := options(transport)
	o.Attempts = 20
	return messaging.NewTimers(messaging.TimersConfig{Group: "shop", Role: role, Target: target, Encode: encode}, o), f
}

func timer(name string, at time.Time) process.Timer {
	return process.Timer{
		Name: name, Label: "fulfilment order/7 " + name, At: at,
		Command: process.Request{Command: "reject-order", ID: "7", Payload: []byte(`{}`), CommandID: "c-" + name},
	}
}

func TestTimers(t *testing.T) {
	t.Parallel()
	for _, lost := range []float64{0, 0.3} {
		t.Run(fmt.Sprint(lost), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				timers, f := timers(t, lost)
				do := func(err error) {
					t.Helper()
					if err != nil {
						t.Error(err)
					}
				}
				set := func(name string, at time.Time) { t.Helper(); do(timers.Set(t.Context(), timer(name, at))) }
				begun := f.begun
				quarter := begun.Add(15*time.Minute + time.Millisecond)
				set("confirmation", quarter)
				set("confirmation", quarter) // again: nothing changes
				set("cancelled", begun.Add(10*time.Minute))
				set("no schedule's name: "+strings.Repeat("ä", 80), begun.Add(20*time.Minute))
				do(timers.Cancel(t.Context(), "cancelled"))
				do(timers.Cancel(t.Context(), "cancelled"))
				do(timers.Cancel(t.Context(), "never set"))
				time.Sleep(time.Until(begun.Add(15 * time.Minute)))
				f.expect(t)
				time.Sleep(time.Hour)
				f.expect(t, "15m1s: order/7 reject-order c-confirmation", "20m0s: order/7 reject-order c-no schedule's name: "+strings.Repeat("ä", 80))
			})
		})
	}
}

// A label of any length and any characters sets the timer: an order's id may be 128
// emoji.
func TestLabelsOfTimers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		timers, f := timers(t, 0)
		for i, id := range []string{strings.Repeat("😀", 128), strings.Repeat("é", 128), "a\ufffeb\uffff", "\x00\x1b[2J\u0085", "caf\xc3", strings.Repeat("x", 3000), ""} {
			timer := timer(fmt.Sprint(i), f.begun.Add(time.Minute))
			timer.Label = strings.Repeat("m", 64) + " order/" + id + " " + strings.Repeat("t", 64)
			if err := timers.Set(t.Context(), timer); err != nil {
				t.Errorf("%.40q: %v", id, err)
			}
		}
		time.Sleep(2 * time.Minute)
		f.mu.Lock()
		defer f.mu.Unlock()
		if len(f.notes) != 7 {
			t.Errorf("fired %q", f.notes)
		}
	})
}

// A timer that is due already fires soon.
func TestATimerOfThePast(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		timers, f := timers(t, 0)
		time.Sleep(time.Hour + 300*time.Millisecond)
		if err := timers.Set(t.Context(), timer("late", f.begun)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		f.expect(t, "1h0m3s: order/7 reject-order c-late")
	})
}

func TestATimerThatCannotBe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		timers, f := timers(t, 0)
		unknown := timer("a", f.begun.Add(time.Hour))
		unknown.Command.Command = "unknown"
		large := timer("b", f.begun.Add(time.Hour))
		large.Command.CommandID = strings.Repeat("x", 256<<10)
		for code, timer := range map[events.Code]process.Timer{events.CodeUnknownCommand: unknown, events.CodeTooLarge: large} {
			if err := timers.Set(t.Context(), timer); events.CodeOf(err) != code || events.Transient(err) {
				t.Errorf("%v, want code %s", err, code)
			}
		}
	})
}

// outbox notes the events that a bus gets; fail may refuse some.
type outbox struct {
	got  []string
	fail func(call int) bool
	call int
}

func (o *outbox) Put(_ context.Context, es []bus.Event) error {
	o.call++
	if o.fail != nil && o.fail(o.call) {
		return errors.New("not now")
	}
	for _, e := range es {
		var in process.CloudEvent
		if err := json.Unmarshal(e.Detail, &in); err != nil {
			return err
		}
		o.got = append(o.got, in.ID)
	}
	return nil
}

func cloudEvents(n, size int) (es []process.CloudEvent, ids []string) {
	for i := range n {
		id := fmt.Sprint("e", i)
		es = append(es, process.CloudEvent{
			SpecVersion: "1.0", ID: id, Source: "daybook/shop", Type: "com.example.shop.order-confirmed.v1", Subject: "order/7",
			Time: time.Date(2026, 11, 5, 0, 0, 0, 0, time.UTC), Data: []byte(`"` + strings.Repeat("x", size) + `"`),
		})
		ids = append(ids, id)
	}
	return es, ids
}

func publisher(o *outbox, name string) *messaging.Publisher {
	return messaging.NewPublisher(name, options(wire.Transport(bus.New(bus.Options{Buses: []string{"shop"}, Sink: o, Log: quiet}))))
}

func TestPublish(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		n, size, calls int
		fail           func(int) bool
	}{
		"none":             {},
		"one":              {n: 1, calls: 1},
		"ten at a time":    {n: 25, calls: 3},
		"256 KB at a time": {n: 7, size: 100_000, calls: 4},
		"large ones alone": {n: 2, size: 900_000, calls: 2},
		"failing once":     {n: 25, calls: 4, fail: func(call int) bool { return call == 2 }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				es, ids := cloudEvents(test.n, test.size)
				o := &outbox{fail: test.fail}
				if err := publisher(o, "shop").Publish(t.Context(), es); err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(o.got, ids) || o.call != test.calls {
					t.Errorf("got %v in %d requests, want %v in %d", o.got, o.call, ids, test.calls)
				}
			})
		})
	}
}

func TestPublishFails(t *testing.T) {
	t.Parallel()
	always := func(int) bool { return true }
	for name, test := range map[string]struct {
		size  int
		fail  func(int) bool
		bus   string
		code  events.Code
		calls int
	}{
		"for now":   {fail: always, bus: "shop", code: events.CodeUnavailable, calls: 3},
		"no bus":    {bus: "none", code: events.CodeInternal},
		"too large": {size: 1 << 20, bus: "shop", code: events.CodeTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				es, _ := cloudEvents(2, test.size)
				o := &outbox{fail: test.fail}
				if err := publisher(o, test.bus).Publish(t.Context(), es); events.CodeOf(err) != test.code || o.call != test.calls {
					t.Errorf("%v after %d requests, want %s after %d", err, o.call, test.code, test.calls)
				}
			})
		})
	}
}

// Characters that a queue would refuse in a message are not in the detail of an event.
func TestPublishedEventsFitAQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var details []string
		sink := bus.QueueSink{Send: func(_ context.Context, _ string, bodies, _ []string) error {
			details = append(details, bodies...)
			return nil
		}}
		p := messaging.NewPublisher("shop", options(wire.Transport(bus.New(bus.Options{Buses: []string{"shop"}, Sink: sink, Log: quiet}))))
		es, _ := cloudEvents(1, 0)
		es[0].Data = []byte("{\"reason\":\"\ufffe\uffff😀\\u0000\"}")
		if err := p.Publish(t.Context(), es); err != nil || len(details) != 1 {
			t.Fatal(details, err)
		}
		var got process.CloudEvent
		if err := json.Unmarshal([]byte(details[0]), &got); err != nil || strings.ContainsAny(details[0], "\ufffe\uffff\x00") {
			t.Errorf("%q, %v", details[0], err)
		}
		var data struct {
			Reason string `json:"reason"`
		}
		if err := json.Unmarshal(got.Data, &data); err != nil || data.Reason != "\ufffe\uffff😀\x00" {
			t.Errorf("%q, %v", data.Reason, err)
		}
	})
}

// Commands go through our own client into the embedded queue, whatever is lost.
func TestQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := dynamo.New(dynamo.Options{
			Region: "us-east-1", Endpoint: "http://db", Transport: tables(t).RoundTripper(), Credentials: dynamo.StaticCredentials("key", "secret"),
		})
		if err := dynamo.Create(t.Context(), client, "test", queue.Table()); err != nil {
			t.Fatal(err)
		}
		s, err := queue.Open(t.Context(), queue.Options{Client: client, Table: "test-queues", Log: quiet})
		if err != nil {
			t.Fatal(err)
		}
		call := func(operation, body string) string {
			t.Helper()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://embedded/", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("X-Amz-Target", "AmazonSQS."+operation)
			answer, err := wire.Transport(s).RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			if err := answer.Write(&out); err != nil || answer.StatusCode != http.StatusOK {
				t.Fatal(out.String(), err)
			}
			return out.String()
		}
		call("CreateQueue", `{"QueueName":"commands.fifo","Attributes":{"FifoQueue":"true"}}`)
		o := options((&wire.Hostile{Seed: 3, LoseAnswers: 0.3, LoseRequests: 0.2}).Over(wire.Transport(s)))
		o.Attempts = 20
		q := messaging.NewQueue("http://embedded/000000000000/commands.fifo", o)
		for i := range 30 {
			for _, err := range q.Send(t.Context(), []async.Message{{
				Body: fmt.Appendf(nil, "m%02d", i), Group: "g", Deduplication: fmt.Sprint(i), Attributes: map[string]string{"code": "busy"},
			}}) {
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		for i := range 30 {
			got := call("ReceiveMessage", `{"QueueUrl":"commands.fifo","VisibilityTimeout":3600,"MessageAttributeNames":["All"]}`)
			if want := fmt.Sprintf(`"Body":"m%02d"`, i); !strings.Contains(got, want) || !strings.Contains(got, `"StringValue":"busy"`) {
				t.Fatalf("%d: %s", i, got)
			}
			_, handle, _ := strings.Cut(got, `"ReceiptHandle":"`)
			handle, _, _ = strings.Cut(handle, `"`)
			call("DeleteMessage", `{"QueueUrl":"commands.fifo","ReceiptHandle":"`+handle+`"}`)
		}
		if got := call("ReceiveMessage", `{"QueueUrl":"commands.fifo"}`); strings.Contains(got, "Body") {
			t.Errorf("more than was sent: %s", got)
		}
	})
}
