package dynamo

import (
	"context"
	"errors"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"

	"daybook/dynamo/signed"
	"daybook/internal/jitter"
	"daybook/internal/signedhttp"
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
	// Attempts is the largest number of attempts of one call. It defaults to 4.
	Attempts int
	// Observe, when not nil, is told of every call, for metrics.
	Observe Observer
	// Trace, when not nil, is told of every call when it begins and ends.
	Trace Tracer
	// Sender says who sends the hot operations: SenderSDK, or else package signed.
	// It defaults to DAYBOOK_DYNAMODB_CLIENT.
	Sender string
}

// defaultAttempts is DynamoDB's own of the SDK. Four attempts of 3 s with their
// pauses end within 14 s, well inside the 29 s that API Gateway waits: nothing around
// a call repeats it (ADR 28).
const defaultAttempts = jitter.DynamoDBAttempts

// A fault is retried almost at once, a throttled request a little later (see
// signedhttp.Retries). The SDK's own pause after throttling is up to a second, for
// services that answer in hundreds of milliseconds; DynamoDB takes less than ten.
const (
	faultPause    = 25 * time.Millisecond
	throttlePause = jitter.DynamoDBPause
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
		APIOptions:         []func(*middleware.Stack) error{addMeter(o.Observe, o.Trace)}, // of what the SDK sends
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
	return signed.New(dynamodb.New(client), watch(o.Observe, o.Trace))
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

// newHTTPClient returns a client whose timeout bounds one attempt, its body included.
func newHTTPClient(o Options) *http.Client {
	if o.Transport == nil {
		o.Transport = signedhttp.NewTransport(o.Connections)
	}
	if o.AttemptTimeout <= 0 {
		o.AttemptTimeout = signedhttp.DefaultTimeout
	}
	return &http.Client{
		Transport: o.Transport, Timeout: o.AttemptTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// newRetryer is the SDK's standard mode with DynamoDB's pauses. Contention between
// transactions is retried too.
func newRetryer(attempts int) aws.Retryer {
	if attempts <= 0 {
		attempts = defaultAttempts
	}
	return signedhttp.NewRetryer(signedhttp.Retries{
		Attempts: attempts, FaultPause: faultPause, ThrottlePause: throttlePause, Throttled: contended,
	})
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

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
