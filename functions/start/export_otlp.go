//go:build otlp

package start

import (
	"context"
	"os"

	"daybook"
	"daybook/functions"
	"daybook/functions/names"
	"daybook/telemetry"
)

// export lets a function export its spans, where the environment names a collector.
func export(app daybook.App, c *functions.Config) (func(functions.Handler) functions.Handler, error) {
	endpoint := os.Getenv(names.EnvOTLPEndpoint)
	if endpoint == "" {
		return func(h functions.Handler) functions.Handler { return h }, nil
	}
	exporter, err := telemetry.New(context.Background(), endpoint, app.Name)
	if err != nil {
		return nil, err
	}
	c.Spans = exporter.Function
	return exporter.Flushing, nil
}
