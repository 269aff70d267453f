package apigateway_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	awsevents "github.com/aws/aws-lambda-go/events"

	"daybook/functions/apigateway"
)

// secondExample is the event of the HTTP API guide ("AWS Lambda proxy
// integrations for HTTP APIs"), format 2.0.
const secondExample = `{
  "version": "2.0", "routeKey": "$default", "rawPath": "/my/path",
  "rawQueryString": "parameter1=value1&parameter1=value2&parameter2=value",
  "cookies": ["cookie1", "cookie2"],
  "headers": {"header1": "value1", "header2": "value1,value2", "host": "id.execute-api.us-east-1.amazonaws.com"},
  "queryStringParameters": {"parameter1": "value1,value2", "parameter2": "value"},
  "requestContext": {
    "accountId": "123456789012", "apiId": "api-id",
    "authentication": {"clientCert": {"clientCertPem": "CERT_CONTENT", "subjectDN": "www.example.com", "issuerDN": "Example issuer",
      "serialNumber": "a1:a1", "validity": {"notBefore": "May 28 12:30:02 2019 GMT", "notAfter": "Aug  5 09:36:04 2021 GMT"}}},
    "authorizer": {"jwt": {"claims": {"claim1": "value1", "sub": "alice"}, "scopes": ["scope1", "scope2"]}},
    "domainName": "id.execute-api.us-east-1.amazonaws.com", "domainPrefix": "id",
    "http": {"method": "POST", "path": "/my/path", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "agent"},
    "requestId": "JKJaXmPLvHcESHA=", "routeKey": "$default", "stage": "$default",
    "time": "12/Mar/2020:19:03:58 +0000", "timeEpoch": 1583348638390
  },
  "body": "Hello from Lambda", "pathParameters": {"parameter1": "value1"}, "isBase64Encoded": false,
  "stageVariables": {"stageVariable1": "value1"}
}`

// firstExample is the event of the REST API guide ("Lambda proxy integrations in
// API Gateway").
const firstExample = `{
  "resource": "/my/path", "path": "/my/path", "httpMethod": "GET",
  "headers": {"header1": "value1", "header2": "value2"},
  "multiValueHeaders": {"header1": ["value1"], "header2": ["value1", "value2"]},
  "queryStringParameters": {"parameter1": "value2", "parameter2": "a&b"},
  "multiValueQueryStringParameters": {"parameter1": ["value1", "value2"], "parameter2": ["a&b"]},
  "requestContext": {
    "accountId": "123456789012", "apiId": "id", "authorizer": {"claims": null, "scopes": null},
    "domainName": "id.execute-api.us-east-1.amazonaws.com", "domainPrefix": "id", "extendedRequestId": "request-id", "httpMethod": "GET",
    "identity": {"accessKey": null, "accountId": null, "caller": null, "cognitoIdentityId": null, "sourceIp": "192.0.2.7", "user": null,
      "userAgent": "agent", "userArn": "arn:aws:iam::123456789012:user/bob"},
    "path": "/prod/my/path", "protocol": "HTTP/1.1", "requestId": "id=", "requestTime": "04/Mar/2020:19:15:17 +0000",
    "requestTimeEpoch": 1583349317135, "resourceId": null, "resourcePath": "/my/path", "stage": "prod"
  },
  "pathParameters": null, "stageVariables": null, "body": null, "isBase64Encoded": false
}`

// seen is what the handler got.
type seen struct {
	method, path, escaped, query, host, body, uri, remote string
	header                                                http.Header
	caller                                                apigateway.Caller
}

type callerKey struct{}

func invoke(t *testing.T, payload string, o apigateway.Options) seen {
	t.Helper()
	var got seen
	o.Context = func(ctx context.Context, c apigateway.Caller) context.Context {
		return context.WithValue(ctx, callerKey{}, c)
	}
	h := apigateway.New(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || int64(len(body)) != r.ContentLength {
			t.Errorf("body of %d bytes, content length %d, error %v", len(body), r.ContentLength, err)
		}
		got = seen{r.Method, r.URL.Path, r.URL.EscapedPath(), r.URL.RawQuery, r.Host, string(body), r.RequestURI, r.RemoteAddr,
			r.Header, r.Context().Value(callerKey{}).(apigateway.Caller)}
	}), o)
	if _, err := h.Invoke(t.Context(), []byte(payload)); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestSecondFormat(t *testing.T) {
	t.Parallel()
	got := invoke(t, secondExample, apigateway.Options{})
	if got.method != "POST" || got.path != "/my/path" || got.query != "parameter1=value1&parameter1=value2&parameter2=value" ||
		got.host != "id.execute-api.us-east-1.amazonaws.com" || got.body != "Hello from Lambda" || got.remote != "192.0.2.1" {
		t.Errorf("got %+v", got)
	}
	if got.header.Get("Header2") != "value1,value2" || got.header.Get("Cookie") != "cookie1; cookie2" {
		t.Errorf("header %v", got.header)
	}
	if got.caller != (apigateway.Caller{Actor: "alice", RequestID: "JKJaXmPLvHcESHA="}) {
		t.Errorf("caller %+v", got.caller)
	}
}

