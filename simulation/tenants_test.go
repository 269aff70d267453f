package simulation_test

import (
	"testing"

	"daybook"
	"daybook/internal/testdomain"
	"daybook/simulation"
)

// TestTenants: two tenants whose clients use the same ids, under faults: all that holds of
// one installation holds, and no answer has anything of the other's. A seed is a run.
func TestTenants(t *testing.T) {
	app := testdomain.App()
	app.Tenancy = daybook.Tenancy{Claim: "org"}
	for seed := range uint64(2) {
		long := simulation.Run(t, app, simulation.Recipe{Seed: seed}, simulation.Options{Clients: 4, Commands: 80})
		if len(long.Violations) > 0 || long.Accepted == 0 {
			t.Errorf("seed %d: %d accepted, %v", seed, long.Accepted, long.Violations)
		}
		first, again := simulation.Run(t, app, simulation.Recipe{Seed: seed}, simulation.Options{}), simulation.Run(t, app, simulation.Recipe{Seed: seed}, simulation.Options{})
		if first.Hash != again.Hash {
			t.Errorf("seed %d: %016x, then %016x", seed, first.Hash, again.Hash)
		}
	}
}
