package settings_test

import (
	"testing"
	"time"

	"daybook/simulation/settings"
)

func TestSettingsAreReadAsWritten(t *testing.T) {
	t.Parallel()
	for _, s := range []settings.Settings{
		{Seed: 7, Runs: 3}, {Seed: 1, For: time.Minute, Trace: true}, {Replay: "seed=3 steps=a1 faults=", Trace: true},
		{Seed: 2, Runs: 1, Program: "bank", Package: "example.com/bank/domain"},
	} {
		got, err := settings.Parse(s.String())
		if err != nil || got != s {
			t.Errorf("%q is read as %+v, %v", s, got, err)
		}
	}
	for _, text := range []string{"seed=-1", "runs=many", "for=ever", "sed=1"} {
		if got, err := settings.Parse(text); err == nil {
			t.Errorf("%q is read as %+v", text, got)
		}
	}
}
