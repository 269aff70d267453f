package signed

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/schemas"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"

	"daybook/internal/signedhttp"
)

// Client is the SDK's client with faster hot operations. It is safe for
// concurrent use.
type Client struct {
	*dynamodb.Client

	options  dynamodb.Options
	watch    Watch
	sender   *signedhttp.Client       // nil: the SDK sends everything
	protocol func() *awsjson.Protocol // the SDK's reader of answers
	target   atomic.Pointer[target]
	calls    sync.Pool // *call
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
	c := &Client{Client: sdk, options: sdk.Options(), watch: watch}
	if _, ok := c.options.Retryer.(*retry.Standard); !ok {
		return SDK(sdk)
	}
	transport, timeout := signedhttp.TransportOf(c.options.HTTPClient)
	c.sender = signedhttp.New(signedhttp.Options{
		Locate: c.locate, Credentials: c.options.Credentials, Transport: transport, Timeout: timeout, Retryer: c.options.Retryer,
		UserAgent:     func() string { return signedhttp.UserAgent("dynamodb", c.options.AppID) },
		BeforeAttempt: watch.Attempt, DisableClockSkewCorrection: c.options.DisableClockSkewCorrection,
		DisableChecksum: c.options.DisableValidateResponseChecksum,
	})
	c.protocol = sync.OnceValue(func() *awsjson.Protocol { return awsjson.New10(schemas.DynamoDB_20120810) })
	c.calls.New = func() any { return newCall(c) }
	return c
}

// SDK returns a client whose every operation is the SDK's.
func SDK(sdk *dynamodb.Client) *Client { return &Client{Client: sdk} }
