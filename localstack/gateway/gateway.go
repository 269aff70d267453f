package gateway

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
	"uuid"

	"golang.org/x/time/rate"
)

// Limits of API Gateway and Lambda.
const (
	maxBody    = 10 << 20 // bytes of a request's body: API Gateway's quota
	maxPayload = 6 << 20  // bytes of an event or an answer: Lambda's quota

	// DefaultConcurrency is Lambda's default quota of concurrent executions.
	DefaultConcurrency = 1000
)

// Function is what is invoked: an event in, an answer out, an error for a
// function that failed.
type Function func(ctx context.Context, event []byte) ([]byte, error)

// Format is the kind of API Gateway to be.
type Format uint8

// The kinds of API Gateway.
const (
	HTTPAPI Format = iota // payload format 2.0
	RESTAPI
)

// Options configure a Gateway. Command and Query are required.
type Options struct {
	Command Function // POST /commands and below
	Query   Function // everything else; it answers 404 and 405 itself
	Format  Format
	// Stage is the API's stage; "" is $default for an HTTP API, which has no
	// place in the path, and "local" for a REST API. Any other stands in front
	// of every path.
	Stage string
	// Actor is the subject of requests without the header X-Daybook-Actor;
	// "local" by default.
	Actor string
	// Scopes are those of the tokens of requests without the header
	// X-Daybook-Scopes; none by default.
	Scopes []string
	// TenantClaim names the claim of the caller's token that the header
	// X-Daybook-Tenant stands for; "" is an application without tenants, for which the
	// header means nothing. A request without the header has no such claim.
	TenantClaim string
	// CORSOrigins are the origins whose web pages may call the API; * is any. None by
	// default. They are for an HTTP API: a REST API leaves CORS to its functions.
	CORSOrigins []string
	// Concurrency bounds the invocations under way; more are refused with 503, as
	// an HTTP API does when Lambda refuses them. DefaultConcurrency by default. An
	// invocation that the gateway no longer waits for counts until it returns.
	Concurrency int
	// Rate is how many requests per second the stage accepts, and Burst how many at
	// once; more are refused with 429. Without a Rate there is no such limit.
	// Without a Burst it is twice the Rate, as the CDK app has it.
	Rate  float64
	Burst int
	// Log is where faults go; slog.Default by default.
	Log *slog.Logger
}

// actorHeader says who sends a request, scopesHeader which scopes its token has,
// separated by spaces; names.TenantHeader says whose request it is. They exist on one
// machine only.
const (
	actorHeader  = "X-Daybook-Actor"
	scopesHeader = "X-Daybook-Scopes"
)

// Gateway is an http.Handler.
type Gateway struct {
	options Options
	timeout time.Duration
	rate    *rate.Limiter
	busy    chan struct{}
}

// New returns a gateway to two functions.
func New(o Options) *Gateway {
	stage, timeout := "$default", 30*time.Second
	if o.Format == RESTAPI {
		stage, timeout = "local", 29*time.Second
	}
	o.Stage, o.Actor, o.Log = cmp.Or(o.Stage, stage), cmp.Or(o.Actor, "local"), cmp.Or(o.Log, slog.Default())
	limit := rate.NewLimiter(rate.Inf, 0)
	if o.Rate > 0 {
		limit = rate.NewLimiter(rate.Limit(o.Rate), cmp.Or(max(o.Burst, 0), int(math.Ceil(2*o.Rate))))
	}
	return &Gateway{options: o, timeout: timeout, rate: limit, busy: make(chan struct{}, cmp.Or(max(o.Concurrency, 0), DefaultConcurrency))}
}

// Prefix is what stands in front of every path: "" or "/" and the stage.
func (g *Gateway) Prefix() string {
	if g.options.Stage == "$default" {
		return ""
	}
	return "/" + g.options.Stage
}

// ServeHTTP answers a request by an invocation.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if g.cors(w, r) {
		return
	}
	if wait := g.throttled(); wait > 0 {
		g.overloaded(w, http.StatusTooManyRequests, wait)
		return
	}
	path, ok := g.path(r)
	if !ok {
		g.refuse(w, http.StatusNotFound)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		status := http.StatusBadRequest
		if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
			status = http.StatusRequestEntityTooLarge
		}
		g.refuse(w, status)
		return
	}
	c := call{gateway: g, request: r, path: path, body: body, at: time.Now(), id: uuid.New().String()}
	if err := c.read(); err != nil {
		g.options.Log.WarnContext(r.Context(), "a malformed request was refused", "method", r.Method, "path", path, "error", err)
		g.refuse(w, http.StatusBadRequest)
		return
	}
	event, err := c.event()
	if err != nil {
		g.fail(w, r, "the request can't be an event", err)
		return
	}
	if len(event) > maxPayload {
		g.refuse(w, http.StatusRequestEntityTooLarge)
		return
	}
	select {
	case g.busy <- struct{}{}: // the invocation gives it back
		g.invoke(w, c, event)
	default:
		g.overloaded(w, http.StatusServiceUnavailable, retryBusy)
	}
}

// retryBusy is what Retry-After says when all executions are taken: how long they
// take is not known, and a second is the shortest that the header can say.
const retryBusy = time.Second

// throttled is how long to wait until the stage accepts another request, 0 if it has
// accepted this one.
func (g *Gateway) throttled() time.Duration {
	r := g.rate.Reserve()
	wait := r.Delay()
	if wait > 0 {
		r.Cancel()
	}
	return wait
}

// overloaded refuses a request that may be sent again after a time.
func (g *Gateway) overloaded(w http.ResponseWriter, status int, wait time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	g.refuse(w, status)
}

// path returns the request's path behind the stage, percent-encoded as it came.
func (g *Gateway) path(r *http.Request) (string, bool) {
	path := r.URL.EscapedPath()
	rest, ok := strings.CutPrefix(path, g.Prefix())
	if !ok || !strings.HasPrefix(rest, "/") && rest != "" {
		return "", false
	}
	rest = cmp.Or(rest, "/")
	return rest, true
}

// fail logs a function's failure and answers as API Gateway does.
func (g *Gateway) fail(w http.ResponseWriter, r *http.Request, what string, err error) {
	g.options.Log.ErrorContext(r.Context(), what, "method", r.Method, "path", r.URL.Path, "error", err)
	if g.options.Format == RESTAPI {
		g.refuse(w, http.StatusBadGateway)
		return
	}
	g.refuse(w, http.StatusInternalServerError)
}

// refuse answers in API Gateway's own words, without a function.
func (g *Gateway) refuse(w http.ResponseWriter, status int) {
	message := http.StatusText(status)
	if g.options.Format == RESTAPI {
		switch status {
		case http.StatusGatewayTimeout:
			message = "Endpoint request timed out"
		case http.StatusBadGateway:
			message = "Internal server error"
		case http.StatusRequestEntityTooLarge:
			message = "Request Too Long"
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"message":%q}`, message)
}
