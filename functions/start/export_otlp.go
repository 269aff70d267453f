//go:build otlp

package start

import (
	"context"
	"log"
	"os"
	"time"

	"daybook"
	"daybook/functions"
	"daybook/functions/names"
	"daybook/telemetry"
)

// flushTimeout bounds how long an invocation waits for the collector at its end.
const flushTimeout = 2 * time.Second

// export lets a function export its spans, where the environment names a collector.
// Lambda freezes a function between invocations, so that spans are sent at the end of
// each.
func export(app daybook.App, c *functions.Config) (func(functions.Handler) functions.Handler, error) {
	endpoint := os.Getenv(names.EnvOTLPEndpoint)
	if endpoint == "" {
		return unchanged, nil
	}
	exporter, err := telemetry.New(context.Background(), endpoint, app.Name)
	if err != nil {
		return nil, err
	}
	c.Spans = exporter.Function
	return func(h functions.Handler) functions.Handler { return flushing{h, exporter} }, nil
}

func unchanged(h functions.Handler) functions.Handler { return h }

// flushing exports the spans of each invocation before it ends.
type flushing struct {
	functions.Handler
	exporter *telemetry.Exporter
}

// Invoke implements functions.Handler. An unreachable collector costs an invocation
// time, never its answer.
func (f flushing) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
		defer cancel()
		if err := f.exporter.Flush(ctx); err != nil {
			log.Printf("spans were not exported: %v", err)
		}
	}()
	return f.Handler.Invoke(ctx, payload)
}
