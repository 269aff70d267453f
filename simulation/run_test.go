package simulation

import (
	"testing"

	"daybook/internal/testdomain"
)

func TestRun(t *testing.T) {
	for seed := range uint64(5) {
		res := Run(t, testdomain.App(), Recipe{Seed: seed}, Options{Trace: true})
		t.Logf("%d: %x %d requests %d commits %v", seed, res.Hash, res.Requests, res.Commits, res.Took)
		for _, v := range res.Violations {
			t.Error(v)
		}
		if seed == 0 {
			for _, s := range res.Steps {
				t.Log(s)
			}
		}
	}
}
