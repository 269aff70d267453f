package bus_test

import (
	"bytes"
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/smithy-go"

	"daybook/dynamo"
	"daybook/localstack/bus"
	"daybook/localstack/wire"
)

var quiet = slog.New(slog.DiscardHandler)

func client(sink bus.Sink) *eventbridge.Client {
	return eventbridge.New(eventbridge.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://bus"), Credentials: dynamo.StaticCredentials("key", "secret"), Retryer: aws.NopRetryer{},
		HTTPClient: &http.Client{Transport: wire.Transport(bus.New(bus.Options{Buses: []string{"shop"}, Sink: sink, Log: quiet}))},
	})
}

// event is an entry with the detail {"subject":…,"n":…}.
func event(subject string, n int) types.PutEventsRequestEntry {
	return types.PutEventsRequestEntry{
		EventBusName: aws.String("shop"), Source: aws.String("daybook"), DetailType: aws.String("order-confirmed"), Time: aws.Time(time.Now()),
		Detail: aws.String(fmt.Sprintf("{\n \"subject\": %q,\n \"n\": %d}", subject, n)),
	}
}

func line(subject string, n int) string { return fmt.Sprintf(`{"subject":%q,"n":%d}`, subject, n) }

func put(t *testing.T, c *eventbridge.Client, entries ...types.PutEventsRequestEntry) *eventbridge.PutEventsOutput {
	t.Helper()
	out, err := c.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: entries})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "outbox.jsonl")
	want := ""
	for start := range 3 {
		f, err := bus.File(path)
		if err != nil {
			t.Fatal(err)
		}
		c := client(f)
		if out := put(t, c, event("order/1", start), event("order/2", start)); out.FailedEntryCount != 0 || len(out.Entries) != 2 || out.Entries[0].EventId == nil {
			t.Errorf("%+v", out)
		}
		want += line("order/1", start) + "\n" + line("order/2", start) + "\n"
		if got, _ := os.ReadFile(path); string(got) != want {
			t.Errorf("the file holds\n%swant\n%s", got, want)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		if out := put(t, c, event("order/1", 9)); out.FailedEntryCount != 1 || *out.Entries[0].ErrorCode != "InternalFailure" {
			t.Errorf("a file that is closed: %+v", out)
		}
		torn, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := torn.WriteString(`{"subject":"order/1","n`); err != nil {
			t.Fatal(err)
		}
		if err := torn.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// Somebody's file without a last line end is not a torn one.
func TestFileOfAnother(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "outbox.jsonl")
	if err := os.WriteFile(path, []byte(`{"mine":1}`), 0o666); err != nil {
		t.Fatal(err)
	}
	f, err := bus.File(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	put(t, client(f), event("a", 1))
	if got, _ := os.ReadFile(path); string(got) != "{\"mine\":1}\n"+line("a", 1)+"\n" {
		t.Errorf("the file holds %q", got)
	}
	if _, err := bus.File(filepath.Join(path, "below a file")); err == nil {
		t.Error("no error for a path that can't be")
	}
}

// Every entry has a result of its own.
func TestEntries(t *testing.T) {
	t.Parallel()
	good := event("a", 1)
	with := func(change func(*types.PutEventsRequestEntry)) types.PutEventsRequestEntry {
		e := good
		change(&e)
		return e
	}
	out := put(t, client(nil), good,
		with(func(e *types.PutEventsRequestEntry) { e.Source = nil }),
		with(func(e *types.PutEventsRequestEntry) { e.DetailType = aws.String("") }),
		with(func(e *types.PutEventsRequestEntry) { e.Detail = aws.String(`{"a":`) }),
		with(func(e *types.PutEventsRequestEntry) { e.Detail = aws.String(`[]`) }),
		with(func(e *types.PutEventsRequestEntry) { e.Source = aws.String("aws.s3") }),
		with(func(e *types.PutEventsRequestEntry) { e.EventBusName = aws.String("none") }),
		with(func(e *types.PutEventsRequestEntry) { e.EventBusName = nil }),
		with(func(e *types.PutEventsRequestEntry) {
			e.EventBusName = aws.String("arn:aws:events:us-east-1:000000000000:event-bus/shop")
		}),
	)
	var codes []string
	for _, e := range out.Entries {
		codes = append(codes, aws.ToString(e.ErrorCode))
	}
	want := []string{"", "InvalidArgument", "InvalidArgument", "MalformedDetail", "MalformedDetail", "NotAuthorizedForSource", "InvalidArgument", "", ""}
	if !slices.Equal(codes, want) || out.FailedEntryCount != 6 {
		t.Errorf("%d failed: %q, want %q", out.FailedEntryCount, codes, want)
	}
}

func TestRequestsThatAreRefused(t *testing.T) {
	t.Parallel()
	c := client(nil)
	large := event("a", 1)
	large.Detail = aws.String(`{"a":"` + strings.Repeat("x", 1<<20) + `"}`)
	for name, entries := range map[string][]types.PutEventsRequestEntry{
		"none": {}, "eleven": slices.Repeat([]types.PutEventsRequestEntry{event("a", 1)}, 11), "too large": {large},
	} {
		_, err := c.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: entries})
		if e, ok := errors.AsType[smithy.APIError](err); !ok || e.ErrorCode() != "ValidationException" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := c.DescribeEventBus(t.Context(), &eventbridge.DescribeEventBusInput{}); err == nil || !strings.Contains(err.Error(), "DescribeEventBus") {
		t.Errorf("another operation: %v", err)
	}
}

// A batch is posted in order; what fails holds back its own subject only.
func TestWebhook(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var posted []string
	var fail string
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		posted = append(posted, string(body))
		if r.Method != http.MethodPost || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/cloudevents+json") {
			t.Errorf("%s with %v", r.Method, r.Header)
		}
		if string(body) == fail {
			w.WriteHeader(http.StatusBadGateway)
		}
	}))
	defer hook.Close()
	var sent []string
	sink := bus.QueueSink{Send: func(_ context.Context, group string, bodies, ids []string) error {
		if len(group) != 64 || len(bodies) != len(ids) {
			t.Errorf("group %q, %d bodies, %d ids", group, len(bodies), len(ids))
		}
		for i, b := range bodies {
			record := map[string]any{"messageId": b, "body": b, "attributes": map[string]string{"MessageGroupId": group, "ApproximateReceiveCount": "1"}}
			data, err := json.Marshal(record)
			if err != nil || ids[i] == "" {
				t.Error(err)
			}
			sent = append(sent, string(data))
		}
		return nil
	}}
	put(t, client(sink), event("a", 1), event("a", 2), event("b", 1), event("a", 3))
	batch := []byte(`{"Records":[` + strings.Join(sent, ",") + `]}`)
	webhook := &bus.Webhook{URL: hook.URL, Log: quiet}
	invoke := func(wantPosted, wantFailed []string) {
		t.Helper()
		posted = nil
		answer, err := webhook.Invoke(t.Context(), batch)
		if err != nil {
			t.Fatal(err)
		}
		var out struct {
			Failures []struct {
				ID string `json:"itemIdentifier"`
			} `json:"batchItemFailures"`
		}
		if err := json.Unmarshal(answer, &out); err != nil {
			t.Fatal(err)
		}
		var failed []string
		for _, f := range out.Failures {
			failed = append(failed, f.ID)
		}
		if !slices.Equal(posted, wantPosted) || !slices.Equal(failed, wantFailed) {
			t.Errorf("posted %q, failed %q\nwant %q, %q", posted, failed, wantPosted, wantFailed)
		}
	}
	invoke([]string{line("a", 1), line("a", 2), line("b", 1), line("a", 3)}, nil)
	fail = line("a", 2)
	invoke([]string{line("a", 1), line("a", 2), line("b", 1)}, []string{line("a", 2), line("a", 3)})
	hook.Close()
	invoke(nil, []string{line("a", 1), line("a", 2), line("b", 1), line("a", 3)})
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	var all []string
	for n := range 9 {
		all = append(all, bus.RetryAfter(n).String())
	}
	if got := strings.Join(all, " "); got != "1s 1s 2s 4s 8s 16s 32s 1m0s 1m0s" {
		t.Error(got)
	}
}

