package connect_test

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"daybook/connect"
	"daybook/dynamo"
)

// answering answers requests one after another, and keeps what was asked.
type answering struct {
	answers []string // status, a space and the body
	asked   []string
}

// RoundTrip implements http.RoundTripper.
func (a *answering) RoundTrip(r *http.Request) (*http.Response, error) {
	a.asked = append(a.asked, r.Method+" "+r.URL.String())
	if !strings.Contains(r.Header.Get("Authorization"), "/eu-west-1/lambda/aws4_request") {
		return nil, errors.New("not signed for Lambda")
	}
	status, body, _ := strings.Cut(a.answers[0], " ")
	a.answers = a.answers[1:]
	code := map[string]int{"200": http.StatusOK, "404": http.StatusNotFound, "500": http.StatusInternalServerError}[status]
	return &http.Response{StatusCode: code, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r}, nil
}

// TestEnvironment: a function's environment is what Lambda says, after a fault too; one
// that Lambda can't decrypt, and a function that is not there, are errors.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // it waits before it asks again
		const refused = `{"Environment":{"Error":{"ErrorCode":"KMSAccessDeniedException","Message":"the key is disabled"}}}`
		for _, test := range []struct {
			answers []string
			want    map[string]string
			err     string
		}{
			{[]string{`500 {"message":"try again"}`, `200 {"Environment":{"Variables":{"A":"1"}}}`}, map[string]string{"A": "1"}, ""},
			{[]string{`200 {"FunctionName":"f"}`}, nil, ""},
			{[]string{"200 " + refused}, nil, "function a-process: its environment can't be read: the key is disabled"},
			{[]string{`404 {"__type":"ResourceNotFoundException","message":"Function not found"}`}, nil, "ResourceNotFoundException (404): Function not found"},
		} {
			a := &answering{answers: test.answers}
			services := connect.NewServices(connect.Access{Region: "eu-west-1", Credentials: dynamo.StaticCredentials("id", "secret"), Transport: a}, "a")
			got, err := services.Environment(t.Context(), "a-process")
			if !maps.Equal(got, test.want) || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("%q: got %v, %v", test.answers, got, err)
			}
			for _, asked := range a.asked {
				if asked != "GET https://lambda.eu-west-1.amazonaws.com/2015-03-31/functions/a-process/configuration" {
					t.Errorf("asked %s", asked)
				}
			}
		}
	})
}
