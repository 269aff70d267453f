package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
)

// label is what a table calls a peer.
func label(peer string) string {
	switch peer {
	case Daybook:
		return "Daybook"
	case Bare:
		return "bare SDK for Go"
	case DynamoES:
		return "dynamo-es"
	case DynamoSnapshots:
		return "dynamo-es with snapshots"
	}
	return peer
}

// told is what a table calls a scenario.
func told(scenario string) string {
	switch scenario {
	case Create:
		return "create"
	case AppendCold:
		return "append 1, cold, to 20 events"
	case AppendWarm:
		return "append 1, warm"
	case Append10:
		return "append 10"
	case Contended:
		return "append 1, eight writers on one stream"
	case Repeat:
		return "repeat of a command"
	}
	if n, ok := strings.CutPrefix(scenario, "load-"); ok {
		return "load " + thousands(n)
	}
	if n, ok := strings.CutPrefix(scenario, "append-1-at-"); ok {
		return "append 1, cold, to " + thousands(n) + " events"
	}
	return scenario
}

func thousands(digits string) string {
	if len(digits) > 3 {
		return digits[:len(digits)-3] + "," + digits[len(digits)-3:]
	}
	return digits
}

// amount writes a measured value with three digits, and no more decimals than it needs.
func amount(x float64) string {
	switch {
	case x >= 1000:
		return thousands(strconv.Itoa(int(math.Round(x))))
	case x >= 100 || x == math.Trunc(x):
		return strconv.FormatFloat(x, 'f', 0, 64)
	case x >= 10:
		return strconv.FormatFloat(x, 'f', 1, 64)
	}
	return strconv.FormatFloat(x, 'f', 2, 64)
}

// table writes a Markdown table; columns of text are set to the left, by its first row.
func table(head []string, rows [][]string) string {
	var b strings.Builder
	line := func(cells []string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	line(head)
	rule := []string{"---"}
	for _, cell := range rows[0][1:] {
		if cell != "" && unicode.IsLetter(rune(cell[0])) {
			rule = append(rule, "---")
		} else {
			rule = append(rule, "--:")
		}
	}
	line(rule)
	for _, row := range rows {
		line(row)
	}
	return strings.TrimSuffix(b.String(), "\n")
}