func ExampleNew() {
	server := bus.New(bus.Options{Buses: []string{"shop"}})
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(
		`{"Entries":[{"EventBusName":"shop","Source":"daybook","DetailType":"order-confirmed","Detail":"no JSON"}]}`))
	r.Header.Set("X-Amz-Target", "AWSEvents.PutEvents")
	w := httptest.NewRecorder()
	server.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Body)
	// Output: 200 {"FailedEntryCount":1,"Entries":[{"ErrorCode":"MalformedDetail","ErrorMessage":"Detail is malformed."}]}
}

// Only a 2xx answer to the POST itself says that an event was taken.
func TestWebhookCountsNoRedirect(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect, http.StatusNotModified} {
		var others atomic.Int64
		mux := http.NewServeMux()
		mux.HandleFunc("POST /hook", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
		})
		mux.HandleFunc("/elsewhere", func(http.ResponseWriter, *http.Request) { others.Add(1) })
		hook := httptest.NewServer(mux)
		defer hook.Close()
		var said bytes.Buffer
		webhook := &bus.Webhook{URL: hook.URL + "/hook", Log: slog.New(slog.NewTextHandler(&said, nil))}
		answer, err := webhook.Invoke(t.Context(), []byte(`{"Records":[{"messageId":"m1","body":"{}","attributes":{"MessageGroupId":"g"}}]}`))
		if err != nil || string(answer) != `{"batchItemFailures":[{"itemIdentifier":"m1"}]}` {
			t.Errorf("%d: %s, %v; want the event to be retried", status, answer, err)
		}
		if others.Load() != 0 {
			t.Errorf("%d: the redirect was followed", status)
		}
		if !strings.Contains(said.String(), strconv.Itoa(status)) {
			t.Errorf("%d: the log says %q", status, said.String())
		}
	}
}
