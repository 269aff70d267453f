package gateway_test

import (
	"encoding/json/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	awsevents "github.com/aws/aws-lambda-go/events"

	"daybook/functions/apigateway"
	"daybook/localstack/gateway"
)

// captures are paths as they were sent to live APIs in us-west-2, and what an HTTP
// API put in rawPath ("" where it answered 400 by itself). A REST API put in path
// what was sent. From github.com/hotsock/voker, vokerhttp/testdata/ingress-paths.json
// (July and September 2026).
var captures = []struct{ sent, httpAPI string }{
	{"/capture/plain", "/capture/plain"},
	{"/capture/space%20value", "/capture/space value"},
	{"/capture/question%3Fvalue", "/capture/question"},
	{"/capture/percent%25done", ""},
	{"/capture/hash%23value", "/capture/hash#value"},
	{"/capture/slash%2Fvalue", "/capture/slash/value"},
	{"/capture/unicode-%CE%BB-%E4%B8%96%E7%95%8C", "/capture/unicode-λ-世界"},
	{"/capture/literal%252Fvalue", "/capture/literal/value"},
	{"/capture/literal%253Fvalue", "/capture/literal?value"},
	{"/capture/literal%2525value", "/capture/literal%value"},
}

func TestCapturedPaths(t *testing.T) {
	t.Parallel()
	for _, c := range captures {
		const query = "value=a%3Fb%25c%23d"
		g, event, _ := capture(gateway.Options{})
		w := send(g, httptest.NewRequest("GET", c.sent+"?"+query, nil))
		if c.httpAPI == "" {
			if w.Code != 400 || *event != nil {
				t.Errorf("%s: an HTTP API answered %d, and invoked with %s", c.sent, w.Code, *event)
			}
		} else {
			var got awsevents.APIGatewayV2HTTPRequest
			if err := json.Unmarshal(*event, &got); err != nil {
				t.Fatal(err)
			}
			if got.RawPath != c.httpAPI || got.RequestContext.HTTP.Path != c.httpAPI || got.RawQueryString != query {
				t.Errorf("%s: rawPath %q, want %q", c.sent, got.RawPath, c.httpAPI)
			}
			same(t, *event, c.httpAPI)
		}
		g, event, _ = capture(gateway.Options{Format: gateway.RESTAPI})
		send(g, httptest.NewRequest("GET", "/local"+c.sent+"?"+query, nil))
		var got awsevents.APIGatewayProxyRequest
		if err := json.Unmarshal(*event, &got); err != nil {
			t.Fatal(err)
		}
		if got.Path != c.sent || got.RequestContext.Path != "/local"+c.sent || "/"+got.PathParameters["proxy"] != c.sent || got.QueryStringParameters["value"] != "a?b%c#d" {
			t.Errorf("%s: path %q, parameters %v", c.sent, got.Path, got.PathParameters)
		}
		decoded, err := url.PathUnescape(c.sent)
		if err != nil {
			t.Fatal(err)
		}
		same(t, *event, decoded)
	}
}

// same checks the path that a handler sees of an event: nothing is decoded again.
func same(t *testing.T, event []byte, path string) {
	t.Helper()
	got := ""
	h := apigateway.New(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.URL.Path }), apigateway.Options{})
	if _, err := h.Invoke(t.Context(), event); err != nil || got != path {
		t.Errorf("%s: the handler got %q, %v; want %q", event, got, err, path)
	}
}

// A filter that can't be read is refused, by the gateway or by the function, and
// never left out.
func TestMalformedQueries(t *testing.T) {
	t.Parallel()
	for _, query := range []string{"email=%zz", "name=n1;active=true", "foo=%", "%=1", "a=1&b=%f"} {
		g, event, _ := capture(gateway.Options{Format: gateway.RESTAPI})
		if w := send(g, httptest.NewRequest("GET", "/local/users?"+query, nil)); w.Code != 400 || *event != nil {
			t.Errorf("%s: a REST API answered %d, and invoked with %s", query, w.Code, *event)
		}
		g, event, _ = capture(gateway.Options{})
		send(g, httptest.NewRequest("GET", "/users?"+query, nil))
		var got awsevents.APIGatewayV2HTTPRequest
		if err := json.Unmarshal(*event, &got); err != nil || got.RawQueryString != query {
			t.Errorf("%s: an HTTP API invoked with %s", query, *event)
		}
	}
}

// Bytes that are not UTF-8 are U+FFFD in an event; an actor of them would pass for
// another.
func TestBytesThatAreNotUTF8(t *testing.T) {
	t.Parallel()
	for _, format := range []gateway.Format{gateway.HTTPAPI, gateway.RESTAPI} {
		g, event, _ := capture(gateway.Options{Format: format, TenantClaim: "org"})
		r := httptest.NewRequest("GET", g.Prefix()+"/users", nil)
		r.Header.Set("Idempotency-Key", "Bestellung-\xe4-1")
		if send(g, r); !strings.Contains(string(*event), "Bestellung-\uFFFD-1") {
			t.Errorf("format %d: event %s", format, *event)
		}
		for _, name := range []string{"X-Daybook-Actor", "X-Daybook-Scopes", "X-Daybook-Tenant"} {
			for _, values := range [][]string{{"M\xfcller"}, {"ann", "bob"}} {
				*event = nil
				r = httptest.NewRequest("GET", g.Prefix()+"/users", nil)
				r.Header[name] = values
				if w := send(g, r); w.Code != 400 || *event != nil {
					t.Errorf("format %d: %s %q: %d, event %s", format, name, values, w.Code, *event)
				}
			}
		}
	}
	g, event, _ := capture(gateway.Options{})
	if send(g, httptest.NewRequest("GET", "/users/%E4", nil)); !strings.Contains(string(*event), `"rawPath":"/users/`+"\uFFFD") {
		t.Errorf("event %s", *event)
	}
}
