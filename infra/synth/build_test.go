package synth

import (
	"strings"
	"testing"

	"daybook/infra/settings"
)

// The functions are built with OpenTelemetry's SDK only if the settings name a
// collector.
func TestOTLPIsBuiltInOnlyIfAsked(t *testing.T) {
	t.Parallel()
	for collector, want := range map[string]bool{"": false, "https://collector.example": true} {
		tags := strings.Split(buildOptions(settings.Settings{OTLP: collector}).Tags(), ",")
		if got := tags[len(tags)-1] == "otlp"; got != want || len(tags) < 2 {
			t.Errorf("with otlp=%q the tags are %v", collector, tags)
		}
	}
}
