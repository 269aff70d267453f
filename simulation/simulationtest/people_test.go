package simulationtest_test

import (
	"path/filepath"
	"testing"
	"time"

	"daybook/internal/peopledomain"
	"daybook/simulation/simulationtest"
)

// TestSimulationOfPeople: of a person who was erased nothing can be read a minute later,
// whatever went wrong meanwhile.
func TestSimulationOfPeople(t *testing.T) {
	simulationtest.Run(t, peopledomain.App(), simulationtest.Budget(500*time.Millisecond), simulationtest.Corpus(filepath.Join("testdata", "people")))
}
