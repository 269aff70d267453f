package gateway_test

import (
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	awsevents "github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"pgregory.net/rapid"

	"daybook/api"
	"daybook/functions/apigateway"
	"daybook/localstack/gateway"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// capture returns a gateway whose functions note the event and who was invoked.
func capture(o gateway.Options) (g *gateway.Gateway, event *[]byte, function *string) {
	event, function = new([]byte), new(string)
	named := func(name string) gateway.Function {
		return func(_ context.Context, e []byte) ([]byte, error) {
			*event, *function = e, name
			return []byte(`{"statusCode":200}`), nil
		}
	}
	o.Command, o.Query, o.Log = named("command"), named("query"), quiet()
	return gateway.New(o), event, function
}

func send(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestSecondFormat(t *testing.T) {
	t.Parallel()
	g, event, _ := capture(gateway.Options{})
	r := httptest.NewRequest("POST", "http://127.0.0.1:8080/commands/create%20user?a=1&a=b%20c&d=", strings.NewReader(`{"id":"ü"}`))
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Add("X-Two", "1")
	r.Header.Add("X-Two", "2")
	r.Header.Set("Cookie", "a=1; b=2")
	r.Header.Set("Connection", "keep-alive")
	r.Header.Set("User-Agent", "test")
	send(g, r)
	var got awsevents.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(*event, &got); err != nil {
		t.Fatal(err)
	}
	if got.Version != "2.0" || got.RouteKey != "$default" || got.RawPath != "/commands/create user" || got.RawQueryString != "a=1&a=b%20c&d=" ||
		got.Body != `{"id":"ü"}` || got.IsBase64Encoded || fmt.Sprint(got.Cookies) != "[a=1 b=2]" ||
		fmt.Sprint(got.QueryStringParameters) != "map[a:1,b c d:]" {
		t.Errorf("event %+v", got)
	}
	want := map[string]string{"content-type": "application/json; charset=utf-8", "x-two": "1,2", "host": "127.0.0.1:8080",
		"x-forwarded-for": "192.0.2.1", "x-forwarded-proto": "http", "x-forwarded-port": "8080", "user-agent": "test"}
	if fmt.Sprint(got.Headers) != fmt.Sprint(want) {
		t.Errorf("headers %v, want %v", got.Headers, want)
	}
	rc := got.RequestContext
	if rc.AccountID != "000000000000" || rc.Stage != "$default" || rc.RequestID == "" || rc.HTTP.Method != "POST" ||
		rc.HTTP.Path != "/commands/create user" || rc.HTTP.Protocol != "HTTP/1.1" || rc.HTTP.SourceIP != "192.0.2.1" || rc.HTTP.UserAgent != "test" ||
		rc.Authorizer.JWT.Claims["sub"] != "local" {
		t.Errorf("context %+v", rc)
	}
	if at, err := time.Parse("02/Jan/2006:15:04:05 -0700", rc.Time); err != nil || at.Unix() != rc.TimeEpoch/1000 {
		t.Errorf("time %s, epoch %d", rc.Time, rc.TimeEpoch)
	}
}

func TestRESTFormat(t *testing.T) {
	t.Parallel()
	g, event, _ := capture(gateway.Options{Format: gateway.RESTAPI, Stage: "dev"})
	r := httptest.NewRequest("GET", "http://127.0.0.1:8080/dev/users/a%2Fb%20c?a=1&a=b%20c", nil)
	r.Header.Add("X-Two", "1")
	r.Header.Add("X-Two", "2")
	r.Header.Set("X-Daybook-Actor", "alice")
	send(g, r)
	var got awsevents.APIGatewayProxyRequest
	if err := json.Unmarshal(*event, &got); err != nil {
		t.Fatal(err)
	}
	if got.Path != "/users/a%2Fb%20c" || got.HTTPMethod != "GET" || got.Body != "" || fmt.Sprint(got.MultiValueQueryStringParameters) != "map[a:[1 b c]]" ||
		got.QueryStringParameters["a"] != "b c" || fmt.Sprint(got.MultiValueHeaders["X-Two"]) != "[1 2]" || got.Headers["X-Two"] != "2" {
		t.Errorf("event %+v", got)
	}
	rc := got.RequestContext
	claims, _ := rc.Authorizer["claims"].(map[string]any)
	if rc.Stage != "dev" || rc.Path != "/dev/users/a%2Fb%20c" || rc.Identity.SourceIP != "192.0.2.1" || claims["sub"] != "alice" {
		t.Errorf("context %+v", rc)
	}
}

// TestScopes: a caller has the scopes of the options, or those that it says, which may
// be none; a function reads them as it reads a token's.
func TestScopes(t *testing.T) {
	t.Parallel()
	for _, format := range []gateway.Format{gateway.HTTPAPI, gateway.RESTAPI} {
		for header, want := range map[string]string{"unset": "a b", "": "", "c": "c", "a c": "a c"} {
			g, event, _ := capture(gateway.Options{Format: format, Scopes: []string{"a", "b"}})
			r := httptest.NewRequest("GET", g.Prefix()+"/users", nil)
			if header != "unset" {
				r.Header.Set("X-Daybook-Scopes", header)
			}
			send(g, r)
			got := "nothing"
			h := apigateway.New(http.NotFoundHandler(), apigateway.Options{Context: func(ctx context.Context, c apigateway.Caller) context.Context {
				got = c.Scope
				return ctx
			}})
			if _, err := h.Invoke(t.Context(), *event); err != nil || got != want {
				t.Errorf("format %d, header %q: scopes %q, %v; want %q", format, header, got, err, want)
			}
		}
	}
}

// TestTenantHeader: the header is the claim of that name and nothing without a name; a
// token without it has no such claim.
func TestTenantHeader(t *testing.T) {
	t.Parallel()
	for _, format := range []gateway.Format{gateway.HTTPAPI, gateway.RESTAPI} {
		for _, c := range []struct{ claim, header, want string }{
			{"org", "acme", "acme"}, {"org", "", ""}, {"", "acme", ""}, {"org", "not a name", "not a name"},
		} {
			g, event, _ := capture(gateway.Options{Format: format, TenantClaim: c.claim})
			r := httptest.NewRequest("GET", g.Prefix()+"/users", nil)
			if c.header != "" {
				r.Header.Set("X-Daybook-Tenant", c.header)
			}
			send(g, r)
			var got struct {
				RequestContext struct {
					Authorizer struct {
						Claims map[string]string `json:"claims"`
						JWT    struct {
							Claims map[string]string `json:"claims"`
						} `json:"jwt"`
					} `json:"authorizer"`
				} `json:"requestContext"`
			}
			if err := json.Unmarshal(*event, &got); err != nil {
				t.Fatal(err)
			}
			a := got.RequestContext.Authorizer
			claims := a.Claims
			if format == gateway.HTTPAPI {
				claims = a.JWT.Claims
			}
			if claims["sub"] != "local" || claims["org"] != c.want || c.want == "" && len(claims) != 2 {
				t.Errorf("format %d, claim %q, header %q: claims %v", format, c.claim, c.header, claims)
			}
		}
	}
}

func TestBodies(t *testing.T) {
	t.Parallel()
	tests := []struct {
		kind, body string
		binary     bool
	}{
		{"application/json", `{}`, false}, {"text/plain", "a", false}, {"application/json", "\xff", true},
		{"application/x-www-form-urlencoded", `{}`, true}, {"", `{}`, true}, {"application/octet-stream", "a", true}, {"", "", false},
	}
	for _, test := range tests {
		g, event, _ := capture(gateway.Options{})
		r := httptest.NewRequest("POST", "/commands", strings.NewReader(test.body))
		r.Header.Set("Content-Type", test.kind)
		send(g, r)
		var got awsevents.APIGatewayV2HTTPRequest
		if err := json.Unmarshal(*event, &got); err != nil {
			t.Fatal(err)
		}
		if got.IsBase64Encoded != test.binary {
			t.Errorf("%q as %q: base64 %t", test.body, test.kind, got.IsBase64Encoded)
		}
	}
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	tests := []struct{ method, path, stage, function string }{
		{"POST", "/commands", "", "command"}, {"POST", "/commands/create-user", "", "command"}, {"POST", "/commands/", "", "command"},
		{"GET", "/commands", "", "query"}, {"PUT", "/commands/x", "", "query"}, {"POST", "/commandsx", "", "query"},
		{"GET", "/users/7", "", "query"}, {"HEAD", "/health", "", "query"}, {"GET", "/", "", "query"}, {"DELETE", "/users/7", "", "query"},
		{"POST", "/dev/commands/x", "dev", "command"}, {"GET", "/dev", "dev", "query"}, {"GET", "/users", "dev", ""}, {"GET", "/device", "dev", ""},
	}
	for _, test := range tests {
		g, _, function := capture(gateway.Options{Stage: test.stage})
		w := send(g, httptest.NewRequest(test.method, test.path, nil))
		if *function != test.function {
			t.Errorf("%s %s of stage %q went to %q", test.method, test.path, test.stage, *function)
		}
		if test.function == "" && (w.Code != 404 || w.Body.String() != `{"message":"Not Found"}`) {
			t.Errorf("%s %s of stage %q: %d %s", test.method, test.path, test.stage, w.Code, w.Body)
		}
	}
}

// A handler sees the same behind the gateway and the adapter as behind
// a server, and every id arrives, by the address that package api gives it.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	formats := map[string]gateway.Options{
		"HTTP API": {}, "HTTP API with a stage": {Stage: "dev"}, "REST API": {Format: gateway.RESTAPI},
	}
	for name, o := range formats {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(rt *rapid.T) {
				// A path's end is an id, whatever is in it; before that comes what both
				// kinds of API carry as it is.
				id := rapid.StringN(1, 20, -1).Draw(rt, "id")
				begin := "/" + rapid.StringMatching(`[a-zA-Z0-9 #&=@äß日/.~-]{0,20}`).Draw(rt, "path")
				query := url.Values{"q": rapid.SliceOfN(rapid.String(), 1, 3).Draw(rt, "query")}
				body := rapid.SliceOf(rapid.Byte()).Draw(rt, "body")
				kind := rapid.SampledFrom([]string{"application/json", "text/plain", "image/png", ""}).Draw(rt, "kind")
				method := rapid.SampledFrom([]string{"GET", "POST", "PUT"}).Draw(rt, "method")
				answer := rapid.SliceOf(rapid.Byte()).Draw(rt, "answer")
				etag := rapid.StringMatching(`"[a-z,]{0,5}"`).Draw(rt, "etag")

				var failure string
				function := apigateway.New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					got, _ := io.ReadAll(r.Body)
					end := strings.LastIndexByte(r.URL.Path, '/')
					gotID, err := api.DecodeSegment("path", r.URL.Path[end+1:])
					if err != nil || gotID != id || r.URL.Path[:end] != begin || r.URL.Query().Encode() != query.Encode() || string(got) != string(body) ||
						r.Method != method || r.Header.Get("Content-Type") != kind || r.Host != "example.test" ||
						r.Header.Get("If-None-Match") != etag || r.Header.Get("Cookie") != "a=1; b=2" {
						failure = fmt.Sprintf("got %s %q %q %q %v", r.Method, r.URL.Path, r.URL.RawQuery, got, r.Header)
					}
					w.Header().Set("ETag", etag)
					w.Header().Add("Set-Cookie", "c=3")
					w.Header().Add("Set-Cookie", "d=4")
					w.WriteHeader(418)
					_, _ = w.Write(answer)
				}), apigateway.Options{})
				o := o
				o.Command, o.Query, o.Log = function.Invoke, function.Invoke, quiet()
				g := gateway.New(o)
				path := (&url.URL{Path: g.Prefix() + begin}).EscapedPath() + "/" + api.EncodeSegment(id)
				r := httptest.NewRequest(method, "http://example.test"+path+"?"+query.Encode(), strings.NewReader(string(body)))
				r.Header.Set("Content-Type", kind)
				r.Header.Set("If-None-Match", etag)
				r.Header.Set("Cookie", "a=1; b=2")
				w := send(g, r)
				if failure != "" {
					rt.Error(failure)
				}
				if w.Code != 418 || w.Body.String() != string(answer) || w.Header().Get("ETag") != etag || len(w.Header()["Set-Cookie"]) != 2 {
					rt.Errorf("answer %d %q %v", w.Code, w.Body, w.Header())
				}
			})
		})
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	answers := func(out string, err error) gateway.Function {
		return func(context.Context, []byte) ([]byte, error) { return []byte(out), err }
	}
	panics := func(context.Context, []byte) ([]byte, error) { panic("oops") }
	tests := []struct {
		name       string
		function   gateway.Function
		http, rest int
	}{
		{"error", answers("", errors.New("secret")), 500, 502},
		{"panic", panics, 500, 502},
		{"no JSON", answers("oops", nil), 500, 502},
		{"null", answers("null", nil), 500, 502},
		{"no status", answers(`{"body":"x"}`, nil), 500, 502},
		{"odd status", answers(`{"statusCode":99}`, nil), 500, 502},
		{"body is not base64", answers(`{"statusCode":200,"body":"%","isBase64Encoded":true}`, nil), 500, 502},
		{"answer over 6 MB", answers(`{"statusCode":200,"body":"`+strings.Repeat("x", 6<<20)+`"}`, nil), 500, 502},
	}
	for _, test := range tests {
		for format, want := range map[gateway.Format]int{gateway.HTTPAPI: test.http, gateway.RESTAPI: test.rest} {
			g := gateway.New(gateway.Options{Query: test.function, Format: format, Log: quiet()})
			w := send(g, httptest.NewRequest("GET", g.Prefix()+"/users", nil))
			if w.Code != want || !strings.HasPrefix(w.Body.String(), `{"message":"Internal `) || strings.Contains(w.Body.String(), "secret") {
				t.Errorf("%s, format %d: %d %s", test.name, format, w.Code, w.Body)
			}
		}
	}
}

