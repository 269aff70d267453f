package jitter_test

import (
	"testing"
	"testing/cryptotest"
	"time"

	"daybook/internal/jitter"
)

// A seed repeats the pauses: it is what this package is for.
func TestPausesRepeat(t *testing.T) {
	draw := func() (all [64]time.Duration) {
		cryptotest.SetGlobalRandom(t, 7)
		for i := range all {
			all[i] = jitter.Below(time.Second)
		}
		return all
	}
	if first := draw(); first != draw() || first[0] == first[1] {
		t.Errorf("drew %v", first)
	}
}

func TestBelow(t *testing.T) {
	cryptotest.SetGlobalRandom(t, 1)
	for _, bound := range []time.Duration{-1, 0, 1} {
		if d := jitter.Below(bound); d != 0 {
			t.Errorf("below %d: %d", bound, d)
		}
	}
	var sum time.Duration
	seen := map[int]int{}
	for range 3000 {
		d := jitter.Below(time.Second)
		if d < 0 || d >= time.Second {
			t.Fatalf("drew %v", d)
		}
		sum += d / 3000
		seen[jitter.Index(3)]++
	}
	if sum < 470*time.Millisecond || sum > 530*time.Millisecond {
		t.Errorf("the mean is %v, want half of the bound", sum)
	}
	if len(seen) != 3 || seen[0] < 900 || seen[1] < 900 || seen[2] < 900 {
		t.Errorf("of three numbers came %v", seen)
	}
}
