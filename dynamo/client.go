package dynamo

import (
	"context"
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"

	"daybook/dynamo/signed"
)

// Options are the settings of New. The zero value takes everything from the
// environment, as a Lambda function finds it.
type Options struct {
	// Region defaults to AWS_REGION, then AWS_DEFAULT_REGION.
	Region string
	// Endpoint is the URL of a DynamoDB other than the region's own: LocalStack,
	// DynamoDB Local. It defaults to AWS_ENDPOINT_URL_DYNAMODB, then
	// AWS_ENDPOINT_URL.
	Endpoint string
	// Credentials default to EnvironmentCredentials.
	Credentials aws.CredentialsProvider
	// Transport defaults to one with keep-alive and short connection timeouts.
	Transport http.RoundTripper
	// Connections is how many idle connections the default transport keeps: no
	// less than requests that are on their way at once. It defaults to 32.
	Connections int
	// AttemptTimeout bounds one attempt of a call, from connecting to the last
	// byte of the answer. It defaults to 3 s.
	AttemptTimeout time.Duration
	// Attempts is the largest number of attempts of one call. It defaults to 3.
	Attempts int
	// Observe, when not nil, is told of every call, for metrics.
	Observe Observer
	// Sender says who sends the hot operations: SenderSDK, or else package signed.
	// It defaults to DAYBOOK_DYNAMODB_CLIENT.
	Sender string
}

// The defaults of Options and of the transport. Three attempts of 3 s with their
// pauses end within 12 s, well inside the 29 s that API Gateway waits: nothing
// around a call repeats it (ADR 28).
const (
	defaultAttempts       = 3
	defaultAttemptTimeout = 3 * time.Second
	connectTimeout        = time.Second
	handshakeTimeout      = 2 * time.Second
	idleTimeout           = 90 * time.Second
	idleConnections       = 32
)

// The pauses before a second and third attempt are random between zero and
// base × 2^(attempt-1): full jitter. A fault is retried almost at once, a
// throttled request a little later. The SDK's own pause is up to two seconds,
// for services that answer in hundreds of milliseconds; DynamoDB takes less
// than ten.
const (
	faultPause    = 25 * time.Millisecond
	throttlePause = 150 * time.Millisecond
)

// The quota of retries that all calls of a client share, in tokens, as the SDK has
// it for DynamoDB since 2026. It is named here because a release of the SDK's core
// module has changed it before: an outage would then be answered by more requests,
// or by fewer. A client that meets nothing but faults retries retryTokens/retryCost
// times; a retry that succeeds gives its tokens back, and a call that succeeds at
// once adds one.
const (
	retryTokens        = 500
	retryCost          = 14
	throttledRetryCost = 5
	successTokens      = 1
)

// New returns a client for a function that starts cold and handles one request
// at a time: no shared configuration files are read, nothing is fetched, and no
// package but the DynamoDB client is linked in.
//
// The retry mode is the standard one: a bounded number of attempts under a quota
// shared by the process. The adaptive mode would slow first attempts down after
// one partition was throttled, for all tables at once. A call may thus be sent
// twice after a lost answer; every write of this package tells its own earlier
// attempt from another's write.
func New(o Options) *Client {
	client := dynamodb.Options{
		Region:             firstOf(o.Region, os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION")),
		Credentials:        o.Credentials,
		Retryer:            newRetryer(o.Attempts),
		HTTPClient:         newHTTPClient(o),
		APIOptions:         []func(*middleware.Stack) error{addMeter(o.Observe)}, // of what the SDK sends
		EndpointDiscovery:  dynamodb.EndpointDiscoveryOptions{EnableEndpointDiscovery: aws.EndpointDiscoveryDisabled},
		EndpointResolverV2: &endpoints{resolver: dynamodb.NewDefaultEndpointResolverV2()},
	}
	if client.Credentials == nil {
		client.Credentials = EnvironmentCredentials()
	}
	if endpoint := firstOf(o.Endpoint, os.Getenv("AWS_ENDPOINT_URL_DYNAMODB"), os.Getenv("AWS_ENDPOINT_URL")); endpoint != "" {
		client.BaseEndpoint = &endpoint
	}
	if firstOf(o.Sender, os.Getenv(EnvSender)) == SenderSDK {
		return signed.SDK(dynamodb.New(client))
	}
	return signed.New(dynamodb.New(client), watch(o.Observe))
}

// Client is the SDK's client; it sends the hot operations itself (see package
// signed).
type Client = signed.Client

// EnvSender names the environment variable that Options.Sender defaults to.
const EnvSender = "DAYBOOK_DYNAMODB_CLIENT"

// SenderSDK leaves every operation to the SDK.
const SenderSDK = "sdk"

// API are the operations of DynamoDB that this package calls. A *Client has them,
// and so has a *dynamodb.Client, which no Meter listens to.
type API interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	Scan(context.Context, *dynamodb.ScanInput, ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)

	DescribeTable(context.Context, *dynamodb.DescribeTableInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeTableOutput, error)
	CreateTable(context.Context, *dynamodb.CreateTableInput, ...func(*dynamodb.Options)) (*dynamodb.CreateTableOutput, error)
	DeleteTable(context.Context, *dynamodb.DeleteTableInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteTableOutput, error)
	DescribeTimeToLive(context.Context, *dynamodb.DescribeTimeToLiveInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeTimeToLiveOutput, error)
	UpdateTimeToLive(context.Context, *dynamodb.UpdateTimeToLiveInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateTimeToLiveOutput, error)
}