func TestFirstFormat(t *testing.T) {
	t.Parallel()
	got := invoke(t, firstExample, apigateway.Options{})
	if got.method != "GET" || got.path != "/my/path" || got.query != "parameter1=value1&parameter1=value2&parameter2=a%26b" ||
		got.host != "id.execute-api.us-east-1.amazonaws.com" || got.body != "" || got.remote != "192.0.2.7" {
		t.Errorf("got %+v", got)
	}
	if fmt.Sprint(got.header["Header2"]) != "[value1 value2]" {
		t.Errorf("header %v", got.header)
	}
	if got.caller != (apigateway.Caller{Actor: "arn:aws:iam::123456789012:user/bob", IAM: true, RequestID: "id=", Route: "/my/path"}) {
		t.Errorf("caller %+v", got.caller)
	}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	const host = `"domainName":"x.execute-api.eu-west-1.amazonaws.com"`
	second := func(path, stage string) string {
		return fmt.Sprintf(`{"version":"2.0","rawPath":%q,"requestContext":{%s,"stage":%q,"http":{"method":"GET"}}}`, path, host, stage)
	}
	rest := func(path, stage string) string {
		return fmt.Sprintf(`{"httpMethod":"GET","path":%q,"requestContext":{%s,"stage":%q}}`, path, host, stage)
	}
	tests := []struct {
		name, event, prefix, path, escaped string
	}{
		{"plain", second("/users/7", "$default"), "", "/users/7", "/users/7"},
		{"decoded already", second("/users/a b%41?c#d", "$default"), "", "/users/a b%41?c#d", "/users/a%20b%2541%3Fc%23d"},
		{"a percent sign of the value", second("/users/50%25", "$default"), "", "/users/50%25", "/users/50%2525"},
		{"bare percent", second("/users/100%", "$default"), "", "/users/100%", "/users/100%25"},
		{"stage in front", second("/dev/users/7", "dev"), "", "/users/7", "/users/7"},
		{"stage alone", second("/dev", "dev"), "", "/", "/"},
		{"no stage in front", second("/device/7", "dev"), "", "/device/7", "/device/7"},
		{"stage and prefix", second("/dev/shop/users/7", "dev"), "shop", "/users/7", "/users/7"},
		{"empty", second("", "$default"), "", "/", "/"},
		{"function URL", strings.Replace(second("/users/a%20b", "$default"), "execute-api", "lambda-url", 1), "", "/users/a b", "/users/a%20b"},

		{"REST is encoded", rest("/users/a%20b%2Fc%3F", "prod"), "", "/users/a b/c?", "/users/a%20b%2Fc%3F"},
		{"REST has no stage in front", rest("/prod/7", "prod"), "", "/prod/7", "/prod/7"},
		{"REST under a base path", rest("/shop/users/7", "prod"), "/shop/", "/users/7", "/users/7"},
		{"REST without a slash", rest("users", "prod"), "", "/users", "/users"},

		{"format 1.0 of an HTTP API is decoded", strings.Replace(rest("/dev/users/a%41", "dev"), "{", `{"version":"1.0",`, 1), "", "/users/a%41", "/users/a%2541"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := invoke(t, test.event, apigateway.Options{Prefix: test.prefix})
			if got.path != test.path || got.escaped != test.escaped {
				t.Errorf("path %q escaped %q, want %q and %q", got.path, got.escaped, test.path, test.escaped)
			}
			if got.uri != test.escaped {
				t.Errorf("request URI %q", got.uri)
			}
		})
	}
}