// timeouts are how long each kind of API waits, and what it answers then.
var timeouts = map[gateway.Format]struct {
	after time.Duration
	code  int
	body  string
}{
	gateway.HTTPAPI: {30 * time.Second, 503, `{"message":"Service Unavailable"}`},
	gateway.RESTAPI: {29 * time.Second, 504, `{"message":"Endpoint request timed out"}`},
}

func TestTimeouts(t *testing.T) {
	t.Parallel()
	for format, want := range timeouts {
		synctest.Test(t, func(t *testing.T) {
			begun := time.Now()
			g := gateway.New(gateway.Options{Format: format, Log: quiet(), Query: func(ctx context.Context, _ []byte) ([]byte, error) {
				if _, ok := lambdacontext.FromContext(ctx); !ok {
					t.Error("no Lambda context")
				}
				<-ctx.Done()
				return nil, ctx.Err()
			}})
			w := send(g, httptest.NewRequest("GET", g.Prefix()+"/", nil))
			if w.Code != want.code || w.Body.String() != want.body || time.Since(begun) != want.after {
				t.Errorf("format %d: %d %s after %s", format, w.Code, w.Body, time.Since(begun))
			}
		})
	}
}

// The gateway answers in time for a function that does not return, whatever the
// function does with its context. The execution counts until the function returns;
// its late answer goes nowhere.
func TestAFunctionThatDoesNotReturn(t *testing.T) {
	t.Parallel()
	for format, want := range timeouts {
		synctest.Test(t, func(t *testing.T) {
			begun := time.Now()
			release := make(chan struct{})
			stuck := true
			g := gateway.New(gateway.Options{Format: format, Concurrency: 1, Log: quiet(), Query: func(context.Context, []byte) ([]byte, error) {
				if stuck {
					<-release
				}
				return []byte(`{"statusCode":200}`), nil
			}})
			request := func() *httptest.ResponseRecorder {
				return send(g, httptest.NewRequest("GET", g.Prefix()+"/", nil))
			}
			w := request()
			if w.Code != want.code || w.Body.String() != want.body || time.Since(begun) != want.after {
				t.Errorf("format %d: %d %s after %s", format, w.Code, w.Body, time.Since(begun))
			}
			if w := request(); w.Code != 503 || w.Header().Get("Retry-After") != "1" {
				t.Errorf("format %d: while the function runs: %d %v", format, w.Code, w.Header())
			}
			close(release)
			synctest.Wait()
			stuck = false
			if w := request(); w.Code != 200 {
				t.Errorf("format %d: after the function returned: %d %s", format, w.Code, w.Body)
			}
		})
	}
}

