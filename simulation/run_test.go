package simulation_test

import (
	"strings"
	"testing"

	"daybook/internal/testdomain"
	"daybook/simulation"
)

// A run that can't begin says why, and nothing else.
func TestNothingToSend(t *testing.T) {
	o := simulation.Options{Weights: map[string]int{}}
	for _, c := range testdomain.App().Commands() {
		o.Weights[c.Name] = 0
	}
	res := simulation.Run(t, testdomain.App(), simulation.Recipe{Seed: 1}, o)
	if len(res.Violations) != 1 || !strings.Contains(res.Violations[0].Text, "no command that a client may send") {
		t.Errorf("%v", res.Violations)
	}
}
