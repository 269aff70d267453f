package messaging

import (
	"cmp"
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

	"daybook/events"
	"daybook/internal/signedhttp"
	"daybook/messaging/endpoint"
)

// Options are what a client of a service needs.
type Options struct {
	// Region is the AWS region, such as "eu-central-1". It must be set.
	Region string
	// Endpoint is the URL of the service: LocalStack's, the local stack's. Empty
	// is the region's own.
	Endpoint string
	// Credentials sign every request. They must be set.
	Credentials aws.CredentialsProvider
	// Transport defaults to one with keep-alive, over the network.
	Transport http.RoundTripper
	// AttemptTimeout bounds one attempt of a call, from connecting to the last
	// byte of the answer. It defaults to 3 s.
	AttemptTimeout time.Duration
	// Attempts is the largest number of attempts of one call. It defaults to 3:
	// with their pauses they end within 12 s, well inside the 29 s that API
	// Gateway waits.
	Attempts int
}

// The defaults of Options, the bounds of the first pauses (see signedhttp.Retries), and
// that of answers.
const (
	defaultAttempts = 3
	faultPause      = 50 * time.Millisecond
	throttlePause   = 250 * time.Millisecond
	maxAnswer       = 1 << 20 // bytes
)

// service is what tells one AWS service from another: the name its requests are
// signed for, which is also the first part of its host name.
type service string

const (
	serviceSQS       service = "sqs"
	serviceEvents    service = "events"
	serviceScheduler service = "scheduler"
	serviceKMS       service = "kms"
)

// client sends signed requests to one service. It is safe for concurrent use.
type client struct {
	sender  *signedhttp.Client
	retryer aws.Retryer
}

func newClient(s service, o Options) *client {
	o.Endpoint = cmp.Or(o.Endpoint, endpoint.Of(string(s), o.Region))
	if o.Transport == nil {
		o.Transport = signedhttp.NewTransport(0)
	}
	if o.AttemptTimeout <= 0 {
		o.AttemptTimeout = signedhttp.DefaultTimeout
	}
	if o.Attempts <= 0 {
		o.Attempts = defaultAttempts
	}
	target := sync.OnceValues(func() (*signedhttp.Target, error) {
		u, err := url.Parse(strings.TrimSuffix(o.Endpoint, "/") + "/")
		if err != nil {
			return nil, defect{err}
		}
		return &signedhttp.Target{URL: u, Region: o.Region, Service: string(s)}, nil
	})
	retryer := signedhttp.NewRetryer(signedhttp.Retries{
		Attempts: o.Attempts, FaultPause: faultPause, ThrottlePause: throttlePause, Retryable: failed, Throttled: throttled,
	})
	return &client{retryer: retryer, sender: signedhttp.New(signedhttp.Options{
		Locate:      func(context.Context, *aws.Credentials) (*signedhttp.Target, error) { return target() },
		Credentials: o.Credentials, Retryer: retryer, AnswerLimit: maxAnswer,
		Transport: o.Transport, Timeout: o.AttemptTimeout,
		UserAgent: func() string { return signedhttp.UserAgent(string(s), "") },
	})}
}

// request is one operation. Its input and its output are written and read as
// JSON; nil is none.
type request struct {
	signedhttp.Call

	operation string // for the error: "SendMessageBatch"
	input     any
	output    any
}

// awsJSON is an operation of the protocols AWS JSON 1.0 and 1.1: version is "1.0"
// or "1.1", target is the service's name in them.
func awsJSON(version, target, operation string, input, output any) request {
	r := request{operation: operation, input: input, output: output}
	r.ContentType, r.Operation = []string{"application/x-amz-json-" + version}, []string{target + "." + operation}
	return r
}

// do sends a request until it is answered, fails permanently, has had its attempts,
// or ctx ends. Its error is an *events.Error (see translate).
func (c *client) do(ctx context.Context, r request) error {
	if r.input != nil {
		var err error
		if r.Body, err = json.Marshal(r.input); err != nil {
			return events.Wrap(events.CodeInternal, fmt.Errorf("write the request of %s: %w", r.operation, err), msgInternal)
		}
	}
	r.Read = func(_ context.Context, response *http.Response, answer []byte) error {
		if response.StatusCode/100 != 2 {
			return readRefusal(response, answer)
		}
		if r.output == nil {
			return nil
		}
		if err := json.Unmarshal(answer, r.output); err != nil {
			return &smithy.DeserializationError{Err: err} // cut off on its way
		}
		return nil
	}
	if err := c.sender.Do(ctx, &r.Call); err != nil {
		return translate(ctx, fmt.Errorf("%s: %w", r.operation, err))
	}
	return nil
}

// pause waits as after a failed attempt of a call, and reports whether it was for the
// whole time.
func (c *client) pause(ctx context.Context, attempt int, err error) bool {
	d, _ := c.retryer.RetryDelay(attempt, err)
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// throttled and failed classify refusals for the retryer.
func throttled(err error) aws.Ternary {
	if r, ok := errors.AsType[*refusal](err); ok && r.meaning() == events.CodeBusy {
		return aws.TrueTernary
	}
	return aws.UnknownTernary
}

func failed(err error) aws.Ternary {
	if r, ok := errors.AsType[*refusal](err); ok && r.status >= http.StatusInternalServerError {
		return aws.TrueTernary
	}
	return aws.UnknownTernary
}
