package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"daybook/functions"
	"daybook/telemetry/collector"
)

// attempt bounds one request to the collector. A collector that does not answer is
// given up soon: spans are dropped then, and nothing else is delayed for long.
const attempt = 3 * time.Second

// Exporter exports the spans of an application's functions, in batches. It is safe
// for concurrent use.
type Exporter struct {
	app       string
	processor sdktrace.SpanProcessor
}

// New returns an exporter to the collector at a URL, for the application of the name
// app. It sends nothing yet, so it does not fail when the collector is unreachable.
// OpenTelemetry's environment variables for headers, TLS and sampling are heeded.
func New(ctx context.Context, endpoint, app string) (*Exporter, error) {
	to, err := collector.Endpoint(endpoint)
	if err != nil {
		return nil, err
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(to), otlptracehttp.WithTimeout(attempt))
	if err != nil {
		return nil, fmt.Errorf("export spans to %s: %w", to, err)
	}
	return &Exporter{app: app, processor: sdktrace.NewBatchSpanProcessor(exporter)}, nil
}

// Function returns the spans of one function, whose service is named by the
// application and the function.
func (e *Exporter) Function(function string) functions.Spans {
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithSpanProcessor(e.processor),
		sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", e.app+"-"+function), attribute.String("service.namespace", e.app))),
	)
	return tracer{provider.Tracer("daybook")}
}

// Flush exports the spans that have ended, within the context.
func (e *Exporter) Flush(ctx context.Context) error { return e.processor.ForceFlush(ctx) }

// Close exports what is left, within the context, and ends the exporter.
func (e *Exporter) Close(ctx context.Context) error { return e.processor.Shutdown(ctx) }

// tracer implements functions.Spans.
type tracer struct{ tracer trace.Tracer }

// kinds are OpenTelemetry's names of the kinds.
var kinds = map[functions.SpanKind]trace.SpanKind{
	functions.SpanInternal: trace.SpanKindInternal, functions.SpanServer: trace.SpanKindServer,
	functions.SpanClient: trace.SpanKindClient, functions.SpanConsumer: trace.SpanKindConsumer,
}

// Start implements functions.Spans.
func (t tracer) Start(ctx context.Context, name string, o functions.SpanOptions) (context.Context, functions.Span) {
	options := []trace.SpanStartOption{trace.WithSpanKind(kinds[o.Kind]), trace.WithAttributes(attributes(o.Attributes)...)}
	current, remote := trace.SpanContextFromContext(ctx), contexts(o.Traces)
	switch {
	case len(remote) == 1 && remote[0].TraceID() == current.TraceID(): // within the span that continues it
	case len(remote) == 1:
		ctx = trace.ContextWithRemoteSpanContext(ctx, remote[0])
		if current.IsValid() {
			options = append(options, trace.WithLinks(trace.Link{SpanContext: current}))
		}
	default:
		for _, r := range remote {
			options = append(options, trace.WithLinks(trace.Link{SpanContext: r}))
		}
	}
	ctx, s := t.tracer.Start(ctx, name, options...)
	return ctx, span{s}
}

// contexts reads traceparents, each once; invalid ones are left out.
func contexts(traceparents []string) []trace.SpanContext {
	var all []trace.SpanContext
	seen := map[string]bool{}
	for _, text := range traceparents {
		ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{"traceparent": text})
		if c := trace.SpanContextFromContext(ctx); c.IsValid() && !seen[text] {
			seen[text] = true
			all = append(all, c)
		}
	}
	return all
}

// span implements functions.Span.
type span struct{ span trace.Span }

// TraceParent implements functions.Span.
func (s span) TraceParent() string {
	c := s.span.SpanContext()
	return fmt.Sprintf("00-%s-%s-%s", c.TraceID(), c.SpanID(), c.TraceFlags())
}

// End implements functions.Span.
func (s span) End(fault string, more ...slog.Attr) {
	s.span.SetAttributes(attributes(more)...)
	if fault != "" {
		s.span.SetAttributes(attribute.String("error.type", fault))
		s.span.SetStatus(codes.Error, fault)
	}
	s.span.End()
}

// attributes are OpenTelemetry's of slog's; empty texts are left out.
func attributes(of []slog.Attr) []attribute.KeyValue {
	var all []attribute.KeyValue
	for _, a := range of {
		switch v := a.Value.Any().(type) {
		case string:
			if v != "" {
				all = append(all, attribute.String(a.Key, v))
			}
		case int64:
			all = append(all, attribute.Int64(a.Key, v))
		case bool:
			all = append(all, attribute.Bool(a.Key, v))
		case []string:
			all = append(all, attribute.StringSlice(a.Key, v))
		}
	}
	return all
}
