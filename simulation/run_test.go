package simulation_test

import (
	"strings"
	"testing"

	"daybook/internal/peopledomain"
	"daybook/simulation"
)

// A run that can't begin says why, and nothing else.
func TestPersonalValuesAreRefused(t *testing.T) {
	res := simulation.Run(t, peopledomain.App(), simulation.Recipe{Seed: 1}, simulation.Options{})
	if len(res.Violations) != 1 || !strings.Contains(res.Violations[0].Text, "personal values") {
		t.Errorf("%v", res.Violations)
	}
}
