package simulation_test

import (
	"cmp"
	"encoding/json/v2"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"daybook"
	"daybook/internal/peopledomain"
	"daybook/internal/testdomain"
	"daybook/simulation"
)

// kind is an application and options. Each kind has something that the others do not
// have, and that could differ between two runs of a seed.
type kind struct {
	name    string
	app     daybook.App
	options simulation.Options
	seeds   []uint64
}

func kinds() []kind {
	tenants, tenantPeople := testdomain.App(), peopledomain.App()
	tenants.Tenancy, tenantPeople.Tenancy = daybook.Tenancy{Claim: "org"}, daybook.Tenancy{Claim: "org"}
	next := bank(balances(2).Previous(balances(1)))
	return []kind{
		{"school", testdomain.App(), simulation.Options{}, []uint64{0}},
		{"people, with keys, kept commands and erasures", peopledomain.App(), simulation.Options{}, []uint64{3}},
		{"tenants, whose clients use the same ids", tenants, simulation.Options{Clients: 4, Commands: 60}, []uint64{0}},
		{"people of tenants", tenantPeople, simulation.Options{Clients: 4}, []uint64{1}},
		{"a bank, of which another program is deployed", bank(balances(1)), simulation.Options{Clients: 4, Commands: 24, Next: &next}, []uint64{3}},
		{"long, with three projectors", testdomain.App(), simulation.Options{Commands: 50, Projectors: 3}, []uint64{0}},
		{"commits that are compressed, and snapshots", testdomain.App(), largeCommits(), []uint64{1}},
		{"three times as many faults", testdomain.App(), simulation.Options{Faults: 3}, []uint64{4}},
	}
}

func largeCommits() simulation.Options {
	return simulation.Options{
		Weights: map[string]int{"place-booking": 20},
		Payloads: map[string]func(*rand.Rand) any{"place-booking": func(r *rand.Rand) any {
			p := testdomain.PlaceBooking{Member: "1", Currency: "EUR"}
			for i := range 50 {
				p.Lines = append(p.Lines, testdomain.Line{Course: fmt.Sprintf("%d-%x", i, r.Uint64()), Quantity: 1, Area: "games"})
			}
			return p
		}},
	}
}

// steps runs a kind under a seed, and returns all that happened, and when.
func (k kind) steps(t *testing.T, seed uint64) []string {
	t.Helper()
	k.options.Trace = true
	res := simulation.Run(t, k.app, simulation.Recipe{Seed: seed}, k.options)
	if len(res.Violations) > 0 || res.Accepted == 0 {
		t.Errorf("%s, seed %d: %v, %d commands accepted", k.name, seed, res.Violations, res.Accepted)
	}
	var all []string
	for _, s := range res.Steps {
		all = append(all, s.String())
	}
	return append(all, fmt.Sprintf("hash %016x", res.Hash))
}

// parts returns where two runs part: "" nowhere.
func parts(first, other []string) string {
	for i := range max(len(first), len(other)) {
		if i < len(first) && i < len(other) && first[i] == other[i] {
			continue
		}
		tail := func(of []string) string { return strings.Join(of[min(i, len(of)):min(i+3, len(of))], "\n\t") }
		return fmt.Sprintf("step %d is the first that differs, after\n\t%s\none run has\n\t%s\nthe other\n\t%s",
			i+1, strings.Join(first[max(i-3, 0):i], "\n\t"), tail(first), tail(other))
	}
	return ""
}

var seedsOfKind = flag.Uint64("seeds", 0, "seeds of each kind that TestASeedIsARun compares, in place of a few")

// stepsFile is the variable that asks another process for its steps.
const stepsFile = "SIMULATION_STEPS"

// TestASeedIsARun: a seed does the same in every run, in every process, whatever ran in it
// before, on one processor and on several, with the race detector and without: everything
// that happened, and when.
func TestASeedIsARun(t *testing.T) {
	file, all := os.Getenv(stepsFile), map[string][]string{} // steps, by kind and seed
	ks := kinds()
	if file != "" {
		slices.Reverse(ks)
	}
	for _, k := range ks {
		if *seedsOfKind > 0 {
			k.seeds = nil
		}
		for seed := range *seedsOfKind {
			k.seeds = append(k.seeds, seed)
		}
		for _, seed := range k.seeds {
			all[fmt.Sprintf("%s, seed %d", k.name, seed)] = k.steps(t, seed)
		}
	}
	if file == "" {
		compareProcess(t, all)
		return
	}
	text, err := json.Marshal(all)
	if err = cmp.Or(err, os.WriteFile(file, text, 0o600)); err != nil {
		t.Fatal(err)
	}
}

// compareProcess compares the steps of this process with those of another one, which runs
// the kinds in another order and has another number of processors.
func compareProcess(t *testing.T, all map[string][]string) {
	t.Helper()
	file, processors := filepath.Join(t.TempDir(), "steps.json"), "1"
	if runtime.GOMAXPROCS(0) == 1 {
		processors = "2"
	}
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestASeedIsARun$", "-test.timeout", "2h", fmt.Sprint("-seeds=", *seedsOfKind))
	c.Env = append(os.Environ(), stepsFile+"="+file, "GOMAXPROCS="+processors)
	out, err := c.CombinedOutput()
	text, missing := os.ReadFile(file)
	var others map[string][]string
	if err = cmp.Or(err, missing, json.Unmarshal(text, &others)); err != nil {
		t.Fatalf("in a process with %s processors: %v\n%s", processors, err, out)
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if found := parts(all[name], others[name]); found != "" {
			t.Errorf("%s, with %s processors: %s", name, processors, found)
		}
	}
}
