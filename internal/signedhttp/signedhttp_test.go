package signedhttp

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"pgregory.net/rapid"
)

// exchange keeps what was sent and answers as it is told.
type exchange struct {
	answer func(attempt int) (*http.Response, error)
	sent   []*http.Request
	bodies []string
}

func (e *exchange) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	e.sent, e.bodies = append(e.sent, r), append(e.bodies, string(body))
	return e.answer(len(e.sent))
}

func says(status int, body string, headers ...string) *http.Response {
	h := http.Header{}
	for _, header := range headers {
		name, v, _ := strings.Cut(header, ": ")
		h.Set(name, v)
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

func always(status int, body string, headers ...string) func(int) (*http.Response, error) {
	return func(int) (*http.Response, error) { return says(status, body, headers...), nil }
}

// to is where the tests' calls go.
func to(t rapid.TB, address, region, service string) func(context.Context, *aws.Credentials) (*Target, error) {
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	found := &Target{URL: u, Region: region, Service: service}
	return func(context.Context, *aws.Credentials) (*Target, error) { return found, nil }
}

func newClient(t rapid.TB, e *exchange, change func(*Options)) *Client {
	o := Options{
		Locate: to(t, "https://sqs.eu-west-1.amazonaws.com/", "eu-west-1", "sqs"), Transport: e,
		Retryer:   NewRetryer(Retries{Attempts: 3, FaultPause: time.Second, ThrottlePause: time.Minute}),
		UserAgent: func() string { return UserAgent("test", "") },
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret"}, nil
		}),
	}
	if change != nil {
		change(&o)
	}
	return New(o)
}

// accept reads an answer of success.
func accept(_ context.Context, r *http.Response, _ []byte) error {
	if r.StatusCode != http.StatusOK {
		return errors.New("refused")
	}
	return nil
}

// checkSignature signs a request once more by the SDK's signer.
func checkSignature(t rapid.TB, r *http.Request, body string, credentials aws.Credentials, service, region string) {
	at, err := time.Parse(timeFormat, r.Header.Get("X-Amz-Date"))
	if err != nil {
		t.Fatal(err)
	}
	got, hash := r.Header.Get("Authorization"), sha256.Sum256([]byte(body))
	r.Header.Del("Authorization")
	// S3's client sets this option.
	asSent := func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == serviceS3 }
	if err := v4.NewSigner(asSent).SignHTTP(context.Background(), credentials, r, hex.EncodeToString(hash[:]), service, region, at); err != nil {
		t.Fatal(err)
	}
	if want := r.Header.Get("Authorization"); got != want || want == "" {
		t.Errorf("%s\nthe SDK's\n%s", got, want)
	}
}

// TestSignature: the signature is the one of the SDK's signer for the same time and
// bytes, of POST and DELETE, with paths and queries.
func TestSignature(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		printable := rapid.StringMatching(`[!-~]{1,40}`)
		credentials := aws.Credentials{AccessKeyID: printable.Draw(t, "id"), SecretAccessKey: printable.Draw(t, "secret")}
		if rapid.Bool().Draw(t, "session") {
			credentials.SessionToken = printable.Draw(t, "token")
		}
		region := rapid.SampledFrom([]string{"eu-west-1", "us-east-1"}).Draw(t, "region")
		service := rapid.SampledFrom([]string{"dynamodb", "scheduler", "s3"}).Draw(t, "service")
		e := &exchange{answer: always(200, "{}")}
		c := newClient(t, e, func(o *Options) {
			o.Locate = to(t, "https://"+rapid.SampledFrom([]string{"dynamodb.eu-west-1.amazonaws.com", "127.0.0.1:8000"}).Draw(t, "host")+
				rapid.SampledFrom([]string{"/", "/a/b/", "/a b/"}).Draw(t, "path"), region, service)
			o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return credentials, nil })
		})
		c.skew.Store(rapid.Int64Range(-int64(time.Hour)*24*400, int64(time.Hour)*24*400).Draw(t, "skew"))
		k := &Call{
			Method: rapid.SampledFrom([]string{"", "GET", "DELETE"}).Draw(t, "method"),
			Path:   rapid.SampledFrom([]string{"", "schedules/a.b_C-1", "bucket/ä &+(b)*'!~:@$,;=?#[]/%2F"}).Draw(t, "path of the call"),
			Query:  url.Values{"groupName": {rapid.SampledFrom([]string{"daybook", "ä&b"}).Draw(t, "group")}}.Encode(),
			Body:   rapid.SliceOfN(rapid.Byte(), 0, 99).Draw(t, "body"), Read: accept,
		}
		if rapid.Bool().Draw(t, "operation") {
			k.ContentType, k.Operation = []string{"application/x-amz-json-1.1"}, []string{"AWSEvents.PutEvents"}
		}
		if rapid.Bool().Draw(t, "object") {
			k.Header = http.Header{"Range": {"bytes=0-99"}, "X-Amz-Content-Sha256": {"0123456789abcdef"}}
		}
		if err := c.Do(context.Background(), k); err != nil {
			t.Fatal(err)
		}
		checkSignature(t, e.sent[0], e.bodies[0], credentials, service, region)
	})
}