// A function that ends its goroutine has failed.
func TestAFunctionThatEndsItsGoroutine(t *testing.T) {
	t.Parallel()
	g := gateway.New(gateway.Options{Concurrency: 1, Log: quiet(), Query: func(context.Context, []byte) ([]byte, error) {
		runtime.Goexit()
		return nil, nil
	}})
	for range 2 { // it has given its execution back
		if w := send(g, httptest.NewRequest("GET", "/", nil)); w.Code != 500 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
}

// The function goes on when the caller goes away.
func TestCallerGoesAway(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	done := false
	g := gateway.New(gateway.Options{Log: quiet(), Command: func(ctx context.Context, _ []byte) ([]byte, error) {
		cancel()
		done = ctx.Err() == nil
		return []byte(`{"statusCode":201}`), nil
	}})
	send(g, httptest.NewRequest("POST", "/commands", nil).WithContext(ctx))
	if !done {
		t.Error("the function was canceled with its caller")
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	for _, size := range []int{10<<20 + 1, 6 << 20} { // over API Gateway's limit, and over Lambda's
		g, event, _ := capture(gateway.Options{})
		w := send(g, httptest.NewRequest("POST", "/commands", strings.NewReader(strings.Repeat("x", size))))
		if w.Code != 413 || *event != nil {
			t.Errorf("%d bytes: %d %s", size, w.Code, w.Body)
		}
	}
}

// More requests at once than executions are refused, with the time after which to
// send them again, and none once the executions have ended.
func TestConcurrencyIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := gateway.New(gateway.Options{Concurrency: 2, Log: quiet(), Query: func(context.Context, []byte) ([]byte, error) {
			time.Sleep(time.Second)
			return []byte(`{"statusCode":200}`), nil
		}})
		for range 3 {
			codes := make(chan int, 2)
			for range 2 {
				go func() { codes <- send(g, httptest.NewRequest("GET", "/", nil)).Code }()
			}
			synctest.Wait()
			w := send(g, httptest.NewRequest("GET", "/", nil))
			if w.Code != 503 || w.Body.String() != `{"message":"Service Unavailable"}` || w.Header().Get("Retry-After") != "1" {
				t.Errorf("the third: %d %s %v", w.Code, w.Body, w.Header())
			}
			if a, b := <-codes, <-codes; a != 200 || b != 200 {
				t.Errorf("the first two: %d, %d", a, b)
			}
		}
	})
}

