package functions

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"daybook/events"
)

type requestIDKey struct{}

// withRequestID marks a context with API Gateway's id of the request.
func withRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey{}, id)
}

type tenantKey struct{}

// withTenant marks a context with the tenant of the request.
func withTenant(ctx context.Context, tenant string) context.Context {
	if note, ok := ctx.Value(tenantKey{}).(*string); ok {
		*note = tenant
		return ctx
	}
	return context.WithValue(ctx, tenantKey{}, &tenant)
}

// tenantOf is the tenant of the request, "" for none or not known yet.
func tenantOf(ctx context.Context) string {
	if note, ok := ctx.Value(tenantKey{}).(*string); ok {
		return *note
	}
	return ""
}

// requestHandler adds what the context knows of the request to each line:
// requestId, API Gateway's, tenant, and invocationId, Lambda's.
type requestHandler struct {
	slog.Handler
}

func (h requestHandler) Handle(ctx context.Context, r slog.Record) error {
	if id, ok := ctx.Value(requestIDKey{}).(string); ok && id != "" && !hasAttr(r, "requestId") {
		r.AddAttrs(slog.String("requestId", id))
	}
	if tenant := tenantOf(ctx); tenant != "" && !hasAttr(r, "tenant") {
		r.AddAttrs(slog.String("tenant", tenant))
	}
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		r.AddAttrs(slog.String("invocationId", lc.AwsRequestID))
	}
	return h.Handler.Handle(ctx, r)
}

func (h requestHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return requestHandler{h.Handler.WithAttrs(attrs)}
}

func (h requestHandler) WithGroup(name string) slog.Handler {
	return requestHandler{h.Handler.WithGroup(name)}
}

// panicIn is what a log line says of a panic of the domain's code that err wraps:
// where it was, and its value if values may be shown.
func (c Config) panicIn(err error) []any {
	p, ok := errors.AsType[*events.Panic](err)
	if !ok {
		return nil
	}
	attrs := []any{"stack", p.Stack}
	if c.ShowPanics {
		attrs = append(attrs, "panic", fmt.Sprint(p.Value))
	}
	return attrs
}

// hasAttr reports whether a line has an attribute of that name already.
func hasAttr(r slog.Record, name string) (found bool) {
	r.Attrs(func(a slog.Attr) bool {
		found = a.Key == name
		return !found
	})
	return found
}
