package simulation

import (
	"os"
	"strconv"
	"testing"

	"daybook/internal/testdomain"
)

func TestDet(t *testing.T) {
	from, _ := strconv.Atoi(os.Getenv("FROM"))
	n := 20
	for seed := uint64(from); seed < uint64(from+n); seed++ {
		a := Run(t, testdomain.App(), Recipe{Seed: seed}, Options{Trace: true})
		for range 3 {
			b := Run(t, testdomain.App(), Recipe{Seed: seed}, Options{Trace: true})
			if a.Hash == b.Hash {
				continue
			}
			for i := range a.Steps {
				if i >= len(b.Steps) || a.Steps[i] != b.Steps[i] {
					t.Errorf("%d: step %d of %d:\n%s\n%s\n%s", seed, i, len(a.Steps), a.Steps[max(0, i-1)], a.Steps[i], b.Steps[min(i, len(b.Steps)-1)])
					break
				}
			}
			break
		}
	}
}