func TestActors(t *testing.T) {
	t.Parallel()
	second := `{"version":"2.0","rawPath":"/","requestContext":{"http":{"method":"GET"},"authorizer":%s}}`
	rest := `{"httpMethod":"GET","path":"/","requestContext":{"authorizer":%s}}`
	tests := []struct{ name, format, authorizer, actor string }{
		{"JWT", second, `{"jwt":{"claims":{"sub":"alice","admin":true}}}`, "alice"},
		{"IAM", second, `{"iam":{"accessKey":"AKIA","callerId":"AROA:bob","userArn":"arn:bob"}}`, "arn:bob"},
		{"IAM without an ARN", second, `{"iam":{"callerId":"AROA:bob"}}`, "AROA:bob"},
		{"null", second, `null`, ""},
		{"sub is not a string", second, `{"jwt":{"claims":{"sub":{"a":1}}}}`, ""},
		{"claims are not an object", second, `{"jwt":{"claims":"sub"}}`, ""},
		{"REST's place doesn't count", second, `{"claims":{"sub":"mallory"},"principalId":"mallory"}`, ""},

		{"REST JWT", rest, `{"claims":{"sub":"alice"}}`, "alice"},
		{"REST Lambda authorizer", rest, `{"principalId":"carol","integrationLatency":12}`, "carol"},
		{"REST none", rest, `{}`, ""},
		{"a list", rest, `[1]`, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := invoke(t, fmt.Sprintf(test.format, test.authorizer), apigateway.Options{}).caller.Actor; got != test.actor {
				t.Errorf("actor %q, want %q", got, test.actor)
			}
		})
	}
}

// TestScopes: as authorizers of both kinds of API hand them over.
func TestScopes(t *testing.T) {
	t.Parallel()
	second := `{"version":"2.0","rawPath":"/","requestContext":{"http":{"method":"GET"},"authorizer":%s}}`
	rest := `{"httpMethod":"GET","path":"/","requestContext":{"authorizer":%s}}`
	for _, test := range []struct{ name, format, authorizer, scope string }{
		{"scope", second, `{"jwt":{"claims":{"scope":"openid orders:write"},"scopes":["not-the-token's"]}}`, "openid orders:write"},
		{"scp", second, `{"jwt":{"claims":{"scp":"orders:write"}}}`, "orders:write"},
		{"an array, as an HTTP API writes it", second, `{"jwt":{"claims":{"scp":"[openid orders:write]"}}}`, "openid orders:write"},
		{"an array", second, `{"jwt":{"claims":{"scp":["openid","orders:write"]}}}`, "openid orders:write"},
		{"both", second, `{"jwt":{"claims":{"scope":"a","scp":"b"}}}`, "a b"},
		{"Lambda authorizer", second, `{"lambda":{"scope":"a b"}}`, "a b"},
		{"groups are none", second, `{"jwt":{"claims":{"cognito:groups":"[admin]"}}}`, ""},
		{"IAM", second, `{"iam":{"userArn":"arn:bob","scope":"a"}}`, ""},
		{"no text", second, `{"jwt":{"claims":{"scope":7,"scp":{"a":1}}}}`, ""},
		{"no authorizer", second, `null`, ""},
		{"REST's place doesn't count", second, `{"claims":{"scope":"a"},"scope":"b"}`, ""},
		{"REST", rest, `{"claims":{"scope":"openid orders:write"}}`, "openid orders:write"},
		{"REST Lambda authorizer", rest, `{"principalId":"carol","scope":"a"}`, "a"},
		{"HTTP's place doesn't count", rest, `{"jwt":{"claims":{"scope":"a"}},"lambda":{"scope":"b"}}`, ""},
	} {
		if got := invoke(t, fmt.Sprintf(test.format, test.authorizer), apigateway.Options{}).caller.Scope; got != test.scope {
			t.Errorf("%s: scopes %q, want %q", test.name, got, test.scope)
		}
	}
}

