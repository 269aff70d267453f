package signed

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/schemas"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"
)

// Client is the SDK's client with faster hot operations. It is safe for
// concurrent use.
type Client struct {
	*dynamodb.Client

	options   dynamodb.Options
	watch     Watch
	protocol  *awsjson.Protocol
	userAgent []string
	attempts  *retry.Attempt
	skew      *atomic.Int64 // server's clock minus ours, nanoseconds

	target atomic.Pointer[target]
	key    atomic.Pointer[signingKey]
	date   atomic.Pointer[serverDate]
	calls  sync.Pool // *call
}

// Watch is told of calls, as middleware of the SDK's client would be. The zero
// value watches nothing.
type Watch struct {
	// Call runs next, which is the whole call, and may change its input before.
	Call func(ctx context.Context, operation string, input, output any, next func(context.Context) error) error
	// Attempt is told of each attempt before it is sent.
	Attempt func(ctx context.Context)
}

// New returns a client with the settings of sdk: region, credentials, endpoints,
// retryer and HTTP client. Middleware and interceptors of sdk do not see the hot
// operations; watch does. The retryer must be the SDK's standard one; with another,
// New returns SDK(sdk).
func New(sdk *dynamodb.Client, watch Watch) *Client {
	if _, ok := sdk.Options().Retryer.(*retry.Standard); !ok {
		return SDK(sdk)
	}
	c := &Client{
		Client: sdk, options: sdk.Options(), watch: watch,
		protocol: awsjson.New10(schemas.DynamoDB_20120810), skew: new(atomic.Int64),
	}
	c.attempts = retry.NewAttemptMiddleware(c.options.Retryer, func(r any) any { return r }, func(m *retry.Attempt) {
		m.ClientSkew, m.DisableClockSkewCorrection = c.skew, c.options.DisableClockSkewCorrection
	})
	c.userAgent = userAgent(c.options.AppID)
	c.calls.New = func() any { return new(call) }
	return c
}

// SDK returns a client whose every operation is the SDK's.
func SDK(sdk *dynamodb.Client) *Client { return &Client{Client: sdk} }

// userAgent is the SDK's User-Agent header.
func userAgent(app string) []string {
	ua := awsmiddleware.NewRequestUserAgent()
	ua.AddSDKAgentKeyValue(awsmiddleware.APIMetadata, "dynamodb", "daybook")
	if app != "" {
		ua.AddSDKAgentKey(awsmiddleware.ApplicationIdentifier, app)
	}
	ua.AddUserAgentFeature(awsmiddleware.UserAgentFeatureRetryModeStandard)
	r, ok := smithyhttp.NewStackRequest().(*smithyhttp.Request)
	if !ok {
		return nil
	}
	_, _, err := ua.HandleBuild(context.Background(), middleware.BuildInput{Request: r}, middleware.BuildHandlerFunc(
		func(context.Context, middleware.BuildInput) (out middleware.BuildOutput, md middleware.Metadata, err error) {
			return out, md, nil
		}))
	if err != nil {
		return nil
	}
	return r.Header["User-Agent"]
}

// serverDate is a Date header and the skew that it told of when it was new.
type serverDate struct {
	header string
	skew   time.Duration
}

// sawDate takes the server's clock from an answer, as the SDK does after each
// call. The header has whole seconds, so only a new one tells anything.
func (c *Client) sawDate(h http.Header) {
	values := h["Date"]
	if c.options.DisableClockSkewCorrection || len(values) == 0 || len(h["Age"]) > 0 {
		return
	}
	d := c.date.Load()
	if d == nil || d.header != values[0] {
		t, err := smithyhttp.ParseTime(values[0])
		if err != nil {
			return
		}
		d = &serverDate{header: values[0], skew: time.Until(t)}
		c.date.Store(d)
	}
	c.skew.Store(int64(d.skew))
}

// credentials are those that the next attempt is signed with.
func (c *Client) credentials(ctx context.Context) (aws.Credentials, error) {
	if c.options.Credentials == nil {
		return aws.Credentials{}, nil
	}
	return c.options.Credentials.Retrieve(ctx)
}
