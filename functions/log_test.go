package functions

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"daybook"
	"daybook/aggregate"
	"daybook/events"
	"daybook/follow"
	"daybook/process"
	"daybook/view/projection"
)

// A panic of the domain's code is logged with its stack, and with its value only
// where values may be shown.
func TestLogShowsWhereTheDomainPanicked(t *testing.T) {
	t.Parallel()
	fault := events.Guard("the handler of door-opened", func() { panic("Ada's door") })
	for _, show := range []bool{false, true} {
		var out bytes.Buffer
		c := Config{LogTo: &out, LogLevel: slog.LevelError, ShowPanics: show}
		log := c.logger("any")
		(&projections{config: c, log: log}).logBatch(t.Context(), 1, projection.Report{Report: follow.Report{Faults: []follow.Fault{{Stream: "door/7", Text: events.FaultText(fault), Cause: fault}}}})
		(&processHandler{config: c, log: log}).logBatch(t.Context(), 1, process.Report{Report: follow.Report{Faults: []follow.Fault{{Stream: "door/7", Text: events.FaultText(fault), Cause: fault}}}})
		c.observe(log, newMetrics(daybook.App{}, c))(t.Context(), aggregate.Observation{Command: "open-door", Err: fault})
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if len(lines) != 3 {
			t.Fatalf("got %s", &out)
		}
		for _, line := range lines {
			if !strings.Contains(line, `"stack":["daybook/functions/log_test.go:`) || strings.Contains(line, "Ada's door") != show {
				t.Errorf("ShowPanics %v: %s", show, line)
			}
		}
	}
}
