package simulation_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"daybook/internal/peopledomain"
	"daybook/internal/testdomain"
	"daybook/simulation"
)

// hashes runs seeds and returns what happened in each, as numbers.
func hashes(t *testing.T) string {
	t.Helper()
	var all []string
	for seed := range uint64(4) {
		app := testdomain.App()
		if seed >= 2 {
			app = peopledomain.App() // with keys, nonces and erasures
		}
		res := simulation.Run(t, app, simulation.Recipe{Seed: seed}, simulation.Options{})
		if len(res.Violations) > 0 || res.Commits == 0 {
			t.Errorf("seed %d: %v, %d commits", seed, res.Violations, res.Commits)
		}
		all = append(all, fmt.Sprintf("%016x", res.Hash))
	}
	return strings.Join(all, " ")
}

// TestASeedIsARun: a seed does the same in every run, in every process, on one
// processor and on several, with the race detector and without: everything that
// happened, and when, has one hash.
func TestASeedIsARun(t *testing.T) {
	first := hashes(t)
	const asked = "SIMULATION_HASHES"
	if os.Getenv(asked) != "" {
		fmt.Println("hashes:", first)
		return
	}
	if again := hashes(t); again != first {
		t.Fatalf("in this process: %s, then %s", first, again)
	}
	for _, processors := range []string{"1", "2"} {
		c := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestASeedIsARun$", "-test.v")
		c.Env = append(os.Environ(), asked+"=1", "GOMAXPROCS="+processors)
		out, err := c.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "hashes: "+first+"\n") {
			t.Errorf("in a process with %s processors: %v\n%s\nwant %s", processors, err, out, first)
		}
	}
}
