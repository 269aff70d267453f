package connect

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json/v2"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

	"daybook/internal/signedhttp"
	"daybook/messaging/endpoint"
)

// Access says how the services of an account and a Region are reached.
type Access struct {
	Region      string
	Endpoint    string // of all services; "" for AWS's own
	Credentials aws.CredentialsProvider
	Transport   http.RoundTripper // the network when nil
}

// ErrNoService is the error of an endpoint that does not have a service.
var ErrNoService = errors.New("there is no such service at this endpoint")

// service sends requests that read to one service of AWS. The SDK's clients for these
// services would double the time that the command line takes to build.
type service struct{ sender *signedhttp.Client }

// The bounds of one request. A person waits.
const (
	attempts       = 6
	attemptTimeout = 60 * time.Second
	faultPause     = 200 * time.Millisecond
	throttlePause  = time.Second // FilterLogEvents takes a few requests per second
)

func newService(name string, a Access) *service {
	if a.Transport == nil {
		a.Transport = signedhttp.NewTransport(0)
	}
	target := sync.OnceValues(func() (*signedhttp.Target, error) {
		u, err := url.Parse(strings.TrimSuffix(cmp.Or(a.Endpoint, endpoint.Of(name, a.Region)), "/") + "/")
		return &signedhttp.Target{URL: u, Region: a.Region, Service: name}, err
	})
	return &service{signedhttp.New(signedhttp.Options{
		Locate:      func(context.Context, *aws.Credentials) (*signedhttp.Target, error) { return target() },
		Credentials: a.Credentials, Transport: a.Transport, Timeout: attemptTimeout,
		Retryer:   signedhttp.NewRetryer(signedhttp.Retries{Attempts: attempts, FaultPause: faultPause, ThrottlePause: throttlePause, Retryable: failed, Throttled: throttled}),
		UserAgent: func() string { return signedhttp.UserAgent(name, "") },
	})}
}

// operation calls an operation of the protocol AWS JSON 1.1, such as
// "Logs_20140328.FilterLogEvents".
func (s *service) operation(ctx context.Context, name string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	return s.do(ctx, name, &signedhttp.Call{ContentType: []string{"application/x-amz-json-1.1"}, Operation: []string{name}, Body: body},
		func(answer []byte) error { return json.Unmarshal(answer, out) })
}

// get reads a path. read reads the answer, which is valid until it returns.
func (s *service) get(ctx context.Context, path string, query url.Values, header http.Header, read func(answer []byte) error) error {
	return s.do(ctx, "GET /"+path, &signedhttp.Call{
		Method: http.MethodGet, Path: path, Query: strings.ReplaceAll(query.Encode(), "+", "%20"), Header: header,
	}, read)
}

func (s *service) do(ctx context.Context, what string, k *signedhttp.Call, read func([]byte) error) error {
	k.Read = func(_ context.Context, r *http.Response, answer []byte) error {
		if r.StatusCode/100 != 2 {
			return readRefusal(r, answer)
		}
		if bytes.HasPrefix(answer, []byte("healthy: ")) { // DynamoDB's answer to a GET
			return &refusal{status: http.StatusNotFound, message: string(answer)}
		}
		if err := read(answer); err != nil {
			return &smithy.DeserializationError{Err: err} // cut off on its way
		}
		return nil
	}
	err := s.sender.Do(ctx, k)
	if refused, ok := errors.AsType[*refusal](err); ok { // the SDK's words around it say nothing more
		err = refused
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// refusal is an answer that is not of success.
type refusal struct {
	status        int
	code, message string
}

// Error returns the service's words.
func (r *refusal) Error() string {
	return fmt.Sprintf("%s (%d): %s", cmp.Or(r.code, "no code"), r.status, r.message)
}

// Is reports whether target is ErrNoService, and the answer is of an endpoint that does
// not know the operation.
func (r *refusal) Is(target error) bool {
	return target == ErrNoService && (r.code == "UnknownOperationException" || r.code == "" && r.status == http.StatusNotFound)
}

// readRefusal reads JSON, or the XML of S3.
func readRefusal(response *http.Response, answer []byte) *refusal {
	var body struct {
		Type    string `json:"__type" xml:"Code"`
		Message string `json:"message,case:ignore" xml:"Message"`
	}
	if bytes.HasPrefix(bytes.TrimSpace(answer), []byte("<")) {
		_ = xml.Unmarshal(answer, &body) // a page of a proxy is no XML, and has no code
	} else {
		_ = json.Unmarshal(answer, &body)
	}
	code, _, _ := strings.Cut(cmp.Or(response.Header.Get("X-Amzn-Errortype"), body.Type), ":")
	return &refusal{response.StatusCode, code[strings.LastIndex(code, "#")+1:], body.Message}
}

// failed and throttled classify refusals for the retryer.
func failed(err error) aws.Ternary {
	if r, ok := errors.AsType[*refusal](err); ok && r.status >= http.StatusInternalServerError {
		return aws.TrueTernary
	}
	return aws.UnknownTernary
}

func throttled(err error) aws.Ternary {
	if r, ok := errors.AsType[*refusal](err); ok && (r.status == http.StatusTooManyRequests || r.code == "SlowDown" || strings.Contains(r.code, "Thrott")) {
		return aws.TrueTernary
	}
	return aws.UnknownTernary
}
