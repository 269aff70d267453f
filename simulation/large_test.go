package simulation

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"daybook/internal/testdomain"
)

// TestLargeCommits: commits that are compressed, and streams with snapshots, run after
// run: what the product keeps for the whole process belongs to no run.
func TestLargeCommits(t *testing.T) {
	o := Options{
		Weights: map[string]int{"place-booking": 20},
		Payloads: map[string]func(*rand.Rand) any{"place-booking": func(r *rand.Rand) any {
			p := testdomain.PlaceBooking{Member: "1", Currency: "EUR"}
			for i := range 50 {
				p.Lines = append(p.Lines, testdomain.Line{Course: fmt.Sprintf("%d-%x", i, r.Uint64()), Quantity: 1, Area: "games"})
			}
			return p
		}},
	}
	for seed := range uint64(2) {
		res := Run(t, testdomain.App(), Recipe{Seed: seed}, o)
		for _, v := range res.Violations {
			t.Errorf("seed %d: %s", seed, v)
		}
	}
}
