package simulationtest

import (
	"strings"
	"testing"

	"daybook"
	"daybook/simulation"
	"daybook/simulation/settings"
)

// A failure says what to type in the project that it is of: no program there need be
// called daybook.
func TestAFailureNamesItsProgram(t *testing.T) {
	t.Parallel()
	recipe := simulation.Recipe{Seed: 3, Steps: []string{"a1"}}
	for want, s := range map[string]settings.Settings{
		"again: bank simulate -replay \"seed=3 steps=a1\"\n(or: DAYBOOK_SIMULATE=\"replay seed=3 steps=a1\" go test -run '^TestAFailureNamesItsProgram$'; ": {},
		"again: till simulate -replay \"seed=3 steps=a1\" example.com/bank/domain\n":                                                                        {Program: "till", Package: "example.com/bank/domain"},
	} {
		r := &runner{app: daybook.App{Name: "bank"}, settings: s}
		if got := r.again(t, recipe); !strings.HasPrefix(got, want) {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
}
