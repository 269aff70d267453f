package functions

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"strings"

	"daybook/aggregate"
	"daybook/dynamo"
	"daybook/events"
	"daybook/follow"
)

// Spans records the work of a function as spans of distributed traces. Package
// telemetry exports them; a function without it links no exporter. It is safe for
// concurrent use.
type Spans interface {
	// Start begins a span below the one of ctx, and returns a context for what
	// happens within it.
	Start(ctx context.Context, name string, o SpanOptions) (context.Context, Span)
}

// SpanOptions describe a span when it begins.
type SpanOptions struct {
	Kind SpanKind
	// Traces are the traceparents of what the span continues; empty ones are ignored.
	// A single one is the parent, unless the span of the context belongs to the same
	// trace. Several are links.
	Traces     []string
	Attributes []slog.Attr
}

// SpanKind is the role of a span, in OpenTelemetry's terms.
type SpanKind int

// The kinds of spans.
const (
	SpanInternal SpanKind = iota
	SpanServer
	SpanClient
	SpanConsumer
)

// Span is a span that has begun. End ends it, once.
type Span interface {
	// TraceParent is the span's own context as a W3C traceparent.
	TraceParent() string
	// End records a failure when fault, its type, is not empty.
	End(fault string, attributes ...slog.Attr)
}

// noSpans records nothing.
type noSpans struct{}

func (noSpans) Start(ctx context.Context, _ string, _ SpanOptions) (context.Context, Span) {
	return ctx, noSpan{}
}

type noSpan struct{}

func (noSpan) TraceParent() string      { return "" }
func (noSpan) End(string, ...slog.Attr) {}

// records reports whether spans go anywhere.
func records(spans Spans) bool {
	_, none := spans.(noSpans)
	return !none
}

// spans are those of one function.
func (c Config) spans(function string) Spans {
	if c.Spans == nil {
		return noSpans{}
	}
	return c.Spans(function)
}

type commandSpanKey struct{}

// beginCommand starts the span of a command; endCommand ends it. The span's own
// context becomes the trace context of a command that came without one.
func beginCommand(spans Spans) func(context.Context, *aggregate.Command) context.Context {
	if !records(spans) {
		return nil
	}
	return func(ctx context.Context, c *aggregate.Command) context.Context {
		ctx, span := spans.Start(ctx, "command "+c.Name, SpanOptions{
			Traces:     []string{c.Trace},
			Attributes: []slog.Attr{slog.String("daybook.command", c.Name), slog.String("daybook.command_id", c.CommandID)},
		})
		if events.TraceParent(c.Trace) == "" {
			c.Trace = span.TraceParent()
		}
		return context.WithValue(ctx, commandSpanKey{}, span)
	}
}

// endCommand ends the span of a command. A rejection or a conflict is an answer; a
// fault of the program or of a service is a failure.
func endCommand(ctx context.Context, o aggregate.Observation) {
	span, ok := ctx.Value(commandSpanKey{}).(Span)
	if !ok {
		return
	}
	code, fault := events.CodeOf(o.Err), ""
	if code == events.CodeInternal || code == events.CodeUnavailable {
		fault = string(code)
	}
	span.End(fault, slog.String("daybook.stream", string(o.Stream)), slog.String("daybook.code", string(code)),
		slog.Bool("daybook.replayed", o.Replayed), slog.Int("daybook.conflicts", o.Conflicts), slog.Int("daybook.loads", o.Loads))
}

// dynamoSpans records each call of DynamoDB; nil without spans.
func dynamoSpans(spans Spans) dynamo.Tracer {
	if !records(spans) {
		return nil
	}
	return func(ctx context.Context, c dynamo.Call) (context.Context, func(dynamo.Outcome)) {
		ctx, span := spans.Start(ctx, "DynamoDB."+c.Operation, SpanOptions{Kind: SpanClient, Attributes: []slog.Attr{
			slog.String("db.system.name", "aws.dynamodb"), slog.String("db.operation.name", c.Operation),
			slog.Any("aws.dynamodb.table_names", c.Tables),
		}})
		return ctx, func(o dynamo.Outcome) {
			attributes := []slog.Attr{slog.Int("daybook.attempts", o.Usage.Requests)}
			fault := o.Code
			if o.Code != "" {
				attributes = append(attributes, slog.String("db.response.status_code", o.Code))
			}
			if len(o.Reasons) > 0 {
				attributes = append(attributes, slog.Any("daybook.cancellation_reasons", o.Reasons))
			}
			if o.Conflict {
				fault = ""
			}
			span.End(fault, attributes...)
		}
	}
}

// reactionSpans records each reaction of a reactor to a commit; nil without spans.
func reactionSpans(spans Spans) func(context.Context, string, *events.Commit) (context.Context, func(error)) {
	if !records(spans) {
		return nil
	}
	return func(ctx context.Context, reactor string, c *events.Commit) (context.Context, func(error)) {
		ctx, span := spans.Start(ctx, "reaction "+reactor, SpanOptions{Kind: SpanConsumer, Traces: []string{c.Trace}, Attributes: []slog.Attr{
			slog.String("daybook.reactor", reactor), slog.String("daybook.stream", string(c.Stream)), slog.Int64("daybook.commit", c.Number),
		}})
		return ctx, func(err error) { span.End(string(events.CodeOf(err))) }
	}
}

// tracesOf are the trace contexts of the commits of a batch.
func tracesOf(batch []follow.Delivery) []string {
	var traces []string
	for _, d := range batch {
		if d.Commit != nil {
			traces = append(traces, d.Commit.Trace)
		}
	}
	return traces
}

// requestSpans records each request that h answers.
func requestSpans(spans Spans, h http.Handler) http.Handler {
	if !records(spans) {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		route, _ := r.Context().Value(routeKey{}).(string)
		ctx, span := spans.Start(r.Context(), strings.TrimSpace(r.Method+" "+route), SpanOptions{
			Kind: SpanServer, Traces: r.Header.Values("Traceparent"),
			Attributes: []slog.Attr{slog.String("http.request.method", r.Method)},
		})
		r = r.WithContext(ctx)
		answer := &statusWriter{ResponseWriter: w, status: http.StatusInternalServerError} // of a panic
		defer func() {
			fault := ""
			if answer.status >= http.StatusInternalServerError {
				fault = http.StatusText(answer.status)
			}
			span.End(fault, slog.Int("http.response.status_code", answer.status), slog.String("http.route", cmp.Or(route, r.Pattern)))
		}()
		h.ServeHTTP(answer, r)
	})
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