// TestTenants: the claim counts where each format has claims, as a string that can name
// a tenant.
func TestTenants(t *testing.T) {
	t.Parallel()
	second := `{"version":"2.0","rawPath":"/","headers":{"org":"mallory","x-daybook-tenant":"mallory"},"queryStringParameters":{"org":"mallory"},"requestContext":{"http":{"method":"GET"},"authorizer":%s}}`
	rest := `{"httpMethod":"GET","path":"/","headers":{"org":"mallory"},"requestContext":{"authorizer":%s}}`
	for _, test := range []struct{ name, format, authorizer, tenant string }{
		{"JWT", second, `{"jwt":{"claims":{"sub":"alice","org":"acme"}}}`, "acme"},
		{"Lambda authorizer", second, `{"lambda":{"org":"acme"}}`, "acme"},
		{"another claim", second, `{"jwt":{"claims":{"org_id":"acme","Org":"acme"}}}`, ""},
		{"IAM", second, `{"iam":{"userArn":"arn:bob","org":"acme"}}`, ""},
		{"a number", second, `{"jwt":{"claims":{"org":7}}}`, ""},
		{"a list", second, `{"jwt":{"claims":{"org":["acme"]}}}`, ""},
		{"a list, as an HTTP API writes it", second, `{"jwt":{"claims":{"org":"[acme globex]"}}}`, ""},
		{"not a tenant's name", second, `{"jwt":{"claims":{"org":"acme:user"}}}`, ""},
		{"empty", second, `{"jwt":{"claims":{"org":""}}}`, ""},
		{"no authorizer", second, `null`, ""},
		{"REST's place doesn't count", second, `{"claims":{"org":"mallory"},"org":"mallory"}`, ""},
		{"REST", rest, `{"claims":{"org":"acme"}}`, "acme"},
		{"REST Lambda authorizer", rest, `{"principalId":"carol","org":"acme"}`, "acme"},
		{"HTTP's place doesn't count", rest, `{"jwt":{"claims":{"org":"mallory"}},"lambda":{"org":"mallory"}}`, ""},
	} {
		event := fmt.Sprintf(test.format, test.authorizer)
		if got := invoke(t, event, apigateway.Options{TenantClaim: "org"}).caller.Tenant; got != test.tenant {
			t.Errorf("%s: tenant %q, want %q", test.name, got, test.tenant)
		}
		if got := invoke(t, event, apigateway.Options{}).caller.Tenant; got != "" {
			t.Errorf("%s, without tenants: %q", test.name, got)
		}
	}
}

// TestWhoWasAskedForPermission: IAM policies, or nobody who knows paths.
func TestWhoWasAskedForPermission(t *testing.T) {
	t.Parallel()
	for event, want := range map[string]bool{
		`{"version":"2.0","rawPath":"/","requestContext":{"http":{"method":"GET"},"authorizer":{"iam":{"userArn":"arn:bob"}}}}`:                    true,
		`{"version":"2.0","rawPath":"/","requestContext":{"http":{"method":"GET"},"authorizer":{"jwt":{"claims":{"sub":"arn:bob"}}}}}`:             false,
		`{"version":"2.0","rawPath":"/","requestContext":{"http":{"method":"GET"},"identity":{"userArn":"arn:bob"}}}`:                              false,
		`{"version":"2.0","rawPath":"/","requestContext":{"http":{"method":"GET"}}}`:                                                               false,
		`{"httpMethod":"GET","path":"/","requestContext":{"identity":{"userArn":"arn:bob"}}}`:                                                      true,
		`{"httpMethod":"GET","path":"/","requestContext":{"identity":{"userArn":null},"authorizer":{"claims":{"sub":"b"},"iam":{"userArn":"b"}}}}`: false,
	} {
		if got := invoke(t, event, apigateway.Options{}).caller.IAM; got != want {
			t.Errorf("%s: %t", event, got)
		}
	}
}

// A header or a query of the request can't make an actor.
func TestActorNeverComesFromTheRequest(t *testing.T) {
	t.Parallel()
	event := `{"version":"2.0","rawPath":"/","rawQueryString":"sub=m","headers":{"authorization":"Bearer m","x-daybook-actor":"m","x-daybook-scopes":"m","scope":"m"},` +
		`"body":"{\"actor\":\"m\"}","requestContext":{"http":{"method":"POST"}}}`
	if got := invoke(t, event, apigateway.Options{}).caller; got != (apigateway.Caller{}) {
		t.Errorf("caller %+v", got)
	}
}

func TestBase64Body(t *testing.T) {
	t.Parallel()
	event := `{"version":"2.0","rawPath":"/","body":"AP/+","isBase64Encoded":true,"requestContext":{"http":{"method":"POST"}}}`
	if got := invoke(t, event, apigateway.Options{}).body; got != "\x00\xff\xfe" {
		t.Errorf("body %q", got)
	}
}

