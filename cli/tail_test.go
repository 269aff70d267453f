package cli

import (
	"bytes"
	"context"
	"daybook/inspect"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"daybook/internal/testdomain"
	"daybook/localstack/embedded"
)

func TestTailOfThePast(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.school(5)
	lines := decode[inspect.StreamEvent](t, s.want(exitOK, "tail", "-since", "1h", "-count", "12", "-json"))
	if len(lines) != 12 || lines[0].Stream == "" || len(lines[0].Data) == 0 {
		t.Errorf("got %+v", lines)
	}
	for _, args := range [][]string{
		{"-aggregate", "member", "-event", "member-created", "-count", "5"},
		{"-aggregate", "member", "-count", "6"},
		{"-stream", "member/u1", "-actor", "tester", "-count", "2"},
	} {
		r := s.want(exitOK, append([]string{"tail", "-since", "1h", "-poll", "5ms"}, args...)...)
		if got := r.lines(); fmt.Sprint(len(got)) != args[len(args)-1] || strings.Contains(r.out, "course") {
			t.Errorf("%q: %q", args, got)
		}
	}
	if r := s.want(exitOK, "tail", "-for", "1ns"); r.out != "" {
		t.Errorf("got %q", r.out)
	}
}

func TestTailFilters(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	line := inspect.StreamEvent{Stream: "member/7", Name: "member-created", Actor: "ann", Time: at}
	for name, test := range map[string]struct {
		filter eventFilter
		want   bool
	}{
		"none":            {eventFilter{}, true},
		"aggregate":       {eventFilter{aggregates: []string{"course", "member"}}, true},
		"other aggregate": {eventFilter{aggregates: []string{"course"}}, false},
		"event":           {eventFilter{names: []string{"member-created"}}, true},
		"other event":     {eventFilter{names: []string{"member-renamed"}}, false},
		"actor":           {eventFilter{actors: []string{"ann"}}, true},
		"other actor":     {eventFilter{actors: []string{"bob"}}, false},
		"stream":          {eventFilter{stream: "member/7"}, true},
		"other stream":    {eventFilter{stream: "member/8"}, false},
		"since":           {eventFilter{since: at}, true},
		"since later":     {eventFilter{since: at.Add(time.Second)}, false},
	} {
		if got := test.filter.takes(&line, at); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	for text, want := range map[string]time.Time{"": {}, "10m": at.Add(-10 * time.Minute), "2026-01-02T00:00:00+01:00": time.Date(2026, 1, 1, 23, 0, 0, 0, time.UTC)} {
		if got, err := parseSince(text, at); err != nil || !got.Equal(want) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}

// TestTailBeginsAtATime: records from before -since are not read at all; from a
// database that can't begin at a time they are read, and left to the filter.
func TestTailBeginsAtATime(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	db, err := embedded.Open(t.Context(), embedded.Options{Shards: 1, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	endpoint, keys := "http://embedded", credentials.NewStaticCredentialsProvider("key", "secret", "")
	tables := dynamodb.New(dynamodb.Options{Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: keys, HTTPClient: &http.Client{Transport: db.RoundTripper()}})
	made, err := tables.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String("things"), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: "S"}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: "HASH"}},
		StreamSpecification:  &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewImage},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		now = now.Add(time.Minute)
		item := map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: fmt.Sprint(i)}}
		if _, err := tables.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("things"), Item: item}); err != nil {
			t.Fatal(err)
		}
	}
	read := func(transport http.RoundTripper) (n int) {
		f := &follower{
			arn: *made.TableDescription.LatestStreamArn, since: now.Add(-90 * time.Second), shards: map[string]*shard{}, warn: func(error) {},
			client: dynamodbstreams.New(dynamodbstreams.Options{Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: keys, HTTPClient: &http.Client{Transport: transport}}),
		}
		if err := f.list(t.Context()); err != nil {
			t.Fatal(err)
		}
		for id, sh := range f.shards {
			got, _, err := f.read(t.Context(), id, sh, nil)
			if err != nil {
				t.Fatal(err)
			}
			n += got
		}
		return n
	}
	if n := read(db.RoundTripper()); n != 2 {
		t.Errorf("%d of 5 records were read for the last 2", n)
	}
	if n := read(withoutTimestamp{db.RoundTripper()}); n != 5 {
		t.Errorf("%d of 5 records were read where a time can't be asked for", n)
	}
}

// withoutTimestamp is a database from before AT_TIMESTAMP.
type withoutTimestamp struct{ http.RoundTripper }

func (w withoutTimestamp) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(bytes.ReplaceAll(body, []byte("AT_TIMESTAMP"), []byte("AT_ANY_TIME"))))
	return w.RoundTripper.RoundTrip(r)
}

// watched is an output that says when it is written to.
type watched struct {
	mu    sync.Mutex
	text  bytes.Buffer
	wrote chan struct{}
}

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case w.wrote <- struct{}{}:
	default:
	}
	return w.text.Write(p)
}

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// TestTailFollows: without -since only what comes is shown, and being stopped is
// a good end.
func TestTailFollows(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.send("create-member", "old", `{"name":"Ann","email":"a@example.com"}`)
	ctx, stop := context.WithCancel(t.Context())
	out := &watched{wrote: make(chan struct{}, 1)}
	var errors bytes.Buffer
	code := make(chan int)
	go func() {
		code <- run(ctx, testdomain.App(), []string{"tail", "-poll", "5ms", "-stage", testStage, "-endpoint", s.endpoint, "-region", "us-east-1"}, nil, out, &errors)
	}()
	for i := range 1000 { // until the tail has begun, and shows one
		s.send("rename-member", "old", `{"name":"Ann `+strings.Repeat("n", i%50+1)+`"}`)
		select {
		case <-out.wrote:
		case <-time.After(10 * time.Millisecond):
			continue
		}
		break
	}
	stop()
	if c := <-code; c != exitOK || errors.Len() > 0 {
		t.Errorf("code %d, %q", c, errors.String())
	}
	if text := out.String(); !strings.Contains(text, "member-renamed") || strings.Contains(text, "member-created") {
		t.Errorf("got %q", text)
	}
}
