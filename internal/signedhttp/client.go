package signedhttp

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"uuid"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Options are the settings of a Client. Locate, Transport, Retryer and UserAgent must
// be set.
type Options struct {
	// Locate returns where calls with these credentials go. It is asked before each
	// attempt, so it remembers what it found.
	Locate func(context.Context, *aws.Credentials) (*Target, error)
	// Credentials sign every attempt, unless they are nil or empty.
	Credentials aws.CredentialsProvider
	// Transport sends one attempt. Without an http.Client around it, no redirect is
	// followed.
	Transport http.RoundTripper
	// Timeout bounds one attempt, from connecting to the last byte of the answer; 0 is
	// no bound.
	Timeout time.Duration
	// Retryer decides which failures are repeated, and when; see NewRetryer.
	Retryer aws.Retryer
	// UserAgent returns the header of that name. It is called once.
	UserAgent func() string
	// BeforeAttempt, when not nil, is told of each attempt.
	BeforeAttempt func(context.Context)
	// AnswerLimit is the length that answers are cut to, in bytes; 0 is none.
	AnswerLimit int64

	DisableClockSkewCorrection bool
	DisableChecksum            bool // of answers
}

// Target is where calls go, and the region and service they are signed for. The path
// of URL ends with a slash where calls have one of their own.
type Target struct {
	URL             *url.URL
	Header          http.Header // of every request
	Region, Service string
}

// Call is one call of an operation. One that is over can be sent again, for its
// buffers.
type Call struct {
	// Method is POST when empty.
	Method string
	// Path follows the target's, Query is percent-encoded with its names in order.
	Path, Query string
	// ContentType is the header of that name, Operation is X-Amz-Target: one value or
	// none, never changed.
	ContentType, Operation []string
	Header                 http.Header // more headers; those of signedHeaders are signed
	Body                   []byte
	// Read reads an answer, which is valid until it returns; the body of the response
	// is empty.
	Read func(ctx context.Context, response *http.Response, answer []byte) error

	invocation string
	attempt    int // of those sent, from 1
	hash       [sha256.Size]byte
	scratch    []byte
	answer     bytes.Buffer
}

// Buffered is how many bytes the call keeps for the next.
func (k *Call) Buffered() int { return cap(k.Body) + k.answer.Cap() }

// Client sends calls to one service. It is safe for concurrent use.
type Client struct {
	options   Options
	userAgent func() []string
	attempts  *retry.Attempt
	skew      *atomic.Int64 // server's clock minus ours, nanoseconds
	key       atomic.Pointer[signingKey]
	date      atomic.Pointer[serverDate]
}

// New returns a client.
func New(o Options) *Client {
	c := &Client{options: o, skew: new(atomic.Int64)}
	c.userAgent = sync.OnceValue(func() []string { return []string{o.UserAgent()} })
	c.attempts = retry.NewAttemptMiddleware(o.Retryer, func(r any) any { return r }, func(m *retry.Attempt) {
		m.ClientSkew, m.DisableClockSkewCorrection = c.skew, o.DisableClockSkewCorrection
	})
	return c
}

// Do sends a call until it succeeds or may not be repeated.
func (c *Client) Do(ctx context.Context, k *Call) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	k.attempt, k.invocation, k.hash = 0, uuid.New().String(), sha256.Sum256(k.Body)
	response, err := c.try(ctx, k, time.Duration(c.skew.Load()))
	if err == nil {
		c.sawDate(response.Header)
		return c.options.Retryer.GetInitialToken()(nil) // adds to the quota
	}
	if ctx.Err() != nil { // the loop would not look at what the attempt said
		return c.gaveUp(ctx, err)
	}
	return c.repeat(ctx, k, response, err)
}

// try sends a call once, signed for a server whose clock is ahead by skew. The
// response is nil if none came.
func (c *Client) try(ctx context.Context, k *Call, skew time.Duration) (*http.Response, error) {
	if c.options.BeforeAttempt != nil {
		c.options.BeforeAttempt(ctx)
	}
	k.attempt++
	credentials, err := c.credentials(ctx)
	if err != nil {
		return nil, fmt.Errorf("get identity: %w", fmt.Errorf("get credentials: %w", err))
	}
	t, err := c.options.Locate(ctx, &credentials)
	if err != nil {
		return nil, err
	}
	bounded, cancel := ctx, func() {}
	if c.options.Timeout > 0 {
		bounded, cancel = context.WithTimeout(ctx, c.options.Timeout)
	}
	defer cancel()
	b := &body{}
	b.r.Reset(k.Body)
	r, err := c.request(bounded, k, t, &credentials, b, skew)
	if err != nil {
		return nil, err
	}
	response, err := c.options.Transport.RoundTrip(r)
	_ = b.Close() // a transport that still sends it gets no more of the buffer
	if err != nil {
		err = &smithyhttp.RequestSendError{Err: sendError(r, err)}
		if ctx.Err() != nil {
			err = &smithy.CanceledError{Err: ctx.Err()}
		}
		return nil, responseError(&http.Response{Header: http.Header{}, Body: http.NoBody}, err)
	}
	if err := c.read(ctx, k, response); err != nil {
		return response, responseError(response, err)
	}
	return response, nil
}

// sendError is the error of an http.Client.
func sendError(r *http.Request, err error) error {
	if _, ok := errors.AsType[*url.Error](err); ok {
		return err
	}
	return &url.Error{Op: r.Method[:1] + strings.ToLower(r.Method[1:]), URL: r.URL.Redacted(), Err: err}
}

func (c *Client) credentials(ctx context.Context) (aws.Credentials, error) {
	if c.options.Credentials == nil {
		return aws.Credentials{}, nil
	}
	return c.options.Credentials.Retrieve(ctx)
}

// responseError is the SDK's error of an attempt.
func responseError(r *http.Response, err error) error {
	id := cmp.Or(r.Header.Get("X-Amzn-Requestid"), r.Header.Get("X-Amz-Requestid"))
	return &awshttp.ResponseError{
		ResponseError: &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: r}, Err: err},
		RequestID:     id,
	}
}

// read takes in a response: its body is read to the end and closed, so that the
// connection can serve the next request.
func (c *Client) read(ctx context.Context, k *Call, response *http.Response) error {
	k.answer.Reset()
	from := io.Reader(response.Body)
	if c.options.AnswerLimit > 0 {
		from = io.LimitReader(from, c.options.AnswerLimit)
	}
	_, err := k.answer.ReadFrom(from)
	_ = response.Body.Close()
	response.Body = http.NoBody
	if err == nil {
		err = c.check(response.Header, k.answer.Bytes())
	}
	if err != nil {
		return &smithy.DeserializationError{Err: err}
	}
	return k.Read(ctx, response, k.answer.Bytes())
}

var errChecksum = errors.New("the response does not match its checksum")

// check compares an answer with the CRC32 that DynamoDB sends along.
func (c *Client) check(h http.Header, answer []byte) error {
	values := h["X-Amz-Crc32"]
	if c.options.DisableChecksum || len(values) == 0 || values[0] == "" {
		return nil
	}
	want, err := strconv.ParseUint(values[0], 10, 32)
	if err != nil {
		return fmt.Errorf("unable to parse checksum header %v, %w", values[0], err)
	}
	if crc32.ChecksumIEEE(answer) != uint32(want) {
		return errChecksum
	}
	return nil
}
