package functions

import (
	"context"
	"encoding/json/v2"
	"fmt"
	"log/slog"

	"daybook/dynamo"
	"daybook/follow"
)

// batchHandler handles batches of an event source mapping, with partial batch
// failures.
type batchHandler[R any] struct {
	log    *slog.Logger
	spans  Spans
	name   string             // of the span of a batch
	traces func([]R) []string // of a batch, if they are known before it is handled
	source string             // what an event comes from, for errors
	decode func(payload []byte) ([]R, error)
	// handle returns the ids of those that are to be delivered again. From a stream
	// Lambda goes on from the lowest.
	handle func(ctx context.Context, batch []R) (retry []string)
}

// failures is the answer to a batch: the records to deliver again.
type failures struct {
	BatchItemFailures []failure `json:"batchItemFailures"`
}

type failure struct {
	ItemIdentifier string `json:"itemIdentifier"`
}

// Invoke handles one batch. An error is for a payload that is not a batch.
func (h batchHandler[R]) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	batch, err := h.decode(payload)
	if err != nil {
		h.log.ErrorContext(ctx, "event refused", "error", err)
		return nil, fmt.Errorf("read the %s event: %w", h.source, err)
	}
	ctx, end := h.begin(ctx, batch)
	retry := h.handle(ctx, batch)
	end(retry)
	answer := failures{BatchItemFailures: make([]failure, len(retry))}
	for i, id := range retry {
		answer.BatchItemFailures[i].ItemIdentifier = id
	}
	return json.Marshal(answer)
}

// begin begins the span of a batch; end ends it, with what is to be delivered again.
func (h batchHandler[R]) begin(ctx context.Context, batch []R) (_ context.Context, end func(retry []string)) {
	o := SpanOptions{Kind: SpanConsumer, Attributes: []slog.Attr{slog.Int("messaging.batch.message_count", len(batch))}}
	if h.traces != nil {
		o.Traces = h.traces(batch)
	}
	ctx, span := h.spans.Start(ctx, h.name, o)
	return ctx, func(retry []string) {
		fault := ""
		if len(retry) > 0 {
			fault = "retry"
		}
		span.End(fault, slog.Int("daybook.retries", len(retry)))
	}
}

// ofStream handles batches of the events table's stream.
func ofStream(log *slog.Logger, spans Spans, name string, handle func(context.Context, []follow.Delivery) []string) Handler {
	return batchHandler[follow.Delivery]{
		log: log, spans: spans, name: name, traces: tracesOf, source: "stream", decode: deliveries, handle: handle,
	}
}

// logCommits logs the commits of a batch, so that one can be searched for.
func logCommits(ctx context.Context, log *slog.Logger, batch []follow.Delivery) {
	if !log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	for _, d := range batch {
		attrs := []any{"stream", d.Stream, "commit", d.Number}
		if d.Commit != nil {
			attrs = append(attrs, traced(d.Commit.Trace)...)
		}
		log.DebugContext(ctx, "commit", attrs...)
	}
}

// traced is what a log line says of a trace context, nothing without one.
func traced(trace string) []any {
	if trace == "" {
		return nil
	}
	return []any{"traceparent", trace}
}

func deliveries(payload []byte) ([]follow.Delivery, error) {
	records, err := dynamo.DecodeStreamEvent(payload)
	batch := make([]follow.Delivery, len(records))
	for i, r := range records {
		batch[i] = follow.Delivery{Stream: r.Stream, Number: r.Number, Commit: r.Commit, Sequence: r.Sequence, Err: r.Err}
	}
	return batch, err
}

// logReport logs what a batch of the stream left behind: about names the consumer
// of a fault.
func (c Config) logReport(ctx context.Context, log *slog.Logger, r follow.Report, about func(follow.Fault) []any) {
	for _, f := range r.Faults {
		attrs := append(about(f), "stream", f.Stream, "commit", f.Commit, "code", f.Code, "attempts", f.Attempts, "error", f.Text)
		attrs = append(attrs, traced(f.Trace)...)
		log.ErrorContext(ctx, "stream parked", append(attrs, c.panicIn(f.Cause)...)...)
	}
	if r.Err != nil {
		log.WarnContext(ctx, "records will be retried", "records", len(r.Retry), "error", r.Err)
	}
}
