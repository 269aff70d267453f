package explain

import (
	"context"
	"fmt"

	"daybook/events"
	"daybook/inspect"
)

// letters reads the dead letters, none for an installation without a queue. They
// tell more about a chain, and one that can't be read is no reason to tell nothing.
func (e *explainer) letters(ctx context.Context) []inspect.Letter {
	if e.s.DeadLetters == nil {
		return nil
	}
	page, err := e.i.DeadLetters(ctx, 1000)
	if err != nil {
		e.out.Unread = "dead letters: " + err.Error()
	}
	return page.Letters
}

// addLetter tells of the dead letter of a failed command.
func (e *explainer) addLetter(ctx context.Context, n *Node) error {
	for _, l := range e.letters(ctx) {
		if l.ID == n.ID {
			n.Name = l.Command + " to " + l.Group
			n.Text = letterText(l)
			return nil
		}
	}
	n.Text += " (no dead letter of it can be received now)"
	return nil
}

// letterText says since when a message is a dead letter, and why.
func letterText(l inspect.Letter) string {
	return fmt.Sprintf("dead letter since %s, after %d attempts: %s", l.Sent.UTC().Format(timeLayout), l.Receives, l.Text)
}

// letterNodes are the dead letters of a stream.
func (e *explainer) letterNodes(ctx context.Context, stream events.Stream) (all []*Node) {
	for _, l := range e.letters(ctx) {
		if l.Group == string(stream) && e.room() {
			all = append(all, e.letterNode(l))
		}
	}
	return all
}

func (e *explainer) letterNode(l inspect.Letter) *Node {
	n := &Node{Kind: KindLetter, Name: "a message to " + l.Group, ID: l.ID, Time: l.Sent, State: StateFailed, Code: string(l.Code), Text: letterText(l), Next: e.command("dead redrive " + l.ID + ofTenant(events.Stream(l.Group).Tenant()))}
	if l.Command != "" {
		n.Name = l.Command + " to " + l.Group
	}
	return n
}

// byLetter answers for a dead letter, by its id.
func (e *explainer) byLetter(ctx context.Context, tenant, id string) (bool, error) {
	for _, l := range e.letters(ctx) {
		if l.ID == id && events.Stream(l.Group).Tenant() == tenant {
			n := e.letterNode(l)
			n.Asked = true
			e.out.Roots = append(e.out.Roots, n)
			return true, nil
		}
	}
	return false, nil
}