// TestKeyOfTheDay: a request after midnight, or with other credentials, is signed
// with another key.
func TestKeyOfTheDay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		id := "one"
		now := func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: id, SecretAccessKey: "secret of " + id}, nil
		}
		e := &exchange{answer: always(200, "{}")}
		c := newClient(t, e, func(o *Options) { o.Credentials = aws.CredentialsProviderFunc(now) })
		for _, step := range []func(){func() {}, func() { id = "two" }, func() { time.Sleep(24 * time.Hour) }, func() { id = "one" }} {
			step()
			if err := c.Do(t.Context(), &Call{Body: []byte("{}"), Read: accept}); err != nil {
				t.Fatal(err)
			}
			credentials, _ := now(t.Context())
			checkSignature(t, e.sent[len(e.sent)-1], "{}", credentials, "sqs", "eu-west-1")
		}
	})
}

// TestAnswerLimit: an endpoint that sends without end is not read without end.
func TestAnswerLimit(t *testing.T) {
	t.Parallel()
	e := &exchange{answer: always(200, strings.Repeat("x", 100))}
	for limit, want := range map[int64]int{0: 100, 7: 7} {
		c := newClient(t, e, func(o *Options) { o.AnswerLimit = limit })
		err := c.Do(t.Context(), &Call{Read: func(_ context.Context, _ *http.Response, answer []byte) error {
			if len(answer) != want {
				t.Errorf("limit %d: read %d bytes, want %d", limit, len(answer), want)
			}
			return nil
		}})
		if err != nil {
			t.Error(err)
		}
	}
}

// TestRetries: pauses and attempts follow the settings, and the classes of errors.
func TestRetries(t *testing.T) {
	t.Parallel()
	odd, slow := errors.New("odd"), errors.New("slow")
	is := func(want error) func(error) aws.Ternary {
		return func(err error) aws.Ternary {
			if errors.Is(err, want) {
				return aws.TrueTernary
			}
			return aws.UnknownTernary
		}
	}
	settings := Retries{Attempts: 3, FaultPause: time.Second, ThrottlePause: time.Minute, Retryable: is(odd), Throttled: is(slow)}
	for name, c := range map[string]struct {
		err      error
		requests int
		longest  time.Duration // of all pauses
	}{
		"permanent": {errors.New("refused"), 1, 0},
		"retryable": {odd, 3, 3 * time.Second},
		"throttled": {slow, 3, 3 * time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			e := &exchange{answer: always(200, "")}
			client := newClient(t, e, func(o *Options) { o.Retryer = NewRetryer(settings) })
			begun := time.Now()
			err := client.Do(t.Context(), &Call{Read: func(context.Context, *http.Response, []byte) error { return c.err }})
			if took := time.Since(begun); !errors.Is(err, c.err) || len(e.sent) != c.requests || took > c.longest {
				t.Errorf("%s: %v after %d requests and %v", name, err, len(e.sent), took)
			}
		})
	}
	var longest time.Duration
	for range 100 {
		d, err := NewRetryer(settings).RetryDelay(1, slow)
		if err != nil {
			t.Fatal(err)
		}
		longest = max(longest, d)
	}
	if longest <= settings.FaultPause {
		t.Errorf("throttled, the longest of many pauses is %v", longest)
	}
}
