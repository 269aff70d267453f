package signedhttp

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/encoding/httpbinding"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// UserAgent returns the SDK's User-Agent header for calls to a service that an
// application makes.
func UserAgent(service, application string) string {
	ua := awsmiddleware.NewRequestUserAgent()
	ua.AddSDKAgentKeyValue(awsmiddleware.APIMetadata, service, "daybook")
	if application != "" {
		ua.AddSDKAgentKey(awsmiddleware.ApplicationIdentifier, application)
	}
	ua.AddUserAgentFeature(awsmiddleware.UserAgentFeatureRetryModeStandard)
	r := &http.Request{Header: http.Header{}}
	if _, _, err := ua.HandleBuild(context.Background(), building(r), built); err != nil {
		return ""
	}
	return r.Header.Get("User-Agent")
}

// building and built run one middleware of the SDK on a request.
func building(r *http.Request) middleware.BuildInput {
	return middleware.BuildInput{Request: &smithyhttp.Request{Request: r}}
}

var built = middleware.BuildHandlerFunc(func(context.Context, middleware.BuildInput) (out middleware.BuildOutput, md middleware.Metadata, err error) {
	return out, md, nil
})

// acceptEncoding asks for answers as they are: a checksum is of those, and they are
// short.
var acceptEncoding = []string{"identity"}

// request builds and signs a request.
func (c *Client) request(ctx context.Context, k *Call, t *Target, credentials *aws.Credentials, b *body, skew time.Duration) (*http.Request, error) {
	date := time.Now().Add(skew).UTC().Format(timeFormat)
	values := []string{k.invocation, k.sequence(c.options.Retryer.MaxAttempts()), date, credentials.SessionToken, ""}
	most := 8 // headers: a map of eight is much faster than one of nine
	if credentials.SessionToken != "" {
		most = 10
	}
	h := make(http.Header, most)
	for name, v := range t.Header {
		h[name] = v
	}
	h["Accept-Encoding"], h["User-Agent"] = acceptEncoding, c.userAgent()
	h["Amz-Sdk-Invocation-Id"], h["Amz-Sdk-Request"], h["X-Amz-Date"] = values[0:1:1], values[1:2:2], values[2:3:3]
	if credentials.SessionToken != "" {
		h["X-Amz-Security-Token"] = values[3:4:4]
	}
	if k.ContentType != nil {
		h["Content-Type"] = k.ContentType
	}
	if k.Operation != nil {
		h["X-Amz-Target"] = k.Operation
	}
	for name, v := range k.Header {
		h[name] = v
	}
	u := k.url(t)
	r := (&http.Request{
		Method: http.MethodPost, URL: u, Host: u.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, Body: b, ContentLength: int64(len(k.Body)),
	}).WithContext(ctx)
	if k.Method != "" {
		r.Method = k.Method
	}
	if len(k.Body) == 0 {
		r.Body = http.NoBody // else its length would be unknown
	}
	if err := trace(ctx, r); err != nil {
		return nil, err
	}
	if credentials.AccessKeyID != "" || credentials.SecretAccessKey != "" {
		key := c.keyOf(credentials, date[:len("20060102")], t)
		values[4], k.scratch = key.sign(r, k.hash, date, k.scratch)
		h["Authorization"] = values[4:5:5]
	}
	return r, nil
}

// url is where a call goes.
func (k *Call) url(t *Target) *url.URL {
	if k.Path == "" && k.Query == "" {
		return t.URL
	}
	u := *t.URL
	u.Path, u.RawQuery = u.Path+k.Path, k.Query
	u.RawPath = httpbinding.EscapePath(u.Path, false) // net/url leaves some as they are, which S3 signs escaped
	return &u
}

// sequence is the number of the attempt, for the service's metrics.
func (k *Call) sequence(most int) string {
	if k.attempt == 1 && most == 4 {
		return "attempt=1; max=4"
	}
	return "attempt=" + strconv.Itoa(k.attempt) + "; max=" + strconv.Itoa(most)
}

// trace adds Lambda's trace to a request, as the SDK does.
func trace(ctx context.Context, r *http.Request) error {
	if _, ok := os.LookupEnv("AWS_LAMBDA_FUNCTION_NAME"); !ok {
		return nil
	}
	_, _, err := (&awsmiddleware.RecursionDetection{}).HandleBuild(ctx, building(r), built)
	return err
}

// body is the body of a request. A transport may still read it after it answered,
// in another goroutine, while the buffer serves another call: Close takes it away.
type body struct {
	mu sync.Mutex
	r  bytes.Reader
}

func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.r.Read(p)
}

// Close makes further reads end: those of a request that is over.
func (b *body) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.r.Reset(nil)
	return nil
}
