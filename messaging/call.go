package messaging

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"daybook/events"
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

// The defaults of Options, and the bounds of pauses and answers. The pause before
// attempt n+1 is random between zero and base × 2^(n-1): full jitter.
const (
	defaultAttempts       = 3
	defaultAttemptTimeout = 3 * time.Second
	idleConnections       = 32
	faultPause            = 50 * time.Millisecond
	throttlePause         = 250 * time.Millisecond
	maxAnswer             = 1 << 20 // bytes
)

// service is what tells one AWS service from another: the name its requests are
// signed for, which is also the first part of its host name.
type service string

const (
	serviceSQS       service = "sqs"
	serviceEvents    service = "events"
	serviceScheduler service = "scheduler"
)

// client sends signed requests to one service. It is safe for concurrent use.
type client struct {
	service     service
	region      string
	endpoint    string // without a slash at the end
	credentials aws.CredentialsProvider
	signer      *v4.Signer
	http        *http.Client
	attempts    int
}

func newClient(s service, o Options) *client {
	c := &client{
		service: s, region: o.Region, endpoint: strings.TrimSuffix(o.Endpoint, "/"),
		credentials: o.Credentials, signer: v4.NewSigner(), attempts: o.Attempts,
	}
	if c.endpoint == "" {
		c.endpoint = endpoint.Of(string(s), o.Region)
	}
	if c.attempts <= 0 {
		c.attempts = defaultAttempts
	}
	timeout := o.AttemptTimeout
	if timeout <= 0 {
		timeout = defaultAttemptTimeout
	}
	transport := o.Transport
	if transport == nil {
		// A session cache spares a thawed function the longer half of a handshake.
		transport = &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			MaxIdleConns:        idleConnections,
			MaxIdleConnsPerHost: idleConnections,
			IdleConnTimeout:     90 * time.Second,
			TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12, ClientSessionCache: tls.NewLRUClientSessionCache(8)},
		}
	}
	c.http = &http.Client{
		Transport: transport, Timeout: timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c
}

// request is one operation. Its input and its output are written and read as
// JSON; nil is none.
type request struct {
	operation string // for the error: "SendMessageBatch"
	method    string // POST when empty
	path      string // "/" when empty; percent-encoded
	query     url.Values
	header    map[string]string
	input     any
	output    any
}

// awsJSON is an operation of the protocols AWS JSON 1.0 and 1.1: version is "1.0"
// or "1.1", target is the service's name in them.
func awsJSON(version, target, operation string, input, output any) request {
	return request{
		operation: operation, input: input, output: output,
		header: map[string]string{"Content-Type": "application/x-amz-json-" + version, "X-Amz-Target": target + "." + operation},
	}
}

// do sends a request until it is answered, fails permanently, has had its attempts,
// or ctx ends. Its error is an *events.Error (see translate).
func (c *client) do(ctx context.Context, r request) error {
	var body []byte
	if r.input != nil {
		var err error
		if body, err = json.Marshal(r.input); err != nil {
			return events.Wrap(events.CodeInternal, fmt.Errorf("write the request of %s: %w", r.operation, err), msgInternal)
		}
	}
	for attempt := 1; ; attempt++ {
		err := c.attempt(ctx, r, body)
		if err == nil {
			return nil
		}
		base := pauseAfter(err)
		if attempt >= c.attempts || base == 0 || ctx.Err() != nil {
			return translate(ctx, fmt.Errorf("%s: %w", r.operation, err))
		}
		if !sleep(ctx, rand.N(base<<min(attempt-1, 4))) {
			return translate(ctx, fmt.Errorf("%s: %w", r.operation, err))
		}
	}
}

// attempt sends a request once.
func (c *client) attempt(ctx context.Context, r request, body []byte) error {
	sent, err := c.signed(ctx, r, body)
	if err != nil {
		return err
	}
	answer, err := c.http.Do(sent)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	got, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if answer.StatusCode/100 != 2 {
		return readRefusal(answer, got)
	}
	if r.output == nil {
		return nil
	}
	if err := json.Unmarshal(got, r.output); err != nil {
		return fmt.Errorf("read the answer: %w", err) // cut off on its way
	}
	return nil
}

// signed makes the HTTP request, with a signature of now.
func (c *client) signed(ctx context.Context, r request, body []byte) (*http.Request, error) {
	method, path := r.method, r.path
	if method == "" {
		method = http.MethodPost
	}
	if path == "" {
		path = "/"
	}
	target := c.endpoint + path
	if len(r.query) > 0 {
		target += "?" + r.query.Encode()
	}
	sent, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return nil, defect{err}
	}
	for name, value := range r.header {
		sent.Header.Set(name, value)
	}
	credentials, err := c.credentials.Retrieve(ctx)
	if err != nil {
		return nil, fmt.Errorf("find credentials: %w", err)
	}
	sum := sha256.Sum256(body)
	if err := c.signer.SignHTTP(ctx, credentials, sent, hex.EncodeToString(sum[:]), string(c.service), c.region, time.Now()); err != nil {
		return nil, defect{err}
	}
	return sent, nil
}

// sleep waits, and reports whether it was for the whole time.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// pauseAfter is the bound of the pause after a failed first attempt; zero for a
// failure that another attempt would not fix.
func pauseAfter(err error) time.Duration {
	if _, ok := errors.AsType[defect](err); ok {
		return 0
	}
	r, ok := errors.AsType[*refusal](err)
	switch {
	case !ok: // no answer, or half of one
		return faultPause
	case r.throttled():
		return throttlePause
	case r.status >= http.StatusInternalServerError:
		return faultPause
	}
	return 0
}
