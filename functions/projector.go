package functions

import (
	"context"
	"log/slog"

	"daybook/follow"
	"daybook/sealed"
	"daybook/view/projection"
)

// projections projects batches of the events table's stream.
type projections struct {
	config    Config
	sealing   sealed.With
	projector *projection.Projector
	log       *slog.Logger
	metrics   *metrics
}

func (p *projections) handle(ctx context.Context, batch []follow.Delivery) []string {
	logCommits(ctx, p.log, batch)
	report := p.projector.Project(ctx, p.sealing.Commits(ctx, batch))
	p.logBatch(ctx, len(batch), report)
	p.metrics.batch(report)
	return report.Retry
}

// logBatch logs the outcome of a batch: names, ids and numbers.
func (p *projections) logBatch(ctx context.Context, records int, r projection.Report) {
	p.config.logReport(ctx, p.log, r.Report, func(f follow.Fault) []any { return []any{"view", f.Consumer, "version", f.Version} })
	for _, m := range r.Mismatches {
		p.log.ErrorContext(ctx, "view not projected", "view", m.View, "table", m.Target.String(), "error", m.Text)
	}
	p.log.InfoContext(ctx, "batch", "records", records, "written", r.Written, "skipped", r.Skipped, "gaps", r.Gaps,
		"retry", len(r.Retry), "parked", len(r.Faults), "held", r.Held, "lagMs", r.Lag.Milliseconds())
}
