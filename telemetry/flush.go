package telemetry

import (
	"context"
	"log/slog"
	"os"
	"time"

	"daybook/functions"
)

// flushTimeout bounds how long an invocation waits for the collector at its end.
const flushTimeout = 2 * time.Second

// Flushing returns a handler that exports the spans of each invocation of h before it
// ends: Lambda freezes a function between invocations. An unreachable collector costs
// an invocation time, never its answer.
func (e *Exporter) Flushing(h functions.Handler) functions.Handler { return flushing{h, e} }

type flushing struct {
	functions.Handler
	exporter *Exporter
}

// Invoke implements functions.Handler.
func (f flushing) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
		defer cancel()
		if err := f.exporter.Flush(ctx); err != nil {
			slog.New(slog.NewJSONHandler(os.Stderr, nil)).Warn("spans were not exported", "error", err)
		}
	}()
	return f.Handler.Invoke(ctx, payload)
}
