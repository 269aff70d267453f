package simulation

import (
	"fmt"
	"hash"
	"hash/fnv"
	"sync"
	"time"
)

// trace records what happened, in order.
type trace struct {
	mu    sync.Mutex
	began time.Time
	sum   hash.Hash64
	steps []Step
	keep  bool
}

// Step is one thing that happened in a run.
type Step struct {
	At      time.Duration // since the run began
	What    string        // who asked for what
	Outcome string
	Fault   string // "" for none
	fault   uint32 // its id in a recipe
}

// String returns a line for a person.
func (s Step) String() string {
	return fmt.Sprintf("%12.6fs  %s → %s", s.At.Seconds(), s.What, s.Outcome)
}

func (t *trace) add(what, outcome string, f fault, id uint32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := time.Since(t.began)
	fmt.Fprintf(t.sum, "%d %s %s\n", at, what, outcome)
	if t.keep || f != noFault {
		t.steps = append(t.steps, Step{At: at, What: what, Outcome: outcome, Fault: f.String(), fault: id})
	}
}

func newTrace(keep bool) *trace {
	return &trace{began: time.Now(), sum: fnv.New64a(), keep: keep}
}
