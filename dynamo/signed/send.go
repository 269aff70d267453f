package signed

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"
	"uuid"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// call is one call of an operation. Calls are reused with their buffers.
type call struct {
	op         *operation
	out        smithy.Deserializable
	invocation string
	attempt    int // of those sent, from 1

	input   encoder
	hash    [sha256.Size]byte
	scratch []byte
	answer  bytes.Buffer
}

// maxKept is the largest buffer that is kept for another call.
const maxKept = 1 << 20

// send encodes in, sends it, repeats it as the retryer says and decodes the answer
// into out.
func (c *Client) send(ctx context.Context, op *operation, in smithy.Serializable, out smithy.Deserializable) error {
	k, ok := c.calls.Get().(*call)
	if !ok {
		k = new(call)
	}
	k.op, k.out, k.attempt, k.invocation = op, out, 0, uuid.New().String()
	k.input.reset()
	in.Serialize(&k.input)
	k.hash = sha256.Sum256(k.input.buf)
	err := c.attemptAll(ctx, k)
	k.op, k.out = nil, nil
	if cap(k.input.buf) <= maxKept && k.answer.Cap() <= maxKept {
		c.calls.Put(k)
	}
	if err != nil {
		return &smithy.OperationError{ServiceID: dynamodb.ServiceID, OperationName: op.name, Err: err}
	}
	return nil
}

// attemptAll sends a call until it succeeds or may not be repeated. A call that
// fails is handed to the SDK's retry loop, which takes the failure for its own first
// attempt.
func (c *Client) attemptAll(ctx context.Context, k *call) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	response, err := c.try(ctx, k, time.Duration(c.skew.Load()))
	if err == nil {
		c.sawDate(response.Header)
		return c.options.Retryer.GetInitialToken()(nil) // adds to the quota
	}
	if ctx.Err() != nil { // the loop would not look at what the attempt said
		return c.gaveUp(ctx, err)
	}
	_, _, err = c.attempts.HandleFinalize(ctx, middleware.FinalizeInput{}, c.loop(k, response, err))
	return err
}

// gaveUp is the error of a call whose context ended with its first attempt.
func (c *Client) gaveUp(ctx context.Context, err error) error {
	retryer := c.options.Retryer
	switch {
	case !retryer.IsErrorRetryable(err):
		return err
	case retryer.MaxAttempts() == 1:
		return &retry.MaxAttemptsError{Attempt: 1, Err: err}
	}
	if _, tokenErr := retryer.GetRetryToken(ctx, err); tokenErr != nil {
		return errors.Join(err, tokenErr)
	}
	return &aws.RequestCanceledError{Err: ctx.Err()}
}

// loop returns what the SDK's retry loop runs for each attempt, of which the first
// is over.
func (c *Client) loop(k *call, response *http.Response, err error) middleware.FinalizeHandler {
	first := true
	var skew time.Duration
	return middleware.FinalizeHandlerFunc(func(ctx context.Context, _ middleware.FinalizeInput) (middleware.FinalizeOutput, middleware.Metadata, error) {
		if !first {
			response, err = c.try(ctx, k, skew)
		}
		first = false
		md := c.timing(ctx, response)
		skew, _ = awsmiddleware.GetAttemptSkew(md)
		return middleware.FinalizeOutput{}, md, err
	})
}

// timing is what the SDK's retry loop is told about the server's clock.
func (c *Client) timing(ctx context.Context, response *http.Response) middleware.Metadata {
	record := awsmiddleware.RecordResponseTiming{DisableClockSkewCorrection: c.options.DisableClockSkewCorrection}
	_, md, _ := record.HandleDeserialize(ctx, middleware.DeserializeInput{}, middleware.DeserializeHandlerFunc(
		func(context.Context, middleware.DeserializeInput) (out middleware.DeserializeOutput, md middleware.Metadata, err error) {
			if response != nil {
				out.RawResponse = &smithyhttp.Response{Response: response}
			}
			return out, md, nil
		}))
	return md
}

