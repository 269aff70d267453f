package explain

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"daybook/events"
	"daybook/follow"
	"daybook/inspect"
)

// maxDepth bounds how far causes are followed, upwards and downwards.
const maxDepth = 50

// chain adds the tree that a commit belongs to: from the command that began it.
func (e *explainer) chain(ctx context.Context, c *events.Commit, asked bool) error {
	key := commitKey{c.Stream, c.Number}
	if e.commits[key] == nil {
		root, err := e.climb(ctx, c)
		if err != nil {
			return err
		}
		if e.commits[commitKey{root.Stream, root.Number}] == nil {
			if err := e.addRoot(ctx, root); err != nil {
				return err
			}
		}
	}
	if e.commits[key] == nil { // its cause does not ask for it any more, or the answer is full
		if err := e.addRoot(ctx, c); err != nil {
			return err
		}
	}
	if n := e.commits[key]; n != nil && asked {
		n.Asked = true
	}
	return nil
}

// climb returns the first commit of the chain that led to c.
func (e *explainer) climb(ctx context.Context, c *events.Commit) (*events.Commit, error) {
	for range maxDepth {
		t, err := events.ParseStoredToken(c.Causation)
		if err != nil || e.i.App().Aggregate(t.Stream.Aggregate()) == nil || answers(c, c.Causation) {
			break
		}
		parent, err := e.commitAt(ctx, t)
		if err != nil {
			return nil, err
		}
		if parent == nil {
			break
		}
		c = parent
	}
	return c, nil
}

// addRoot adds a tree whose root is the command, or the commands, of a commit.
func (e *explainer) addRoot(ctx context.Context, c *events.Commit) error {
	commit, err := e.commitNode(ctx, c, 0)
	if err != nil || commit == nil {
		return err
	}
	for n, command := range c.Commands {
		root := &Node{Kind: KindCommand, Name: commandName(c, command), ID: command.ID, By: c.Actor, Time: c.Time, State: StateDone}
		if e.out.Roots = append(e.out.Roots, root); n == len(c.Commands)-1 {
			root.Effects = []*Node{commit}
		}
	}
	return nil
}

// commandName says which command it was, as far as the commit tells.
func commandName(c *events.Commit, command events.Command) string {
	if command.Kept == nil {
		return "a command to " + string(c.Stream)
	}
	return command.Kept.Name + " to " + string(cmp.Or(command.Kept.Stream, c.Stream))
}

// commitNode makes the node of a commit with its effects; nil when the answer is
// full.
func (e *explainer) commitNode(ctx context.Context, c *events.Commit, depth int) (*Node, error) {
	if depth > maxDepth || !e.room() {
		e.out.Partial = true
		return nil, nil
	}
	n := &Node{Kind: KindCommit, Name: events.Token{Stream: c.Stream, Version: c.Version}.String(), By: c.Actor, Time: c.Time, State: StateDone, Trace: c.Trace}
	for _, event := range c.Events {
		n.Event = append(n.Event, event.Name)
	}
	e.commits[commitKey{c.Stream, c.Number}] = n
	for _, add := range []func(context.Context, *events.Commit, *Node, int) error{e.addClaims, e.addRows, e.addReactions} {
		if err := add(ctx, c, n, depth); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// addClaims adds the values that a commit claimed, and who holds them now.
func (e *explainer) addClaims(ctx context.Context, c *events.Commit, into *Node, _ int) error {
	if len(c.Claims) == 0 {
		return nil
	}
	keys := make([]string, len(c.Claims))
	for n, claim := range c.Claims {
		keys[n] = claim.Key(c.Stream.Tenant())
	}
	held, err := e.s.Events.Holders(ctx, keys)
	if err != nil {
		return err
	}
	for n, key := range keys {
		if !e.room() {
			return nil
		}
		node := &Node{Kind: KindClaim, Name: key, Time: c.Time, State: StateDone}
		switch holder := held[n].Stream; holder {
		case c.Stream:
			node.Text = "held by " + string(holder)
		case "":
			node.Text = "released since"
		default:
			node.Text = "released since; held by " + string(holder)
		}
		into.Effects = append(into.Effects, node)
	}
	return nil
}

// parkedNode is the node of a parked stream.
func parkedNode(kind Kind, name, by string, p inspect.ParkedStream, next string) *Node {
	return &Node{
		Kind: kind, Name: name, By: by, Time: p.Time, State: StateParked, Code: string(p.Code), Next: next,
		Text: fmt.Sprintf("can't take in commit %d of %s, after %d attempts: %s", p.Commit, p.Stream, p.Attempts, p.Text),
	}
}

// behind says that a follower has not come to commit n of a stream because of a
// fault at an earlier one.
func behind(n int64, p inspect.ParkedStream) string {
	if p.Commit == n {
		return ""
	}
	return fmt.Sprintf("waits behind commit %d: ", p.Commit)
}

// redrive is the command line that redrives a parked stream.
func (e *explainer) redrive(follower string, stream events.Stream) string {
	return e.command("redrive "+follower+" "+string(stream)) + ", once its cause is fixed and deployed"
}

// command is a command line of the application's own program.
func (e *explainer) command(args string) string { return "run " + e.i.App().Name + " " + args }

// round is a duration for people.
func round(d time.Duration) time.Duration {
	if d > time.Minute {
		return d.Round(time.Second)
	}
	return d.Round(time.Millisecond)
}

// timeLayout is a time for people.
const timeLayout = "2006-01-02T15:04:05.000Z"

// faultOf is the text of an error that a program of this declaration meets.
func faultOf(err error) (code, text string) {
	if c, ok := errors.AsType[*follow.CommitError](err); ok {
		err = c.Err
	}
	return string(events.CodeOf(err)), events.FaultText(err)
}
