package messaging

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"daybook/events"
)

var credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret", SessionToken: "session"}, nil
})

// seen is a request as the network saw it.
type seen struct {
	*http.Request
	body string
	at   time.Time
}

// network answers requests by a function, and keeps them.
type network struct {
	answer func(n int, r seen) (*http.Response, error) // n counts from 1

	mu   sync.Mutex
	seen []seen
}

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	s := seen{r, string(body), time.Now()}
	n.seen = append(n.seen, s)
	count := len(n.seen)
	n.mu.Unlock()
	return n.answer(count, s)
}

func says(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

func options(t http.RoundTripper) Options {
	return Options{Region: "eu-central-1", Credentials: credentials, Transport: t}
}

func call(ctx context.Context, c *client, out any) error {
	return c.do(ctx, awsJSON("1.0", "AmazonSQS", "SendMessageBatch", map[string]string{"a": "ä"}, out))
}

func TestARequestIsSigned(t *testing.T) {
	t.Parallel()
	n := &network{answer: func(int, seen) (*http.Response, error) { return says(200, `{"got":"it"}`), nil }}
	var out struct {
		Got string `json:"got"`
	}
	if err := call(t.Context(), newClient(serviceSQS, options(n)), &out); err != nil || out.Got != "it" {
		t.Fatalf("the answer is %+v, %v", out, err)
	}
	r := n.seen[0]
	if r.Method != "POST" || r.URL.String() != "https://sqs.eu-central-1.amazonaws.com/" || r.body != `{"a":"ä"}` {
		t.Errorf("sent %s %s %s", r.Method, r.URL, r.body)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS.SendMessageBatch", "X-Amz-Security-Token": "session",
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	checkSignature(t, r, "sqs")
}

// checkSignature signs the request once more, as the service does.
func checkSignature(t *testing.T, r seen, service string) {
	t.Helper()
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := http.NewRequest(r.Method, r.URL.String(), bytes.NewReader([]byte(r.body)))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range r.Header {
		if name != "Authorization" {
			again.Header[name] = values
		}
	}
	sum := sha256.Sum256([]byte(r.body))
	c, _ := credentials.Retrieve(t.Context())
	if err := v4.NewSigner().SignHTTP(t.Context(), c, again, hex.EncodeToString(sum[:]), service, "eu-central-1", at); err != nil {
		t.Fatal(err)
	}
	got, want := r.Header.Get("Authorization"), again.Header.Get("Authorization")
	if got != want || !strings.Contains(got, "Credential=AKIDEXAMPLE/") || !strings.Contains(got, "/eu-central-1/"+service+"/aws4_request") {
		t.Errorf("Authorization is\n%s, want\n%s", got, want)
	}
}

func TestRestJSON(t *testing.T) {
	t.Parallel()
	n := &network{answer: func(int, seen) (*http.Response, error) { return says(200, ""), nil }}
	o := options(n)
	o.Endpoint = "http://127.0.0.1:4566/"
	timers := NewTimers(TimersConfig{Group: "daybook dev"}, o)
	if err := timers.Cancel(t.Context(), "a.b"); err != nil {
		t.Fatal(err)
	}
	if got := n.seen[0]; got.Method != "DELETE" || got.URL.String() != "http://127.0.0.1:4566/schedules/a.b?groupName=daybook%20dev" || got.body != "" {
		t.Errorf("sent %s %s %q", got.Method, got.URL, got.body)
	}
	checkSignature(t, n.seen[0], "scheduler")
}

func TestChinaHasAnotherSuffix(t *testing.T) {
	t.Parallel()
	n := &network{answer: func(int, seen) (*http.Response, error) { return says(200, "{}"), nil }}
	o := options(n)
	o.Region = "cn-north-1"
	if err := call(t.Context(), newClient(serviceEvents, o), nil); err != nil {
		t.Fatal(err)
	}
	if got := n.seen[0].URL.String(); got != "https://events.cn-north-1.amazonaws.com.cn/" {
		t.Error(got)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	typed := func(code string) string { return `{"__type":"com.amazonaws.sqs#` + code + `","message":"said so"}` }
	for name, test := range map[string]struct {
		status   int
		body     string
		header   string
		err      error
		code     events.Code
		attempts int
	}{
		"no network":          {err: errors.New("connection refused"), code: events.CodeUnavailable, attempts: 3},
		"cut off":             {status: 200, body: `{"got":`, code: events.CodeUnavailable, attempts: 3},
		"server's fault":      {status: 500, body: typed("InternalFailure"), code: events.CodeUnavailable, attempts: 3},
		"bad gateway":         {status: 502, body: "<html>", code: events.CodeUnavailable, attempts: 3},
		"throttled":           {status: 400, body: typed("RequestThrottled"), code: events.CodeBusy, attempts: 3},
		"throttled by header": {status: 400, header: "ThrottlingException:http://internal.amazon.com/", body: "{}", code: events.CodeBusy, attempts: 3},
		"too many":            {status: 429, body: "", code: events.CodeBusy, attempts: 3},
		"no such queue":       {status: 400, body: typed("QueueDoesNotExist"), code: events.CodeUnavailable, attempts: 1},
		"no rights":           {status: 403, body: typed("AccessDeniedException"), code: events.CodeUnavailable, attempts: 1},
		"no such key":         {status: 400, body: typed("NotFoundException"), code: events.CodeUnavailable, attempts: 1},
		"a disabled key":      {status: 409, body: typed("DisabledException"), code: events.CodeUnavailable, attempts: 1},
		"a key to be deleted": {status: 409, body: typed("KMSInvalidStateException"), code: events.CodeUnavailable, attempts: 1},
		"a spoilt data key":   {status: 400, body: typed("InvalidCiphertextException"), code: events.CodeInternal, attempts: 1},
		"expired":             {status: 403, body: `{"code":"ExpiredToken"}`, code: events.CodeUnavailable, attempts: 1},
		"exists":              {status: 409, body: typed("ConflictException"), code: events.CodeConflict, attempts: 1},
		"too long":            {status: 400, body: typed("BatchRequestTooLong"), code: events.CodeTooLarge, attempts: 1},
		"refused":             {status: 400, body: typed("InvalidMessageContents"), code: events.CodeInternal, attempts: 1},
		"moved":               {status: 301, body: "", code: events.CodeInternal, attempts: 1},
		"not JSON":            {status: 404, body: "rubbish", code: events.CodeInternal, attempts: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := &network{answer: func(int, seen) (*http.Response, error) {
					if test.err != nil {
						return nil, test.err
					}
					r := says(test.status, test.body)
					r.Header.Set("X-Amzn-Errortype", test.header)
					return r, nil
				}}
				var out struct{ Got string }
				err := call(t.Context(), newClient(serviceSQS, options(n)), &out)
				if events.CodeOf(err) != test.code || len(n.seen) != test.attempts {
					t.Errorf("%v after %d attempts; want code %s after %d", err, len(n.seen), test.code, test.attempts)
				}
				if e, ok := errors.AsType[*events.Error](err); !ok || strings.Contains(e.Message, "said so") {
					t.Errorf("clients are told %v", err)
				}
				lacks := slices.Contains([]string{"no rights", "no such key", "a disabled key", "a key to be deleted", "expired"}, name)
				if errors.Is(err, events.ErrNoAccess) != lacks {
					t.Errorf("no access: %v", err)
				}
				if test.code == events.CodeConflict && !refused(err, "ConflictException") {
					t.Error("the service's code is lost")
				}
			})
		})
	}
}

