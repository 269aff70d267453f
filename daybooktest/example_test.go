package daybooktest_test

import (
	"fmt"
	"testing"
	"time"

	"daybook/daybooktest"
)

// A test function has its own t.
func ExampleGiven() {
	t := &testing.T{}
	daybooktest.Given(t, house()).
		Stream("lamp/2", switchedOn{Watt: 40}, switchedOff{}).
		When("lamp/1", switchOn{}).
		Then(switchedOn{Watt: 60}).
		ThenRow("lamps", "1", lampRow{On: true, Watt: 60}).
		ThenPublishes("com.example.glow.v1", glow{Lamp: "1"}).
		After(time.Hour). // the saver's timer fires
		ThenSends("lamp/1", switchOff{}).
		ThenRow("lamps", "1", lampRow{Watt: 60})
	fmt.Println("failed:", t.Failed())
	// Output: failed: false
}
