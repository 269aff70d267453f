package signedhttp

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// repeat hands a call whose first attempt failed to the SDK's retry loop, which takes
// the failure for its own first attempt.
func (c *Client) repeat(ctx context.Context, k *Call, response *http.Response, err error) error {
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
func (c *Client) loop(k *Call, response *http.Response, err error) middleware.FinalizeHandler {
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
