package load

import "fmt"

// Report is what a run measured.
type Report struct {
	Part
	// Phases are before, in and after the surge, if there was one.
	Phases []Part `json:"phases,omitempty"`
	// Recovery is the number of seconds from the end of the surge until the load was served
	// as before it; nil if it never was, or without a surge.
	Recovery  *float64 `json:"recovery,omitempty"`
	Intervals []Part   `json:"intervals"`
	// Unseen are commands whose row did not show within 30 s.
	Unseen int `json:"unseen"`
	// Idle and After are of the watched process, before the load and when all was answered.
	Idle    Resources         `json:"idle,omitzero"`
	After   Resources         `json:"after,omitzero"`
	Sent    map[string]int    `json:"sent"`              // accepted commands and answered queries
	IsQuery map[string]bool   `json:"-"`                 // names of Sent that are queries
	Errors  map[string]int    `json:"errors,omitempty"`  // texts of failures
	Skipped map[string]string `json:"skipped,omitempty"` // what was not sent or measured, and why
}

// Rate is how many requests were answered per second.
func (p Part) Rate() float64 {
	if p.Seconds == 0 {
		return 0
	}
	return float64(p.Answered+p.Rejected) / p.Seconds
}

// Limits are what a run must keep; 0 is no limit, except for Failed.
type Limits struct {
	P99    float64 // milliseconds, of commands and of queries
	P99Lag float64 // milliseconds
	Failed int     // requests; 0 allows none
	// Growth is of goroutines from before the load to after all was answered.
	Growth int
	Bytes  uint64 // of memory at any moment
}

// Broken says which limits a run broke, for people.
func (r Report) Broken(l Limits) (broken []string) {
	over := func(limit, is float64, format string, args ...any) {
		if limit > 0 && is > limit {
			broken = append(broken, fmt.Sprintf(format, args...))
		}
	}
	over(l.P99, r.Commands.P99, "the 99th percentile of commands is %.1f ms, at most %g ms are allowed", r.Commands.P99, l.P99)
	over(l.P99, r.Queries.P99, "the 99th percentile of queries is %.1f ms, at most %g ms are allowed", r.Queries.P99, l.P99)
	over(l.P99Lag, r.Lag.P99, "the 99th percentile of the projection lag is %.1f ms, at most %g ms are allowed", r.Lag.P99, l.P99Lag)
	if l.P99Lag > 0 && r.Unseen > 0 {
		broken = append(broken, fmt.Sprintf("%d rows did not show the version of their command within %v", r.Unseen, patience))
	}
	if r.Failed > l.Failed {
		broken = append(broken, fmt.Sprintf("%d requests failed, at most %d may", r.Failed, l.Failed))
	}
	over(float64(l.Growth), float64(r.After.Goroutines-r.Idle.Goroutines), "%d goroutines are left, %d were there before", r.After.Goroutines, r.Idle.Goroutines)
	most := r.After.Bytes
	for _, p := range r.Intervals {
		most = max(most, p.Process.Bytes)
	}
	over(float64(l.Bytes), float64(most), "the process held %d MB of memory, at most %d MB are allowed", most>>20, l.Bytes>>20)
	return broken
}
