package mapping

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
)

type answering func(r *http.Request) *http.Response

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) { return a(r), nil }

// TestRecords: GetRecords goes where the SDK sends it, and its errors are the ones
// that a worker acts on.
func TestRecords(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status   int
		body     string
		want     error
		requests int
	}{
		"records": {200, `{"Records":[],"NextShardIterator":"next"}`, nil, 1},
		"expired": {400, `{"__type":"com.amazonaws.dynamodb.v20120810#ExpiredIteratorException","message":"m"}`, ErrExpired, 1},
		"trimmed": {400, `{"__type":"com.amazonaws.dynamodb.v20120810#TrimmedDataAccessException","message":"m"}`, ErrTrimmed, 1},
		"gone":    {400, `{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"m"}`, ErrGone, 1},
		"fault":   {500, `{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"m"}`, errOther, 3},
		"cut off": {200, `{"Records":[`, errOther, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			requests := 0
			endpoint := "http://127.0.0.1:8000/db"
			source := NewSource(dynamodbstreams.New(dynamodbstreams.Options{
				Region: "eu-west-1", BaseEndpoint: &endpoint, RetryMaxAttempts: 3,
				Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
					return aws.Credentials{AccessKeyID: "a", SecretAccessKey: "b"}, nil
				}),
				HTTPClient: &http.Client{Transport: answering(func(r *http.Request) *http.Response {
					requests++
					body, _ := io.ReadAll(r.Body)
					if got := r.URL.String() + " " + r.Header.Get("X-Amz-Target") + string(body); got != endpoint+` DynamoDBStreams_20120810.GetRecords{"ShardIterator":"it","Limit":7}` {
						t.Errorf("sent %s", got)
					}
					return &http.Response{StatusCode: c.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(c.body))}
				})},
			}), "arn", "eu-west-1")
			page, err := source.Records(t.Context(), "it", 7)
			if c.want == nil && (err != nil || page.Next != "next") || c.want == errOther && (err == nil || kind(err) != nil) ||
				c.want != nil && c.want != errOther && !errors.Is(err, c.want) || requests != c.requests {
				t.Errorf("%s: %+v, %v after %d requests", name, page, err, requests)
			}
		})
	}
}

var errOther = errors.New("any other")

// kind is the error of a Source that err is.
func kind(err error) error {
	for _, k := range []error{ErrExpired, ErrTrimmed, ErrGone} {
		if errors.Is(err, k) {
			return k
		}
	}
	return nil
}
