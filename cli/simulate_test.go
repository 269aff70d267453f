package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"daybook/internal/testdomain"
	"daybook/simulation/settings"
)

// TestSimulate: the command builds and runs the tests that simulate, in several
// processes with seeds of their own, and replays one run.
func TestSimulate(t *testing.T) {
	t.Parallel()
	const of = "daybook/docs/samples/howto"
	for _, test := range []struct {
		args []string
		code int
		want []string // in the output
	}{
		{[]string{"simulate", "-runs", "4", "-parallel", "2", of}, exitOK, []string{"2 runs from seed 1 in", "2 runs from seed 3 in"}},
		{[]string{"simulate", "-replay", "seed=3 steps=a1,a2 faults=", of}, exitOK, []string{"seed=3 steps=a1,a2 faults=: 0 violations", "what happened:"}},
		{[]string{"simulate", "-replay", "nonsense", of}, exitUsage, []string{`-replay: recipe "nonsense": "nonsense" can't be read`}},
		{[]string{"simulate", "-replay", "", of}, exitUsage, []string{`-replay: recipe "" has no seed`}},
		{[]string{"simulate", "-replay", "steps=a1", of}, exitUsage, []string{`-replay: recipe "steps=a1" has no seed`}},
		{[]string{"simulate", "-runs", "0", of}, exitUsage, []string{"-runs and -for must be above 0"}},
		{[]string{"simulate", "-for", "0s", of}, exitUsage, []string{"-runs and -for must be above 0"}},
		{[]string{"simulate", "daybook/nearest"}, exitFailed, []string{"no test of daybook/nearest calls simulationtest.Run; add one"}},
		{[]string{"simulate", "-runs", "4", "-for", "1s", of}, exitUsage, []string{"exclude each other"}},
		{[]string{"simulate", "-replay", "1", "-seed", "1", of}, exitUsage, []string{"leave out -seed"}},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			code := run(t.Context(), testdomain.App(), test.args, strings.NewReader(""), &out, &out)
			if code != test.code {
				t.Errorf("exit code %d, want %d\n%s", code, test.code, &out)
			}
			for _, want := range test.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("the output lacks %q:\n%s", want, &out)
				}
			}
		})
	}
}

// Every seed is run once, whatever the number of processes.
func TestSeedsAreSplit(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ runs, processes int }{{1, 4}, {7, 3}, {8, 2}, {2, 5}} {
		seen := map[uint64]int{}
		for _, part := range split(settings.Settings{Seed: 10, Runs: test.runs}, test.processes) {
			for n := range part.Runs {
				seen[part.Seed+uint64(n)]++
			}
		}
		for seed := uint64(10); seed < uint64(10+test.runs); seed++ {
			if seen[seed] != 1 || len(seen) != test.runs {
				t.Errorf("%d runs in %d processes: %v", test.runs, test.processes, seen)
			}
		}
	}
	parts := split(settings.Settings{Seed: 1, For: time.Minute}, 2)
	if len(parts) != 2 || parts[0].Seed == parts[1].Seed || parts[1].For != time.Minute {
		t.Errorf("a time in two processes: %+v", parts)
	}
}
