package apigateway_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"daybook/functions/apigateway"
)

const (
	httpAPI = `{"version":"2.0","rawPath":"/x","requestContext":{"http":{"method":"POST"}},%s}`
	restAPI = `{"httpMethod":"POST","path":"/x","requestContext":{},%s}`
)

// Headers whose names differ only in case are all there, in the same order every
// time; none wins by chance.
func TestHeadersThatDifferInCase(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, event, want string }{
		{"REST", fmt.Sprintf(restAPI, `"headers":{"Idempotency-Key":"a","idempotency-key":"b"},`+
			`"multiValueHeaders":{"Idempotency-Key":["a"],"idempotency-key":["b"]}`), "[a b]"},
		{"REST, two lines", fmt.Sprintf(restAPI, `"headers":{"idempotency-key":"b"},"multiValueHeaders":{"idempotency-key":["a","b"]}`), "[a b]"},
		{"REST, single values only", fmt.Sprintf(restAPI, `"headers":{"idempotency-key":"b","Idempotency-Key":"a"},"multiValueHeaders":null`), "[a b]"},
		{"REST, an empty list", fmt.Sprintf(restAPI, `"headers":{"idempotency-key":"b"},"multiValueHeaders":{"Idempotency-Key":null}`), "[b]"},
		{"REST, lists of other names", fmt.Sprintf(restAPI, `"headers":{"idempotency-key":"b"},"multiValueHeaders":{"accept":["c"]}`), "[b]"},
		{"HTTP API", fmt.Sprintf(httpAPI, `"headers":{"idempotency-key":"b","Idempotency-Key":"a"}`), "[a b]"},
		{"HTTP API, joined", fmt.Sprintf(httpAPI, `"headers":{"idempotency-key":"a,b"}`), "[a,b]"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for range 20 { // a map's order is another each time
				if got := fmt.Sprint(invoke(t, test.event, apigateway.Options{}).header.Values("Idempotency-Key")); got != test.want {
					t.Fatalf("got %s, want %s", got, test.want)
				}
			}
		})
	}
}

// No parameter of a REST API's query is left out: it might be the only filter.
func TestNoParameterIsLeftOut(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, event, want string }{
		{"malformed, taken literally", `"multiValueQueryStringParameters":{"email":["%zz"],"name":["n1;active=true"]}`, "email=%25zz&name=n1%3Bactive%3Dtrue"},
		{"no list", `"queryStringParameters":{"foo":"1"},"multiValueQueryStringParameters":{"foo":null}`, "foo=1"},
		{"an empty list", `"multiValueQueryStringParameters":{"foo":[]}`, "foo="},
		{"null", `"queryStringParameters":{"foo":null}`, "foo="},
		{"the lists lack a name", `"queryStringParameters":{"foo":"1","bar":"2"},"multiValueQueryStringParameters":{"foo":["1","3"]}`, "bar=2&foo=1&foo=3"},
	}
	for _, test := range tests {
		if got := invoke(t, fmt.Sprintf(restAPI, test.event), apigateway.Options{}).query; got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

// An event that can't be read without a loss is answered 400, and is not the
// function's failure.
func TestMalformedRequests(t *testing.T) {
	t.Parallel()
	h := apigateway.New(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the handler was called") }), apigateway.Options{})
	for name, event := range map[string]string{
		"bytes in a body":        fmt.Sprintf(httpAPI, "\"body\":\"{\\\"id\\\":\\\"\xe4\\\"}\""),
		"bytes in a header":      fmt.Sprintf(restAPI, "\"headers\":{\"idempotency-key\":\"\xe4\"}"),
		"half a surrogate pair":  fmt.Sprintf(restAPI, `"headers":{"idempotency-key":"\ud800"}`),
		"half a pair in a query": fmt.Sprintf(restAPI, `"queryStringParameters":{"email":"\udfff"}`),
		"half a pair in a path":  strings.Replace(fmt.Sprintf(httpAPI, `"body":""`), "/x", `/users/\ud800`, 1),
		"a path of a REST API":   strings.Replace(fmt.Sprintf(restAPI, `"body":""`), "/x", "/users/50%", 1),
	} {
		out, err := h.Invoke(t.Context(), []byte(event))
		if err != nil || !strings.HasPrefix(string(out), `{"statusCode":400,`) {
			t.Errorf("%s: %s, %v", name, out, err)
		}
	}
}
