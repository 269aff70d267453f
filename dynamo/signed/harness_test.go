package signed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
)

// exchange is a transport that keeps what was sent and answers as it is told.
type exchange struct {
	answer func(attempt int, r *http.Request) (*http.Response, error)

	mu     sync.Mutex
	sent   []*http.Request
	bodies []string
}

func (e *exchange) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	e.sent, e.bodies = append(e.sent, r), append(e.bodies, string(body))
	attempt := len(e.sent)
	e.mu.Unlock()
	return e.answer(attempt, r)
}

// respond is an answer of status with body and headers "Name: value".
func respond(status int, body string, headers ...string) *http.Response {
	h := http.Header{"Content-Type": {"application/x-amz-json-1.0"}}
	for _, header := range headers {
		name, v, _ := strings.Cut(header, ": ")
		h.Set(name, v)
	}
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}

func always(status int, body string, headers ...string) func(int, *http.Request) (*http.Response, error) {
	return func(int, *http.Request) (*http.Response, error) { return respond(status, body, headers...), nil }
}

var keys = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret", SessionToken: "a-token"}, nil
})

// options are the settings of both clients of a comparison.
func options(transport http.RoundTripper) dynamodb.Options {
	return dynamodb.Options{
		Region: "eu-west-1", Credentials: keys, HTTPClient: &http.Client{Transport: transport, Timeout: time.Minute},
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts = 3 }),
	}
}

// side is one of the two clients that are compared, with what it did.
type side struct {
	client *Client
	*exchange
}

// both returns the SDK's client and this package's, each with an exchange of its own.
func both(answer func(int, *http.Request) (*http.Response, error), change func(*dynamodb.Options)) (sdk, ours side) {
	sdk.exchange, ours.exchange = &exchange{answer: answer}, &exchange{answer: answer}
	for _, s := range []*side{&sdk, &ours} {
		o := options(s.exchange)
		if change != nil {
			change(&o)
		}
		s.client = New(dynamodb.New(o), Watch{})
	}
	sdk.client = SDK(sdk.client.Client)
	return sdk, ours
}

// do calls the operation of an input.
func do(ctx context.Context, c *Client, input any) (any, error) {
	switch in := input.(type) {
	case *dynamodb.PutItemInput:
		return c.PutItem(ctx, in)
	case *dynamodb.UpdateItemInput:
		return c.UpdateItem(ctx, in)
	case *dynamodb.DeleteItemInput:
		return c.DeleteItem(ctx, in)
	case *dynamodb.GetItemInput:
		return c.GetItem(ctx, in)
	case *dynamodb.QueryInput:
		return c.Query(ctx, in)
	case *dynamodb.ScanInput:
		return c.Scan(ctx, in)
	case *dynamodb.BatchGetItemInput:
		return c.BatchGetItem(ctx, in)
	case *dynamodb.BatchWriteItemInput:
		return c.BatchWriteItem(ctx, in)
	case *dynamodb.BatchExecuteStatementInput:
		return c.BatchExecuteStatement(ctx, in)
	case *dynamodb.TransactWriteItemsInput:
		return c.TransactWriteItems(ctx, in)
	}
	return nil, fmt.Errorf("%T is not the input of a hot operation", input)
}

// plain takes the SDK's own notes off an output.
func plain(output any) any {
	v := reflect.ValueOf(output)
	if v.IsNil() {
		return nil
	}
	v.Elem().FieldByName("ResultMetadata").Set(reflect.ValueOf(middleware.Metadata{}))
	return output
}

// timeout maps an http.Client's time-out error to the context's, which it wraps in
// meaning and not in type.
var timeout = strings.NewReplacer("*http.timeoutError", "context.deadlineExceededError", " (Client.Timeout exceeded while awaiting headers)", "")

// chain describes an error: the types that it wraps, its code and its words.
func chain(err error) string {
	var types []string
	for e := err; e != nil; e = errors.Unwrap(e) {
		types = append(types, reflect.TypeOf(e).String())
	}
	code := ""
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		code = fmt.Sprintf("%+v", api)
	}
	return timeout.Replace(strings.Join(types, " > ") + " | " + code + " | " + fmt.Sprint(err))
}

// same compares what both clients made of a call.
func same(t *testing.T, name string, sdk, ours side, input any) {
	t.Helper()
	want, wantErr := do(t.Context(), sdk.client, input)
	got, gotErr := do(t.Context(), ours.client, input)
	if a, b := chain(wantErr), chain(gotErr); a != b {
		t.Errorf("%s: error\n%s, the SDK's\n%s", name, b, a)
	}
	if !reflect.DeepEqual(plain(got), plain(want)) {
		t.Errorf("%s: output\n%+v, the SDK's\n%+v", name, got, want)
	}
	if len(ours.sent) != len(sdk.sent) {
		t.Errorf("%s: %d requests, the SDK sent %d", name, len(ours.sent), len(sdk.sent))
	}
}
