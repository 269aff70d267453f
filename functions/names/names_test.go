package names_test

import (
	"regexp"
	"testing"

	"daybook/functions/names"
)

// Every metric says its name, its unit, its statistic and where the dashboard shows
// it; no two share a name.
func TestMetricsAreWhole(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	seen := map[string]bool{}
	for _, m := range names.Metrics() {
		if !form.MatchString(m.String()) || seen[m.String()] || m.Unit() == "" || m.Statistic() == "" || m.Graph() == 0 {
			t.Errorf("metric %d is %q in %s, by %s on graph %d", m, m, m.Unit(), m.Statistic(), m.Graph())
		}
		seen[m.String()] = true
	}
	if !seen["accepted"] || !seen["process-lag"] {
		t.Errorf("the metrics are %v", seen)
	}
}

func TestOutputsAreWhole(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, o := range names.Outputs() {
		if o.String() == "" || o.Meaning() == "" || seen[o.String()] {
			t.Errorf("output %d is %q: %q", o, o, o.Meaning())
		}
		seen[o.String()] = true
	}
	if !seen["ApiUrl"] || !seen["EventBus"] {
		t.Errorf("the outputs are %v", seen)
	}
}
