package functions_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"daybook/dynamo"
	"daybook/functions"
)

// denying answers every call as IAM does to a role without a right.
type denying struct{}

func (denying) RoundTrip(q *http.Request) (*http.Response, error) {
	_, action, _ := strings.Cut(q.Header.Get("X-Amz-Target"), ".")
	body := `{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"not authorized to perform: dynamodb:` + action + `"}`
	return &http.Response{
		StatusCode: http.StatusBadRequest, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: q,
	}, nil
}

// TestMissingRightsAreAnsweredAtOnce: a client gets 503 without a wait, and the log
// names the action.
func TestMissingRightsAreAnsweredAtOnce(t *testing.T) {
	t.Parallel()
	if err := dynamo.BuildCoders(); err != nil { // outside of the bubble
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		call(t, r.command, "POST", "/commands/create-member", "", ada)
		r.transport.RoundTripper = denying{}
		for _, c := range []struct {
			function                          functions.Handler
			method, path, query, body, action string
		}{
			{r.command, "POST", "/commands/rename-member", "", `{"id":"7","payload":{"name":"Ann"}}`, "PutItem"},
			{r.command, "POST", "/commands/rename-member", "", `{"id":"8","payload":{"name":"Ann"}}`, "Query"},
			{r.query, "GET", "/members/7", "", "", "GetItem"},
			{r.query, "GET", "/members/7", "after=member/7@1", "", "GetItem"},
			{r.query, "GET", "/members", "active=true", "", "GetItem"},
			{r.query, "GET", "/members", "active=true&after=member/7@1", "", "GetItem"},
			{r.query, "GET", "/streams/member/7", "", "", "Query"},
		} {
			began := time.Now()
			a := call(t, c.function, c.method, c.path, c.query, c.body)
			if took := time.Since(began); took > 0 || a.StatusCode != http.StatusServiceUnavailable || strings.Contains(a.Body, "dynamodb") {
				t.Errorf("%s %s?%s: after %v: %+v", c.method, c.path, c.query, took, a)
			}
			if log := r.log.String(); !strings.Contains(log, "not authorized to perform: dynamodb:"+c.action) {
				t.Errorf("%s %s?%s: the log does not name %s:\n%s", c.method, c.path, c.query, c.action, log)
			}
			r.log.Reset()
		}
	})
}
