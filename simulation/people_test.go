package simulation_test

import (
	"strings"
	"testing"

	"daybook/internal/peopledomain"
	"daybook/simulation"
)

// TestPersonalValues: an application with personal values runs, and people are erased in
// the middle, before and after which functions answer about them.
func TestPersonalValues(t *testing.T) {
	erased, asked := 0, 0
	for seed := range uint64(12) {
		res := simulation.Run(t, peopledomain.App(), simulation.Recipe{Seed: seed}, simulation.Options{Trace: true})
		if len(res.Violations) > 0 {
			t.Errorf("seed %d: %v", seed, res.Violations)
		}
		for _, s := range res.Steps {
			if strings.Contains(s.What, " erases person/") && s.Outcome == "done" {
				erased++
			}
			if strings.Contains(s.What, "/read-") && strings.Contains(s.What, "GET /people/") {
				asked++
			}
		}
	}
	if erased < 6 || asked < erased {
		t.Errorf("in 12 runs %d people were erased, and rows asked for %d times afterwards", erased, asked)
	}
}