// A stage accepts a burst, then its rate; what it refuses says when to come again,
// and is accepted then.
func TestRateIsBounded(t *testing.T) {
	t.Parallel()
	for _, format := range []gateway.Format{gateway.HTTPAPI, gateway.RESTAPI} {
		synctest.Test(t, func(t *testing.T) {
			invoked := 0
			g := gateway.New(gateway.Options{Format: format, Rate: 0.5, Burst: 3, Log: quiet(), Query: func(context.Context, []byte) ([]byte, error) {
				invoked++
				return []byte(`{"statusCode":200}`), nil
			}})
			request := func() *httptest.ResponseRecorder {
				return send(g, httptest.NewRequest("GET", g.Prefix()+"/", nil))
			}
			accepted := 0
			for range 10 {
				if request().Code == 200 {
					accepted++
				}
			}
			if accepted != 3 || invoked != 3 {
				t.Errorf("%d of a burst of 10 accepted, %d invoked, want 3", accepted, invoked)
			}
			w := request()
			if w.Code != 429 || w.Body.String() != `{"message":"Too Many Requests"}` || w.Header().Get("Retry-After") != "2" {
				t.Errorf("format %d: %d %s %v", format, w.Code, w.Body, w.Header())
			}
			time.Sleep(2 * time.Second)
			if a, b := request().Code, request().Code; a != 200 || b != 429 {
				t.Errorf("format %d: after the time of Retry-After: %d, %d", format, a, b)
			}
		})
	}
}

func ExampleNew() {
	hello := apigateway.New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "hello %s", r.URL.Path)
	}), apigateway.Options{})
	g := gateway.New(gateway.Options{Command: hello.Invoke, Query: hello.Invoke})
	w := httptest.NewRecorder()
	g.ServeHTTP(w, httptest.NewRequest("GET", "/world", nil))
	fmt.Println(w.Code, w.Body)
	// Output: 200 hello /world
}