func TestMalformedEvents(t *testing.T) {
	t.Parallel()
	h := apigateway.New(http.NotFoundHandler(), apigateway.Options{})
	for _, payload := range []string{
		``, `null`, `[]`, `{}`, `"x"`, `{`, `{"version":"2.0"}`, `{"version":2}`, `{"Records":[]}`,
		`{"version":"2.0","requestContext":{"http":"x"}}`, `{"httpMethod":"GET","headers":[1]}`,
		`{"httpMethod":"POST","body":"%%%","isBase64Encoded":true}`, "\xff",
	} {
		if out, err := h.Invoke(t.Context(), []byte(payload)); err == nil {
			t.Errorf("%s was answered with %s", payload, out)
		}
	}
}

// answers of both formats, read with aws-lambda-go's types.
func answer(t *testing.T, method string, f http.HandlerFunc, o apigateway.Options) (awsevents.APIGatewayV2HTTPResponse, awsevents.APIGatewayProxyResponse) {
	t.Helper()
	h := apigateway.New(f, o)
	var second awsevents.APIGatewayV2HTTPResponse
	var first awsevents.APIGatewayProxyResponse
	call := func(event string, into any) {
		out, err := h.Invoke(t.Context(), []byte(event))
		if err != nil {
			t.Fatal(err)
		}
		if len(out) > apigateway.MaxAnswer {
			t.Errorf("an answer of %d bytes", len(out))
		}
		if err := json.Unmarshal(out, into); err != nil {
			t.Fatal(err)
		}
	}
	call(`{"version":"2.0","rawPath":"/","requestContext":{"http":{"method":"`+method+`"}}}`, &second)
	call(`{"path":"/","httpMethod":"`+method+`"}`, &first)
	return second, first
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	second, first := answer(t, "GET", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("ETag", `"3"`)
		w.Header().Add("Vary", "Accept")
		w.Header().Add("Vary", "Origin")
		w.Header().Add("Set-Cookie", "a=1")
		w.Header().Add("Set-Cookie", "b=2")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusCreated)
		w.Header().Set("Late", "x")
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprint(w, `{"näme":"<&>"}`)
	}, apigateway.Options{})
	if second.StatusCode != 201 || second.Body != `{"näme":"<&>"}` || second.IsBase64Encoded || second.Headers["etag"] != `"3"` ||
		second.Headers["vary"] != "Accept, Origin" || fmt.Sprint(second.Cookies) != "[a=1 b=2]" || second.Headers["late"] != "" {
		t.Errorf("2.0: %+v", second)
	}
	if first.StatusCode != 201 || first.Body != second.Body || fmt.Sprint(first.MultiValueHeaders["Vary"]) != "[Accept Origin]" ||
		fmt.Sprint(first.MultiValueHeaders["Set-Cookie"]) != "[a=1 b=2]" {
		t.Errorf("REST: %+v", first)
	}
}

func TestAnswerBodies(t *testing.T) {
	t.Parallel()
	write := func(s string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, s) }
	}
	binary := "\x1f\x8b\xff"
	second, first := answer(t, "GET", write(binary), apigateway.Options{})
	if want := base64.StdEncoding.EncodeToString([]byte(binary)); second.Body != want || !second.IsBase64Encoded || first.Body != want || !first.IsBase64Encoded {
		t.Errorf("binary: %+v, %+v", second, first)
	}
	if second, _ = answer(t, "HEAD", write("body"), apigateway.Options{}); second.Body != "" || second.StatusCode != 200 {
		t.Errorf("HEAD: %+v", second)
	}
	if second, _ = answer(t, "GET", func(http.ResponseWriter, *http.Request) {}, apigateway.Options{}); second.StatusCode != 200 || second.Body != "" {
		t.Errorf("nothing written: %+v", second)
	}
	if second, _ = answer(t, "GET", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X", "\xff")
		w.Header().Set("Content-Length", "0")
	}, apigateway.Options{}); second.Headers["x"] != "\uFFFD" || second.Headers["content-length"] != "" {
		t.Errorf("odd headers: %+v", second)
	}
}

// An answer that Lambda would refuse, for its length as JSON, is one that says so.
func TestOversizedAnswers(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"plain":   strings.Repeat("x", apigateway.MaxAnswer+1),
		"escaped": strings.Repeat(`"`, apigateway.MaxAnswer/2+1),
		"base64":  strings.Repeat("\xff", apigateway.MaxAnswer*3/4+1),
	} {
		second, first := answer(t, "GET", func(w http.ResponseWriter, _ *http.Request) {
			_, err := io.Copy(w, strings.NewReader(body))
			if name == "plain" && err == nil {
				t.Error("the handler isn't told")
			}
		}, apigateway.Options{})
		if second.StatusCode != 413 || first.StatusCode != 413 || len(second.Body) > 1000 {
			t.Errorf("%s: %d, %d, %d bytes", name, second.StatusCode, first.StatusCode, len(second.Body))
		}
	}
}

