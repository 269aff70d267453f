package simulation

import (
	"fmt"
	"strings"
)

// longestReport bounds the lines of a report's trace.
const longestReport = 120

// Report describes a run for a person: what is wrong, what clients did, and what
// happened. Without all, what happened is told by requests of clients, writes and
// faults.
func (r *Result) Report(all bool) string {
	var b strings.Builder
	for i, v := range r.Violations {
		if i == 10 {
			fmt.Fprintf(&b, "… and %d more\n", len(r.Violations)-i)
			break
		}
		fmt.Fprintf(&b, "%s\n", v)
	}
	b.WriteString("steps:\n")
	for _, s := range r.plan.all() {
		fmt.Fprintf(&b, "  %s\n", s)
	}
	b.WriteString("what happened:\n")
	lines := 0
	for _, s := range r.Steps {
		if !all && !s.tells() {
			continue
		}
		if lines++; lines > longestReport && !all {
			b.WriteString("  … (the whole trace with -trace)\n")
			break
		}
		fmt.Fprintf(&b, "  %s\n", s)
	}
	return b.String()
}

// tells reports whether a step says something to who looks for a cause.
func (s Step) tells() bool {
	if s.Fault != "" {
		return true
	}
	for _, part := range []string{": POST /", ": GET /", "PutItem", "TransactWriteItems", "DeleteItem", " rebuilds ", " deploys ", "PutEvents", "SendMessage", "/schedules/"} {
		if strings.Contains(s.What, part) {
			return true
		}
	}
	return false
}
