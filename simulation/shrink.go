package simulation

import (
	"slices"
	"testing"
	"time"

	"daybook"
)

// maxShrink bounds the runs that shrinking takes, and longestShrink their time. Runs that
// do not come to rest have busyShrink to show it: which they are is known already.
const (
	maxShrink     = 400
	longestShrink = time.Minute
	busyShrink    = 2000
)

// Shrink looks for a smaller run that fails as res does: with fewer steps, fewer
// faults, a stream in order. What is left of its recipe replays it.
func Shrink(t *testing.T, app daybook.App, res *Result, o Options) *Result {
	t.Helper()
	if len(res.Violations) == 0 {
		return res
	}
	o.Trace, o.busy = true, busyShrink
	s := &shrinker{check: res.Violations[0].Check, best: res, began: time.Now(), run: func(r Recipe) *Result { return Run(t, app, r, o) }}
	full := res.Recipe
	full.Steps, full.Faults = []string{}, []uint32{}
	for _, step := range res.plan.all() {
		full.Steps = append(full.Steps, step.name)
	}
	for _, step := range res.Steps {
		if step.Fault != "" {
			full.Faults = append(full.Faults, step.fault)
		}
	}
	if !s.try(full) {
		return res // what failed can't be told by steps and faults
	}
	for before := -1; before != s.size(); {
		before = s.size()
		r := s.best.Recipe
		r.Orderly = true
		s.try(r)
		r = s.best.Recipe
		r.Faults = []uint32{}
		s.try(r)
		s.smaller(len(s.best.Recipe.Steps), func(r *Recipe, from, to int) { r.Steps = slices.Delete(slices.Clone(r.Steps), from, to) })
		s.smaller(len(s.best.Recipe.Faults), func(r *Recipe, from, to int) { r.Faults = slices.Delete(slices.Clone(r.Faults), from, to) })
	}
	return s.best
}

type shrinker struct {
	check string
	best  *Result
	run   func(Recipe) *Result
	runs  int
	began time.Time
}

func (s *shrinker) size() int { return len(s.best.Recipe.Steps) + len(s.best.Recipe.Faults) }

// try runs a recipe, and keeps it if it fails as the first did.
func (s *shrinker) try(r Recipe) bool {
	if s.runs++; s.runs > maxShrink || time.Since(s.began) > longestShrink {
		return false
	}
	res := s.run(r)
	if !slices.ContainsFunc(res.Violations, func(v Violation) bool { return v.Check == s.check }) {
		return false
	}
	s.best = res
	return true
}

// smaller leaves out a half of n things, then quarters, and so on down to each alone.
func (s *shrinker) smaller(n int, without func(r *Recipe, from, to int)) {
	for size := max(n/2, 1); n > 0; size /= 2 {
		for from := 0; from < n; {
			to := min(from+size, n)
			r := s.best.Recipe
			without(&r, from, to)
			if s.try(r) {
				n -= to - from
				continue
			}
			from = to
		}
		if size == 1 {
			return
		}
	}
}
