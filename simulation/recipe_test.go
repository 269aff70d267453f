package simulation

import (
	"reflect"
	"slices"
	"testing"

	"daybook/internal/testdomain"
)

// A recipe is read as it was written: a failure that is copied from a log replays.
func TestRecipesAreReadAsWritten(t *testing.T) {
	t.Parallel()
	for _, r := range []Recipe{
		{Seed: 7},
		{Seed: 1 << 63, Steps: []string{"a1", "c12"}, Faults: []uint32{1, 0xdeadbeef}, Orderly: true},
		{Steps: []string{}, Faults: []uint32{}},
	} {
		got, err := ParseRecipe(r.String())
		if err != nil || !reflect.DeepEqual(got, r) {
			t.Errorf("%q is read as %+v, %v", r, got, err)
		}
	}
	if got, err := ParseRecipe("42"); err != nil || got.Seed != 42 {
		t.Errorf("a seed alone: %+v, %v", got, err)
	}
	for _, text := range []string{"seed=x", "faults=zz", "nonsense", "seed=1 steps=a1 more=2", "", "steps=a1", "faults=1 orderly", "seed=1 orderly=no"} {
		if got, err := ParseRecipe(text); err == nil {
			t.Errorf("%q is read as %+v", text, got)
		}
	}
}

// Leaving out a step or a fault leaves the fate of every request with another name as
// it was: it is drawn from the seed and the name alone.
func TestFatesAreDrawnByName(t *testing.T) {
	t.Parallel()
	p := &faultPlan{scale: 1}
	c := &call{operation: "PutItem", target: "DynamoDB_20120810.PutItem"}
	faults := map[fault]int{}
	for seed := range uint64(4000) {
		f := p.fate(seed, "command-1 a1/1: PutItem events course/1 1", c, true)
		if f != p.fate(seed, "command-1 a1/1: PutItem events course/1 1", c, true) {
			t.Fatalf("seed %d: two fates of one name", seed)
		}
		faults[f.fault]++
	}
	for _, one := range chances {
		if one.kind != transactions && (faults[one.fault] < int(one.perMille*2) || faults[one.fault] > int(one.perMille*8)) {
			t.Errorf("of 4000 requests %d were %q, with a chance of %g in a thousand", faults[one.fault], one.fault, one.perMille)
		}
	}
	for _, scale := range []float64{0, 0.25, 1} {
		lost, p := map[fault]float64{}, &faultPlan{scale: scale}
		for seed := range uint64(60_000) {
			lost[p.clientFate(seed, "a1/1").fault]++
		}
		for _, f := range []fault{requestLost, answerLost} {
			if n := lost[f]; n < 800*scale || n > 1200*scale {
				t.Errorf("of 60000 requests of clients %g were %q, with the chances scaled by %g", n, f, scale)
			}
		}
	}
	if faults[conflicting] > 0 {
		t.Error("a request that is no transaction was in conflict")
	}
}

// A step that the seed does not draw is told: a replay without it would be a run of
// nothing that passes.
func TestStepsThatAreNotDrawn(t *testing.T) {
	res := Run(t, testdomain.App(), Recipe{Seed: 3, Steps: []string{"a1", "z9"}}, Options{})
	if got := res.Missing(); !slices.Equal(got, []string{"z9"}) {
		t.Errorf("got %q", got)
	}
}
