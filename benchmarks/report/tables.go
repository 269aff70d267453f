package report

import (
	"fmt"
	"slices"
	"strings"
)

// measure is one number of a result, and how a table calls it.
type measure struct {
	name string
	of   func(*Result) float64
}

func measures() map[string]measure {
	return map[string]measure{
		"requests":  {"requests", func(r *Result) float64 { return r.Requests }},
		"write":     {"write units", func(r *Result) float64 { return r.WriteUnits }},
		"read":      {"read units", func(r *Result) float64 { return r.ReadUnits }},
		"cost":      {"cost", (*Result).Cost},
		"in":        {"bytes sent", func(r *Result) float64 { return r.BytesIn }},
		"out":       {"bytes received", func(r *Result) float64 { return r.BytesOut }},
		"processor": {"processor time", func(r *Result) float64 { return r.Processor }},
		"median":    {"median time", func(r *Result) float64 { return r.Median }},
	}
}

// steps are the scenarios of the main tables.
func steps() []string {
	return []string{Create, AppendWarm, AppendCold, Append10, Load20, Load1000, Contended, Repeat}
}

// grown are the scenarios of the tables of growth, of one kind.
func grown(scenario func(int) string) (out []string) {
	for _, n := range Lengths() {
		out = append(out, scenario(n))
	}
	return out
}

// amounts is the table of a measure as measured, a column for each peer.
func (r *Results) amounts(m measure, scenarios []string) string {
	return r.table(Peers(), scenarios, func(result *Result) string { return amount(m.of(result)) })
}

// relative is the table of a measure as a multiple of Daybook's.
func (r *Results) relative(m measure, scenarios []string) string {
	return r.table(Peers()[1:], scenarios, func(result *Result) string {
		ours := r.Of(Daybook, result.Scenario)
		if ours == nil || m.of(ours) == 0 {
			return "–"
		}
		return amount(m.of(result)/m.of(ours)) + " ×"
	})
}

// table has a row for each scenario and a column for each peer. A peer that lacks the
// scenario, fails in it or brings another state is told so instead of by a number.
func (r *Results) table(peers, scenarios []string, cell func(*Result) string) string {
	head := []string{""}
	for _, p := range peers {
		head = append(head, label(p))
	}
	var rows [][]string
	for _, s := range scenarios {
		row := []string{told(s)}
		for _, p := range peers {
			result := r.Of(p, s)
			switch {
			case result == nil:
				row = append(row, "–")
			case result.Unsupported:
				row = append(row, "has none")
			case result.failed():
				row = append(row, "fails")
			default:
				row = append(row, cell(result)+result.mark())
			}
		}
		rows = append(rows, row)
	}
	return table(head, rows)
}

// failed reports whether the operation ended in an error every time.
func (r *Result) failed() bool { return r.Ops > 0 && r.Refused >= 1 && r.Scenario != Contended }

// mark is what follows the number of a load that did not bring all entries.
func (r *Result) mark() string {
	if r.wrong() {
		return " \\*"
	}
	return ""
}

func (r *Result) wrong() bool { return r.Error == "" && r.Seen > 0 && r.Seen != r.Stored }

// partial reports whether a load did not read all of the stream.
func (r *Result) partial() bool { return r.wrong() && r.Seen < r.Stored }

// states lists the loads whose state does not count the stream's entries, and the
// appends that fail.
func (r *Results) states() string {
	var rows [][]string
	for _, result := range r.All {
		switch {
		case result.wrong():
			rows = append(rows, []string{label(result.Peer), told(result.Scenario), fmt.Sprintf("the state counts %s entries, the stream has %s", whole(result.Seen), whole(result.Stored))})
		case result.failed():
			rows = append(rows, []string{label(result.Peer), told(result.Scenario), "each attempt ends in: " + result.Error})
		}
	}
	slices.SortStableFunc(rows, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
	return table([]string{"", "scenario", "outcome"}, rows)
}

func whole(n int64) string { return thousands(fmt.Sprint(n)) }

// refused is the table of attempts that ended in a conflict at the caller.
func (r *Results) refused() string {
	return r.table(Peers(), []string{Contended}, func(result *Result) string { return amount(result.Refused) })
}

// summary is the README's table: processor time and cost as multiples of Daybook's.
func (r *Results) summary() string {
	scenarios := []string{Create, AppendWarm, AppendCold, Append10, LoadAt(1_000), LoadAt(10_000)}
	return r.table(Peers()[1:], scenarios, func(result *Result) string {
		ours := r.Of(Daybook, result.Scenario)
		return fmt.Sprintf("%s · %s", amount(result.Processor/ours.Processor), amount(result.Cost()/ours.Cost()))
	})
}

// computed is a table of derived amounts.
func computed(ds []Estimate) string {
	var rows [][]string
	for _, d := range ds {
		rows = append(rows, []string{told(d.Scenario), amount(d.Requests), amount(d.WriteUnits), amount(d.ReadUnits)})
	}
	return table([]string{"", "requests", "write units", "read units"}, rows)
}