func TestPanicIsAnAnswer(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	second, _ := answer(t, "GET", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half an ans")
		panic(errors.New("secret"))
	}, apigateway.Options{
		Log: slog.New(slog.NewJSONHandler(&log, nil)),
		Fault: func(w http.ResponseWriter, _ *http.Request, status int) {
			w.WriteHeader(status)
			fmt.Fprint(w, "sorry")
		},
	})
	if second.StatusCode != 500 || second.Body != "sorry" {
		t.Errorf("answer %+v", second)
	}
	if strings.Contains(log.String(), "secret") || !strings.Contains(log.String(), "handler_test.go:") {
		t.Errorf("log: %s", &log)
	}
}

// The log has neither query nor header nor body.
func TestLog(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	invoke(t, strings.NewReplacer("value1", "private", "Hello from Lambda", "private").Replace(secondExample),
		apigateway.Options{Log: slog.New(slog.NewJSONHandler(&log, nil))})
	if strings.Contains(log.String(), "private") || !strings.Contains(log.String(), `"path":"/my/path","status":200`) {
		t.Errorf("log: %s", &log)
	}
}

func FuzzInvoke(f *testing.F) {
	f.Add(secondExample)
	f.Add(firstExample)
	f.Add(`{"version":"2.0","rawPath":"%","requestContext":{"http":{"method":"GET /"},"stage":"%"}}`)
	f.Fuzz(func(t *testing.T, payload string) {
		var got *http.Request
		var body []byte
		h := apigateway.New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got = r
			body, _ = io.ReadAll(r.Body)
			w.WriteHeader(http.StatusTeapot)
			_, _ = w.Write(body)
		}), apigateway.Options{})
		out, err := h.Invoke(t.Context(), []byte(payload))
		if err != nil {
			if got != nil || out != nil {
				t.Errorf("the handler got %+v, answer %q, error %v", got, out, err)
			}
			return
		}
		var answer awsevents.APIGatewayProxyResponse
		if err := json.Unmarshal(out, &answer); err != nil {
			t.Fatalf("answer %q: %v", out, err)
		}
		if got == nil {
			if answer.StatusCode != http.StatusBadRequest {
				t.Errorf("answer %q without the handler", out)
			}
			return
		}
		echo := []byte(answer.Body)
		if answer.IsBase64Encoded {
			echo, err = base64.StdEncoding.DecodeString(answer.Body)
		}
		if answer.StatusCode != http.StatusTeapot || err != nil || !bytes.Equal(echo, body) {
			t.Errorf("body %q is answered by %q", body, out)
		}
		if method, want := libraryRequest([]byte(payload)); want != nil && (got.Method != method || !bytes.Equal(body, want)) {
			t.Errorf("the handler got %s %q, the library %s %q", got.Method, body, method, want)
		}
	})
}

// libraryRequest returns the method and the body that the Lambda library reads from an
// event of either kind; nil where it reads none.
func libraryRequest(payload []byte) (method string, body []byte) {
	var second awsevents.APIGatewayV2HTTPRequest
	var first awsevents.APIGatewayProxyRequest
	if json.Unmarshal(payload, &second) != nil || json.Unmarshal(payload, &first) != nil {
		return "", nil
	}
	method, body = first.HTTPMethod, []byte(first.Body)
	if second.Version == "2.0" {
		method, body = second.RequestContext.HTTP.Method, []byte(second.Body)
	}
	if first.IsBase64Encoded {
		body, _ = base64.StdEncoding.DecodeString(string(body)) // invalid: the handler is not called
	}
	return method, body
}

func ExampleNew() {
	hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "hello %s", r.URL.Path) })
	h := apigateway.New(hello, apigateway.Options{})
	out, err := h.Invoke(context.Background(),
		[]byte(`{"version":"2.0","rawPath":"/world","requestContext":{"http":{"method":"GET"}}}`))
	fmt.Println(string(out), err)
	// Output: {"statusCode":200,"headers":{"content-type":"text/plain; charset=utf-8"},"body":"hello /world","isBase64Encoded":false} <nil>
}
