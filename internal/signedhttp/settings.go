package signedhttp

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"

	"daybook/internal/jitter"
)

const (
	connectTimeout   = time.Second
	handshakeTimeout = 2 * time.Second
	idleTimeout      = 90 * time.Second
	idleConnections  = 32
)

// DefaultTimeout bounds an attempt where an operator has not said otherwise.
const DefaultTimeout = 3 * time.Second

// NewTransport returns a transport for AWS's services that keeps a number of idle
// connections, 32 for 0. They speak HTTP/1.1, so HTTP/2 is not asked for. A session
// cache spares a thawed function the longer half of a new TLS handshake.
func NewTransport(connections int) *http.Transport {
	if connections <= 0 {
		connections = idleConnections
	}
	dialer := &net.Dialer{Timeout: connectTimeout, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         dialer.DialContext,
		TLSHandshakeTimeout: handshakeTimeout,
		MaxIdleConns:        connections,
		MaxIdleConnsPerHost: connections,
		IdleConnTimeout:     idleTimeout,
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12, ClientSessionCache: tls.NewLRUClientSessionCache(8)},
	}
}

// TransportOf returns the transport and the timeout of an SDK client's HTTP client.
func TransportOf(client Doer) (http.RoundTripper, time.Duration) {
	c, ok := client.(*http.Client)
	switch {
	case !ok:
		return doing{client}, 0
	case c.Transport == nil:
		return http.DefaultTransport, c.Timeout
	}
	return c.Transport, c.Timeout
}

// Doer sends an HTTP request, as the SDK asks for it.
type Doer interface {
	Do(*http.Request) (*http.Response, error)
}

type doing struct{ Doer }

// RoundTrip implements http.RoundTripper.
func (d doing) RoundTrip(r *http.Request) (*http.Response, error) { return d.Do(r) }

// Retries are the settings of NewRetryer.
type Retries struct {
	Attempts int
	// The pause after attempt n is random between zero and one of these × 2^(n-1):
	// full jitter.
	FaultPause, ThrottlePause time.Duration
	// Retryable and Throttled classify errors that the SDK does not know; a throttled
	// one is retryable. Both may be nil.
	Retryable, Throttled func(error) aws.Ternary
}

// The quota of retries that all calls of a client share, in tokens, as the SDK has
// it since 2026. It is named here because a release of the SDK's core module has
// changed it before: an outage would then be answered by more requests, or by fewer.
// A client that meets nothing but faults retries RetryTokens/RetryCost times; a retry
// that succeeds gives its tokens back, and a call that succeeds at once adds one.
const (
	RetryTokens        = 500
	RetryCost          = 14
	ThrottledRetryCost = 5
	successTokens      = 1
)

// NewRetryer is the SDK's standard mode: a bounded number of attempts under a quota.
// An answer that broke off is repeated too.
func NewRetryer(r Retries) *retry.Standard {
	throttles := retry.IsErrorThrottles(append([]retry.IsErrorThrottle{}, retry.DefaultThrottles...))
	retryables := []retry.IsErrorRetryable{retry.IsErrorRetryableFunc(damaged)}
	if r.Throttled != nil {
		throttles = append(throttles, retry.IsErrorThrottleFunc(r.Throttled))
		retryables = append(retryables, retry.IsErrorRetryableFunc(r.Throttled))
	}
	if r.Retryable != nil {
		retryables = append(retryables, retry.IsErrorRetryableFunc(r.Retryable))
	}
	return retry.NewStandard(func(so *retry.StandardOptions) {
		so.MaxAttempts = r.Attempts
		so.Backoff = retry.BackoffDelayerFunc(func(attempt int, err error) (time.Duration, error) {
			base := r.FaultPause
			if throttles.IsErrorThrottle(err).Bool() {
				base = r.ThrottlePause
			}
			return jitter.Below(base << min(max(attempt-1, 0), 4)), nil
		})
		so.Throttles = throttles
		so.Retryables = append(so.Retryables, retryables...)
		so.RateLimiter = ratelimit.NewTokenRateLimit(RetryTokens)
		so.RetryCost, so.ThrottlingRetryCost, so.NoRetryIncrement = RetryCost, ThrottledRetryCost, successTokens
	})
}

// damaged says whether an answer could not be read, as when the connection was lost
// in the middle of it.
func damaged(err error) aws.Ternary {
	if _, ok := errors.AsType[*smithy.DeserializationError](err); ok {
		return aws.TrueTernary
	}
	return aws.UnknownTernary
}
