package simulationtest_test

import (
	"fmt"
	"testing"

	"daybook/internal/testdomain"
	"daybook/simulation/simulationtest"
)

// A test function that calls Run with its own t is all there is to write. Invariants
// say what must never be, and what must be in the end.
func ExampleRun() {
	test := func(t *testing.T) {
		simulationtest.Run(t, testdomain.App(),
			simulationtest.Always("seats are never negative", func(w *simulationtest.World) error {
				for id, course := range w.States(testdomain.Course) {
					if course.Seats < 0 {
						return fmt.Errorf("course %s has %d seats", id, course.Seats)
					}
				}
				return nil
			}),
			simulationtest.Weight(testdomain.PlaceBooking{}, 3),
		)
	}
	_ = test // func TestSimulation(t *testing.T)
}
