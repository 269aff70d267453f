package explain

import (
	"fmt"
	"strings"
	"unicode"
)

// Text writes an explanation for people: the tree, a line for each node, and behind
// it the causes of a standstill. What would disturb a terminal is replaced.
func (x Explanation) Text() string {
	var b strings.Builder
	each(x.Roots, func(n *Node, depth int) {
		mark := ' '
		if n.Asked {
			mark = '>'
		}
		at := "-"
		if !n.Time.IsZero() {
			at = n.Time.UTC().Format(timeLayout)
		}
		fmt.Fprintf(&b, "%c %-9s %-24s %s%s\n", mark, n.State, at, strings.Repeat("  ", depth), clean(n.line()))
	})
	for _, c := range x.Causes {
		fmt.Fprintf(&b, "cause: %s %s is %s", c.Kind, clean(c.Name), c.State)
		for _, part := range []string{c.Code, c.Text, c.Next} {
			if part != "" {
				fmt.Fprintf(&b, ": %s", clean(part))
			}
		}
		b.WriteByte('\n')
	}
	switch {
	case len(x.Causes) == 0 && x.Waiting > 0:
		fmt.Fprintf(&b, "nothing is stuck; %d still to come\n", x.Waiting)
	case len(x.Causes) == 0:
		b.WriteString("nothing is stuck\n")
	}
	if x.Partial {
		b.WriteString("not all was read: an answer is bounded\n")
	}
	if x.Unread != "" {
		fmt.Fprintf(&b, "could not be read: %s\n", clean(x.Unread))
	}
	return b.String()
}

// line is a node without state and time.
func (n *Node) line() string {
	text := string(n.Kind) + " " + n.Name
	if len(n.Event) > 0 {
		text += ": " + strings.Join(n.Event, ", ")
	}
	if n.Kind == KindCommand && n.ID != "" {
		text += " (" + n.ID + ")"
	}
	if n.By != "" && n.Kind == KindCommand {
		text += " by " + n.By
	}
	for _, part := range []string{n.Code, n.Text} {
		if part != "" {
			text += " - " + part
		}
	}
	return text
}

func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '\uFFFD'
		}
		return r
	}, s)
}
