package scale_test

import (
	"fmt"

	"daybook/scale"
)

// A stream takes a thousand write units in a second, whatever the table can; sixteen
// streams take theirs each.
func ExampleSimulate() {
	for _, streams := range []int{1, 16} {
		o := scale.Simulate(scale.Load{Rate: 3000, Units: 1, Keys: streams, Partitions: 16})
		fmt.Printf("streams %d: %.0f %% of 3,000 commits per second are stored\n", streams, 100*(1-o.Lost))
	}
	// Output:
	// streams 1: 38 % of 3,000 commits per second are stored
	// streams 16: 100 % of 3,000 commits per second are stored
}