func TestAnotherAttemptMends(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := &network{answer: func(n int, _ seen) (*http.Response, error) {
			if n < 3 {
				return says(503, ""), nil
			}
			return says(200, "{}"), nil
		}}
		if err := call(t.Context(), newClient(serviceSQS, options(n)), nil); err != nil {
			t.Fatal(err)
		}
		if took := n.seen[2].at.Sub(n.seen[0].at); took > faultPause+2*faultPause {
			t.Errorf("two pauses took %v", took)
		}
		if n.seen[0].body != n.seen[2].body {
			t.Error("another attempt sent something else")
		}
	})
}

func TestAttemptsEndInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := &network{answer: func(_ int, r seen) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}}
		begun := time.Now()
		err := call(t.Context(), newClient(serviceSQS, options(n)), nil)
		if took := time.Since(begun); events.CodeOf(err) != events.CodeUnavailable || len(n.seen) != 3 || took < 9*time.Second || took > 12*time.Second {
			t.Errorf("%v after %d attempts and %v", err, len(n.seen), took)
		}
	})
}

func TestAContextEndsTheCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		n := &network{answer: func(_ int, r seen) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}}
		begun := time.Now()
		err := call(ctx, newClient(serviceSQS, options(n)), nil)
		if took := time.Since(begun); events.CodeOf(err) != events.CodeCanceled || !errors.Is(err, context.DeadlineExceeded) || took != 20*time.Millisecond {
			t.Errorf("%v after %v", err, took)
		}
	})
}

func TestNoCredentials(t *testing.T) {
	t.Parallel()
	o := options(&network{})
	o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, errors.New("none") })
	if err := call(t.Context(), newClient(serviceSQS, o), nil); events.CodeOf(err) != events.CodeUnavailable {
		t.Errorf("%v, want code unavailable", err)
	}
}
