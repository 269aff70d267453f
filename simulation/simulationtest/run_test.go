package simulationtest_test

import (
	"fmt"
	"testing"
	"time"

	"daybook/internal/testdomain"
	"daybook/simulation/simulationtest"
)

// TestSimulation: a course never has fewer seats than none, whoever books at once.
func TestSimulation(t *testing.T) {
	simulationtest.Run(t, testdomain.App(), simulationtest.Budget(500*time.Millisecond),
		simulationtest.Always("seats are never negative", func(w *simulationtest.World) error {
			for id, course := range w.States(testdomain.Course) {
				if course.Seats < 0 {
					return fmt.Errorf("course %s has %d seats", id, course.Seats)
				}
			}
			return nil
		}),
		simulationtest.Eventually("no booking stays placed", func(w *simulationtest.World) error {
			for id, booking := range w.States(testdomain.Booking) {
				if booking.Status == testdomain.Placed {
					return fmt.Errorf("booking %s is still placed", id)
				}
			}
			return nil
		}),
	)
}
