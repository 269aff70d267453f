package cli

import (
	"fmt"
	"strings"
	"time"

	"daybook/inspect"
)

// tablesText writes the tables of a view in a few words, the one that answers
// with a star: "v1* v2 filling 12/64", "v1*, v2 from 15:04:05".
func tablesText(all []inspect.Table) string {
	parts := make([]string, len(all))
	for i, l := range all {
		parts[i] = l.Table
		if l.Answers {
			parts[i] += "*"
		} else if !l.From.IsZero() {
			parts[i] += " from " + l.From.UTC().Format(time.TimeOnly)
		}
		switch l.State {
		case inspect.TableFilling:
			parts[i] += fmt.Sprintf(" filling %d/%d", l.Done, l.Segments)
		case inspect.TableLacking:
			parts[i] += " lacks commits"
		case inspect.TableUnfilled:
			parts[i] += " not filled"
		}
		if l.Mismatch != "" {
			parts[i] += " does not fit"
		}
	}
	return strings.Join(parts, ", ")
}
