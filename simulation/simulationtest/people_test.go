package simulationtest_test

import (
	"path/filepath"
	"testing"
	"time"

	"daybook"
	"daybook/internal/peopledomain"
	"daybook/simulation/simulationtest"
)

// TestSimulationOfPeople: of a person who was erased nothing can be read a minute later,
// whatever went wrong meanwhile.
func TestSimulationOfPeople(t *testing.T) {
	simulationtest.Run(t, peopledomain.App(), simulationtest.Budget(500*time.Millisecond), simulationtest.Corpus(filepath.Join("testdata", "people")))
}

// TestSimulationOfTenantsPeople: of two persons with one id, at two tenants, one can be
// erased.
func TestSimulationOfTenantsPeople(t *testing.T) {
	app := peopledomain.App()
	app.Tenancy = daybook.Tenancy{Claim: "org"}
	simulationtest.Run(t, app, simulationtest.Budget(500*time.Millisecond))
}