// StaticCredentials returns credentials that are always the same, for an
// endpoint that does not check them.
func StaticCredentials(id, secret string) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: id, SecretAccessKey: secret, Source: "daybook"}, nil
	})
}

// EnvironmentCredentials returns the credentials that Lambda gives a function:
// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN.
func EnvironmentCredentials() aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(environmentCredentials)
}

var errNoCredentials = errors.New("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set")

func environmentCredentials(context.Context) (aws.Credentials, error) {
	c := aws.Credentials{
		AccessKeyID:     os.Getenv("AWS_ACCESS_KEY_ID"),
		SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken:    os.Getenv("AWS_SESSION_TOKEN"),
		Source:          "environment",
	}
	if c.AccessKeyID == "" || c.SecretAccessKey == "" {
		return aws.Credentials{}, errNoCredentials
	}
	return c, nil
}

// newHTTPClient returns a client whose timeout bounds one attempt, its body
// included. DynamoDB speaks HTTP/1.1, so HTTP/2 is not asked for. A session
// cache spares a thawed function the longer half of a new TLS handshake.
func newHTTPClient(o Options) *http.Client {
	timeout := o.AttemptTimeout
	if timeout <= 0 {
		timeout = defaultAttemptTimeout
	}
	transport := o.Transport
	if transport == nil {
		connections := o.Connections
		if connections <= 0 {
			connections = idleConnections
		}
		dialer := &net.Dialer{Timeout: connectTimeout, KeepAlive: 30 * time.Second}
		transport = &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         dialer.DialContext,
			TLSHandshakeTimeout: handshakeTimeout,
			MaxIdleConns:        connections,
			MaxIdleConnsPerHost: connections,
			IdleConnTimeout:     idleTimeout,
			TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12, ClientSessionCache: tls.NewLRUClientSessionCache(8)},
		}
	}
	return &http.Client{
		Transport:     transport,
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// newRetryer is the SDK's standard mode with DynamoDB's pauses. Contention
// between transactions, and an answer that broke off, are retried too.
func newRetryer(attempts int) aws.Retryer {
	if attempts <= 0 {
		attempts = defaultAttempts
	}
	return retry.NewStandard(func(so *retry.StandardOptions) {
		so.MaxAttempts = attempts
		so.Backoff = retry.BackoffDelayerFunc(pause)
		so.Retryables = append(so.Retryables, retry.IsErrorRetryableFunc(contended), retry.IsErrorRetryableFunc(damaged))
		so.Throttles = append(so.Throttles, retry.IsErrorThrottleFunc(contended))
		so.RateLimiter = ratelimit.NewTokenRateLimit(retryTokens)
		so.RetryCost, so.ThrottlingRetryCost, so.NoRetryIncrement = retryCost, throttledRetryCost, successTokens
	})
}

// pause returns how long to wait after the given failed attempt, from 1.
func pause(attempt int, err error) (time.Duration, error) {
	base := faultPause
	if retry.IsErrorThrottles(retry.DefaultThrottles).IsErrorThrottle(err).Bool() || contended(err).Bool() {
		base = throttlePause
	}
	return rand.N(base << min(max(attempt-1, 0), 4)), nil
}

// contended says whether nothing but other transactions or throttling stood in
// the way of a write.
func contended(err error) aws.Ternary {
	if _, ok := errors.AsType[*types.TransactionConflictException](err); ok {
		return aws.TrueTernary
	}
	e, ok := errors.AsType[*types.TransactionCanceledException](err)
	if !ok {
		return aws.UnknownTernary
	}
	for _, r := range e.CancellationReasons {
		switch value(r.Code) {
		case "", "None", "TransactionConflict", "ProvisionedThroughputExceeded", "ThrottlingError", "RequestLimitExceeded":
		default:
			return aws.FalseTernary
		}
	}
	return aws.BoolTernary(len(e.CancellationReasons) > 0)
}

// damaged says whether an answer could not be read, as when the connection was
// lost in the middle of it.
func damaged(err error) aws.Ternary {
	if _, ok := errors.AsType[*smithy.DeserializationError](err); ok {
		return aws.TrueTernary
	}
	return aws.UnknownTernary
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