// try sends a call once, signed for a server whose clock is ahead by skew. The
// response is nil if none came.
func (c *Client) try(ctx context.Context, k *call, skew time.Duration) (*http.Response, error) {
	if c.watch.Attempt != nil {
		c.watch.Attempt(ctx)
	}
	k.attempt++
	credentials, err := c.credentials(ctx)
	if err != nil {
		return nil, fmt.Errorf("get identity: %w", fmt.Errorf("get credentials: %w", err))
	}
	t, err := c.targetOf(ctx, &credentials)
	if err != nil {
		return nil, err
	}
	b := &body{}
	b.r.Reset(k.input.buf)
	r, err := c.request(ctx, k, t, &credentials, b, skew)
	if err != nil {
		return nil, err
	}
	response, err := c.options.HTTPClient.Do(r)
	_ = b.Close() // whoever still sends it gets no more of the buffer
	if err != nil {
		err = &smithyhttp.RequestSendError{Err: err}
		if ctx.Err() != nil {
			err = &smithy.CanceledError{Err: ctx.Err()}
		}
		empty := &http.Response{Header: http.Header{}, Body: http.NoBody}
		return nil, &awshttp.ResponseError{ResponseError: &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: empty}, Err: err}}
	}
	if err := c.read(ctx, k, response); err != nil {
		return response, &awshttp.ResponseError{
			ResponseError: &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: response}, Err: err},
			RequestID:     requestID(response.Header),
		}
	}
	return response, nil
}

func requestID(h http.Header) string {
	if id := h.Get("X-Amzn-Requestid"); id != "" {
		return id
	}
	return h.Get("X-Amz-Requestid")
}

// The values of headers that are always the same.
var (
	acceptEncoding = []string{"identity"}
	contentType    = []string{"application/x-amz-json-1.0"}
)

// request builds and signs a request.
func (c *Client) request(ctx context.Context, k *call, t *target, credentials *aws.Credentials, b *body, skew time.Duration) (*http.Request, error) {
	date := time.Now().Add(skew).UTC().Format(timeFormat)
	values := []string{k.invocation, k.sequence(c.options.Retryer.MaxAttempts()), date, credentials.SessionToken, ""}
	h := make(http.Header, 16)
	for name, v := range t.headers {
		h[name] = v
	}
	h["Accept-Encoding"], h["Content-Type"], h["X-Amz-Target"], h["User-Agent"] = acceptEncoding, contentType, k.op.target, c.userAgent
	h["Amz-Sdk-Invocation-Id"], h["Amz-Sdk-Request"], h["X-Amz-Date"] = values[0:1:1], values[1:2:2], values[2:3:3]
	if credentials.SessionToken != "" {
		h["X-Amz-Security-Token"] = values[3:4:4]
	}
	r := (&http.Request{
		Method: http.MethodPost, URL: t.url, Host: t.url.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, Body: b, ContentLength: int64(len(k.input.buf)),
	}).WithContext(ctx)
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

// sequence is the number of the attempt, for the service's metrics.
func (k *call) sequence(most int) string {
	if k.attempt == 1 && most == 3 {
		return "attempt=1; max=3"
	}
	return "attempt=" + strconv.Itoa(k.attempt) + "; max=" + strconv.Itoa(most)
}

// trace adds Lambda's trace to a request, as the SDK does.
func trace(ctx context.Context, r *http.Request) error {
	if _, ok := os.LookupEnv("AWS_LAMBDA_FUNCTION_NAME"); !ok {
		return nil
	}
	_, _, err := (&awsmiddleware.RecursionDetection{}).HandleBuild(ctx, middleware.BuildInput{Request: &smithyhttp.Request{Request: r}}, middleware.BuildHandlerFunc(
		func(context.Context, middleware.BuildInput) (out middleware.BuildOutput, md middleware.Metadata, err error) {
			return out, md, nil
		}))
	return err
}

// read takes in a response: its body is read to the end and closed, so that the
// connection can serve the next request.
func (c *Client) read(ctx context.Context, k *call, response *http.Response) error {
	k.answer.Reset()
	_, err := k.answer.ReadFrom(response.Body)
	_ = response.Body.Close()
	response.Body = http.NoBody
	if err != nil {
		return &smithy.DeserializationError{Err: err}
	}
	answer := k.answer.Bytes()
	if err := c.check(response.Header, answer); err != nil {
		return &smithy.DeserializationError{Err: err}
	}
	if response.StatusCode >= 200 && response.StatusCode < 300 {
		if decode(answer, k.out) {
			return nil
		}
		k.op.clear(k.out)
	}
	whole := *response
	whole.Body = io.NopCloser(bytes.NewReader(answer))
	return c.protocol.DeserializeResponse(ctx, k.op.schema, dynamodb.TypeRegistry, &smithyhttp.Response{Response: &whole}, k.out)
}

var errChecksum = errors.New("the answer does not have its checksum")

// check compares an answer with the CRC32 that DynamoDB sends along.
func (c *Client) check(h http.Header, answer []byte) error {
	values := h["X-Amz-Crc32"]
	if c.options.DisableValidateResponseChecksum || len(values) == 0 || values[0] == "" {
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
