package api

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strconv"

	"daybook/events"
)

// answer is what an endpoint answers; it is written whole, at the end.
type answer struct {
	status      int
	header      http.Header // may be nil
	contentType string
	body        []byte
}

// endpoint answers one kind of request. It got its part of the request's target
// when it was found.
type endpoint func(r *http.Request) (*answer, error)

// server is the frame around all endpoints: it names the request, finds the
// endpoint, turns errors and panics into problems, logs, and writes.
type server struct {
	opts Options
	// find returns the endpoint of a method and a path; a path's parts are
	// percent-decoded.
	find func(method string, path []string) (endpoint, error)
}

// ServeHTTP implements http.Handler.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := requestIDOf(r.Context())
	if id == "" {
		id = s.opts.NewID()
		r = r.WithContext(WithRequestID(r.Context(), id))
	}
	a, err := s.run(r)
	if err != nil {
		a = problemAnswer(err, id)
	}
	s.log(r, id, a.status, err)
	write(w, r, id, a)
}

// run finds and runs the endpoint. A panic is an internal error.
func (s *server) run(r *http.Request) (_ *answer, err error) {
	defer events.Rescue("the handler", &err)
	path, err := segments(r)
	if err != nil {
		return nil, err
	}
	if err := checkHeaders(r.Header); err != nil {
		return nil, err
	}
	if err := s.checkTenant(r.Context(), path); err != nil {
		return nil, err
	}
	e, err := s.find(r.Method, path)
	if err != nil {
		return nil, err
	}
	return e(r)
}

// checkTenant refuses a request without a tenant where there are tenants, and one too many of a tenant. What is the
// same for everybody is there for everybody.
func (s *server) checkTenant(ctx context.Context, path []string) error {
	if len(path) == 1 && slices.Contains([]string{"", "health", "openapi.json", "asyncapi.json"}, path[0]) {
		return nil
	}
	err := events.CheckTenant(s.opts.Tenants, tenantOf(ctx))
	if err == nil && s.opts.Limit != nil {
		if wait := s.opts.Limit(tenantOf(ctx)); wait > 0 {
			limited := events.Errorf(events.CodeThrottled, "too many requests of this tenant")
			limited.RetryAfter = wait
			return limited
		}
	}
	if events.CodeOf(err) == events.CodeTenantRequired && grantsOf(ctx).IAM {
		return events.Errorf(events.CodeTenantRequired, "the application keeps the data of tenants apart, and an IAM identity has no claim that names one: call with a token")
	}
	return err
}

// log notes a request: its path holds names and ids, never a payload.
func (s *server) log(r *http.Request, id string, status int, err error) {
	level := slog.LevelDebug
	if status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	logger := s.opts.Logger
	if !logger.Enabled(r.Context(), level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("requestId", id), slog.String("method", r.Method),
		slog.String("path", r.URL.EscapedPath()), slog.Int("status", status),
	}
	if err != nil {
		attrs = append(attrs, slog.String("code", string(errorOf(err).Code)), slog.String("error", err.Error()))
	}
	logger.LogAttrs(context.WithoutCancel(r.Context()), level, "request", attrs...)
}

// write sends a. Answers are for the caller only: nothing is kept by a cache in
// between, guessed at, framed or run by a browser.
func write(w http.ResponseWriter, r *http.Request, id string, a *answer) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Strict-Transport-Security", "max-age=31536000")
	h.Set("X-Content-Type-Options", "nosniff")
	if id != "" {
		h.Set("X-Request-Id", id)
	}
	for name, values := range a.header {
		h[name] = values
	}
	if a.contentType != "" {
		h.Set("Content-Type", a.contentType)
		h.Set("Content-Length", strconv.Itoa(len(a.body)+len(newline)))
	}
	w.WriteHeader(a.status)
	if r.Method == http.MethodHead || a.contentType == "" {
		return
	}
	// A caller that went away can't be told; there is nothing to do.
	if _, err := w.Write(a.body); err == nil {
		_, _ = w.Write(newline)
	}
}

// newline ends every body, so that a terminal shows its prompt on a line of its own.
var newline = []byte{'\n'}

// WriteProblem answers a request with err as a problem: for what stands in front
// of the handlers of this package and has to refuse a request itself.
func WriteProblem(w http.ResponseWriter, r *http.Request, err error) {
	id := requestIDOf(r.Context())
	write(w, r, id, problemAnswer(err, id))
}
