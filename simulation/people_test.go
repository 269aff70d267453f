package simulation_test

import (
	"strings"
	"testing"

	"daybook"
	"daybook/internal/peopledomain"
	"daybook/simulation"
)

// TestPersonalValues: an application with personal values runs, and people are erased in
// the middle, before and after which functions answer about them; with tenants too, where
// the person of one tenant has a namesake at the other.
func TestPersonalValues(t *testing.T) {
	shared, tenants := peopledomain.App(), peopledomain.App()
	tenants.Tenancy = daybook.Tenancy{Claim: "org"}
	for _, c := range []struct {
		name  string
		app   daybook.App
		seeds uint64
	}{{"person/", shared, 12}, {"acme:person/", tenants, 12}} {
		erased, asked := 0, 0
		for seed := range c.seeds {
			res := simulation.Run(t, c.app, simulation.Recipe{Seed: seed}, simulation.Options{Trace: true})
			if len(res.Violations) > 0 {
				t.Errorf("%s, seed %d: %v", c.name, seed, res.Violations)
			}
			for _, s := range res.Steps {
				if strings.Contains(s.What, " erases "+c.name) && s.Outcome == "done" {
					erased++
				}
				if strings.Contains(s.What, "/read-") && strings.Contains(s.What, "GET /people/") {
					asked++
				}
			}
		}
		if erased < 6 || asked < erased {
			t.Errorf("%s: in %d runs %d people were erased, and rows asked for %d times afterwards", c.name, c.seeds, erased, asked)
		}
	}
}
