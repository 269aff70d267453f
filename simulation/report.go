package simulation

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"daybook/events"
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
		fmt.Fprintf(&b, "  %s%s\n", s, r.stored(s))
	}
	return b.String()
}

// put is what a request calls the commit that it puts: its stream and number.
var put = regexp.MustCompile(`PutItem events (\S+) (\d+) v`)

// stored names the events of the commit that a step has put, for a person to see what
// happened in the business; "" for another step.
func (r *Result) stored(s Step) string {
	at := put.FindStringSubmatch(s.What)
	if at == nil || !strings.HasPrefix(s.Outcome, "200") {
		return ""
	}
	for _, c := range r.commits[events.Stream(at[1])] {
		if strconv.FormatInt(c.Number, 10) == at[2] {
			return fmt.Sprintf(" %v", namesOf(c.Events))
		}
	}
	return ""
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
