package apigateway

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"daybook/events"
)

// Caller is what an event tells beside the request.
type Caller struct {
	// Actor is the verified subject: claim sub of a JWT, the ARN of an IAM
	// identity, or a Lambda authorizer's principal. "" when the API is open.
	Actor string
	// Scope holds the scopes of the caller's token, separated by spaces: the claims
	// scope and scp of a JWT, or a Lambda authorizer's context of these names.
	Scope string
	// Tenant is the claim of the caller's token that Options.TenantClaim names, or a
	// Lambda authorizer's context of that name. "" when it is missing, not a string or
	// not a tenant's name.
	Tenant string
	// IAM says that the gateway asked IAM policies.
	IAM bool
	// RequestID is API Gateway's id of the request.
	RequestID string
	// Route is the path of the gateway's route that authorized the request, such
	// as "/streams/{proxy+}"; "" when the event names none.
	Route string
}

// Options configure a Handler; all are optional.
type Options struct {
	// Context tells the handler's context about the caller.
	Context func(ctx context.Context, c Caller) context.Context
	// TenantClaim names the claim that holds the caller's tenant; "" for none.
	TenantClaim string
	// Prefix is the base path under which a custom domain maps the API.
	Prefix string
	// Fault writes the answer in place of one that the handler could not give:
	// status 500 after a panic, 413 when the answer is over MaxAnswer, 400 when the
	// event's text is not UTF-8 or its path not percent-encoded. By default it is
	// http.Error's.
	Fault func(w http.ResponseWriter, r *http.Request, status int)
	// Log gets a line per request: method, path, status, milliseconds. Never a
	// query, a header or a body.
	Log *slog.Logger
}

// Handler answers API Gateway events with a net/http handler. It is safe for
// concurrent use, and it implements aws-lambda-go's Handler.
type Handler struct {
	handler http.Handler
	options Options
}

// New returns a Handler that serves with h.
func New(h http.Handler, o Options) *Handler {
	if o.Context == nil {
		o.Context = func(ctx context.Context, _ Caller) context.Context { return ctx }
	}
	if o.Fault == nil {
		o.Fault = func(w http.ResponseWriter, _ *http.Request, status int) {
			http.Error(w, http.StatusText(status), status)
		}
	}
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	return &Handler{handler: h, options: o}
}

// Invoke answers one event. Its error is for a payload that is not an event, which
// Lambda counts as the function's failure; whatever goes wrong with a request is
// an answer.
func (h *Handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	begun := time.Now()
	e, err := parse(payload)
	if err != nil {
		h.options.Log.ErrorContext(ctx, "event refused", "error", err)
		return nil, err
	}
	caller := e.caller(h.options.TenantClaim)
	caller.RequestID, caller.Route = e.RequestContext.RequestID, e.route()
	ctx = h.options.Context(ctx, caller)
	r, err := e.request(ctx, h.options.Prefix)
	if err != nil {
		h.options.Log.ErrorContext(ctx, "event refused", "error", err)
		return nil, err
	}
	var w *recorder
	if e.malformed {
		w = h.fault(r, http.StatusBadRequest)
	} else {
		w = newRecorder()
		if p, ok := errors.AsType[*events.Panic](h.serve(w, r)); ok {
			h.options.Log.ErrorContext(ctx, "panic", "error", p, "stack", p.Stack)
			w = h.fault(r, http.StatusInternalServerError)
		}
	}
	out, err := w.encode(e)
	if errors.Is(err, errTooLong) {
		w = h.fault(r, http.StatusRequestEntityTooLarge)
		out, err = w.encode(e)
	}
	if err != nil {
		return nil, err
	}
	h.options.Log.InfoContext(ctx, "request", "method", r.Method, "path", r.URL.Path, "status", w.status,
		"ms", time.Since(begun).Milliseconds())
	return out, nil
}

// serve runs the handler. A panic is an answer of 500: one request's defect must
// not end the instance.
func (h *Handler) serve(w *recorder, r *http.Request) (err error) {
	defer events.Rescue("the handler", &err)
	h.handler.ServeHTTP(w, r)
	return nil
}

func (h *Handler) fault(r *http.Request, status int) *recorder {
	w := newRecorder()
	h.options.Fault(w, r, status)
	return w
}
