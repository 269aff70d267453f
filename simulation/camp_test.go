package simulation

import (
	"os"
	"strconv"
	"testing"
	"time"

	"daybook/internal/testdomain"
)

func TestCamp(t *testing.T) {
	from, _ := strconv.Atoi(os.Getenv("FROM"))
	n, _ := strconv.Atoi(os.Getenv("N"))
	began := time.Now()
	req, acc, com := 0, 0, 0
	for seed := uint64(from); seed < uint64(from+n); seed++ {
		a := Run(t, testdomain.App(), Recipe{Seed: seed}, Options{})
		req, acc, com = req+a.Requests, acc+a.Accepted, com+a.Commits
		for _, v := range a.Violations {
			t.Errorf("%d: %s", seed, v)
		}
	}
	t.Logf("%d runs %v: %d requests %d accepted %d commits", n, time.Since(began), req/max(n, 1), acc/max(n, 1), com/max(n, 1))
}
