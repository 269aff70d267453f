package functions

import (
	"context"
	"encoding/json/v2"
	"fmt"
	"log/slog"

	"daybook/dynamo"
	"daybook/view"
)

// projectorHandler projects batches of the events table's stream.
type projectorHandler struct {
	config    Config
	projector *view.Projector
	log       *slog.Logger
	metrics   *metrics
}

// failures is the answer to a batch: the records to deliver again. Lambda goes on
// from the lowest sequence number.
type failures struct {
	BatchItemFailures []failure `json:"batchItemFailures"`
}

type failure struct {
	ItemIdentifier string `json:"itemIdentifier"`
}

// Invoke projects one batch. An error is for a payload that is no batch.
func (h *projectorHandler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	records, err := dynamo.DecodeStreamEvent(payload)
	if err != nil {
		h.log.ErrorContext(ctx, "event refused", "error", err)
		return nil, fmt.Errorf("read the stream event: %w", err)
	}
	report := h.projector.Project(ctx, deliveries(records))
	h.note(ctx, len(records), report)
	h.metrics.batch(report)
	answer := failures{BatchItemFailures: make([]failure, len(report.Retry))}
	for i, sequence := range report.Retry {
		answer.BatchItemFailures[i].ItemIdentifier = sequence
	}
	return json.Marshal(answer)
}

func deliveries(records []dynamo.Record) []view.Delivery {
	batch := make([]view.Delivery, len(records))
	for i, r := range records {
		batch[i] = view.Delivery{Stream: r.Stream, Number: r.Number, Commit: r.Commit, Sequence: r.Sequence, Err: r.Err}
	}
	return batch
}

// note logs what came of a batch: names, ids and numbers.
func (h *projectorHandler) note(ctx context.Context, records int, r view.Report) {
	for _, f := range r.Faults {
		h.log.ErrorContext(ctx, "stream parked", append([]any{"view", f.View, "version", f.Version, "stream", f.Stream,
			"commit", f.Commit, "code", f.Code, "error", f.Text}, h.config.panicIn(f.Cause)...)...)
	}
	for _, m := range r.Mismatches {
		h.log.ErrorContext(ctx, "view not projected", "view", m.View, "table", m.Target.String(), "error", m.Text)
	}
	if r.Err != nil {
		h.log.WarnContext(ctx, "records to be delivered again", "records", len(r.Retry), "error", r.Err)
	}
	h.log.InfoContext(ctx, "batch", "records", records, "written", r.Written, "skipped", r.Skipped, "gaps", r.Gaps,
		"retry", len(r.Retry), "parked", len(r.Faults), "held", r.Held, "lagMs", r.Lag.Milliseconds())
}
