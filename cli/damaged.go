package cli

import (
	"fmt"

	"daybook/events"
)

// damagedLines lists damaged streams, and says what to do about them; result is what it
// means for the command's.
func damagedLines(l events.Damages, result string) (lines []string) {
	if l.Count == 0 {
		return nil
	}
	for _, d := range l.Streams {
		lines = append(lines, fmt.Sprintf("damaged\t%s\tversion %d\t%s", cell(d.Stream), d.Version, clean(d.Reason)))
	}
	if more := l.Count - int64(len(l.Streams)); more > 0 {
		lines = append(lines, fmt.Sprintf("damaged\t… and %d more", more))
	}
	return append(lines, fmt.Sprintf("damaged: %d streams can't be read beyond the version told, and %s; docs/operate.md says how to restore them", l.Count, result))
}

// printDamaged writes damaged streams as text.
func (s *session) printDamaged(l events.Damages, result string) {
	for _, line := range damagedLines(l, result) {
		s.out.printf("%s\n", line)
	}
}

// damagedNote is damaged streams beside a list.
type damagedNote struct {
	Damaged events.Damages `json:"damaged"`
}

// noteDamaged tells of damaged streams on standard error; with -json the summary has them.
func (s *session) noteDamaged(l events.Damages, result string) {
	if s.out.json {
		return
	}
	for _, line := range damagedLines(l, result) {
		fmt.Fprintln(s.stderr, line)
	}
}
