package explain

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"daybook/events"
	"daybook/follow"
	"daybook/inspect"
	"daybook/process"
)

// reaction is what one reactor does because of a commit.
type reaction struct {
	e     *explainer
	r     process.Reactor
	d     process.Description
	c     *events.Commit
	entry process.Entry // the zero Entry for none
	depth int

	found   map[string]*events.Commit // by command id: those that were accepted
	effects []process.Effect
}

// handled reports whether the reactor is done with the commit.
func (r *reaction) handled() bool { return r.entry.Commit >= r.c.Number }

// addReactions adds what process managers and outboxes do because of a commit.
func (e *explainer) addReactions(ctx context.Context, c *events.Commit, into *Node, depth int) error {
	for _, of := range e.i.App().Processes {
		d := of.Describe()
		handled := func(event events.Event) bool { return slices.Contains(d.Events, event.Name) }
		if !slices.Contains(d.Aggregates, c.Stream.Aggregate()) || !slices.ContainsFunc(c.Events, handled) || !e.room() {
			continue
		}
		entries, err := e.s.Ledger.Load(ctx, []process.Key{{Reactor: d.Name, Stream: c.Stream}})
		if err != nil {
			return err
		}
		r := &reaction{e: e, r: of, d: d, c: c, depth: depth, found: map[string]*events.Commit{}}
		if entries[0] != nil {
			r.entry = *entries[0]
		}
		n := &Node{Kind: KindProcess, Name: d.Name, By: d.Kind.String()}
		if err := r.fill(ctx, n); err != nil {
			return err
		}
		if n.State != StateDone || len(n.Effects) > 0 { // else it only remembers
			into.Effects = append(into.Effects, n)
		}
	}
	return nil
}

// fill tells how far the reactor is with the commit, and adds the effects.
func (r *reaction) fill(ctx context.Context, n *Node) error {
	if r.c.Time.Before(r.d.Since) {
		n.State, n.Text = StateHistory, fmt.Sprintf("it reacts to commits since %s only", r.d.Since.UTC().Format(timeLayout))
		return nil
	}
	r.judge(n)
	if err := r.derive(ctx); err != nil {
		if events.Transient(err) {
			return err
		}
		if code, text := faultOf(err); n.State != StateParked { // the runner will meet it, or runs other code
			n.Text = joined(n.Text, "what it asks for can't be derived: "+code+": "+text)
		}
		return nil
	}
	for _, effect := range r.effects {
		if !r.e.room() {
			return nil
		}
		one, err := r.node(ctx, effect)
		if err != nil {
			return err
		}
		n.Effects = append(n.Effects, one)
	}
	return nil
}

// judge tells how far the reactor is.
func (r *reaction) judge(n *Node) {
	p := inspect.ParkedProcess(&r.entry)
	switch {
	case r.handled():
		n.State = StateDone
	case p != nil && p.Commit <= r.c.Number:
		*n = *parkedNode(KindProcess, r.d.Name, n.By, *p, r.e.redrive(r.d.Name, r.c.Stream))
		n.Text = behind(r.c.Number, *p) + n.Text
	default:
		var age time.Duration
		if n.State, age = r.e.late(r.c); n.State == StateLate {
			n.Text = fmt.Sprintf("at commit %d of %d for %v: the process function does not run, or is behind", r.entry.Commit, r.c.Number, age)
			n.Next = r.e.command("lag " + r.d.Name)
		}
		if a := r.entry.Attempts; a > 0 && r.entry.Commit == r.c.Number-1 {
			n.Text = fmt.Sprintf("%d deliveries failed with transient errors; it is retried, and parked in the end", a)
		}
	}
}

// derive finds out what the reactor asks for.
func (r *reaction) derive(ctx context.Context) error {
	commits, err := []events.Commit{*r.c}, error(nil)
	if r.d.Remembers {
		commits, err = r.e.history(ctx, r.c.Stream, r.c.Number)
	}
	if err != nil {
		return err
	}
	if n := len(commits); n == 0 || commits[n-1].Number != r.c.Number {
		return events.Errorf(events.CodeTooLarge, "the stream is too long to fold")
	}
	var failed error
	r.effects, err = process.Derive(r.e.codec, r.r, r.e.s.Source, commits, func(q process.Request) *process.Rejection {
		c, err := r.find(ctx, q)
		failed = errors.Join(failed, err)
		if c != nil {
			return nil
		}
		return r.entry.Rejected(q.CommandID)
	})
	if err == nil {
		err = failed
	}
	if c, ok := errors.AsType[*follow.CommitError](err); ok {
		err = c.Err
	}
	return err
}

// find returns the commit that answers a command, nil for none.
func (r *reaction) find(ctx context.Context, q process.Request) (*events.Commit, error) {
	if c, searched := r.found[q.CommandID]; searched {
		return c, nil
	}
	stream, known := r.e.streamOf(q, r.c.Stream.Tenant())
	if !known {
		return nil, nil
	}
	c, err := r.e.find(ctx, stream, q.CommandID, r.c.Time)
	if err == nil {
		r.found[q.CommandID] = c
	}
	return c, err
}

// node makes the node of an effect.
func (r *reaction) node(ctx context.Context, effect process.Effect) (*Node, error) {
	switch {
	case effect.Command != nil:
		return r.commandNode(ctx, effect)
	case effect.Published != nil:
		p := effect.Published
		n := &Node{Kind: KindMessage, Name: p.Type, ID: p.ID, By: r.d.Name, State: r.pending()}
		if r.handled() {
			n.Text = "published at least once"
		}
		return n, nil
	}
	return r.timerNode(ctx, effect)
}

// pending is the state of an effect of which nothing more is known.
func (r *reaction) pending() State {
	if r.handled() {
		return StateDone
	}
	return StateWaiting // what holds it up is said of the reactor
}

// commandNode makes the node of a command, with its commit.
func (r *reaction) commandNode(ctx context.Context, effect process.Effect) (*Node, error) {
	q := *effect.Command
	stream, declared := r.e.streamOf(q, r.c.Stream.Tenant())
	n := &Node{Kind: KindCommand, Name: q.Command + " to " + string(stream), ID: q.CommandID, By: q.Actor}
	c, err := r.find(ctx, q)
	if err != nil {
		return nil, err
	}
	switch x := r.entry.Rejected(q.CommandID); {
	case !declared:
		n.Name, n.State, n.Text = q.Command+" to "+q.ID, StateRejected, "no aggregate declares the command"
		n.Code = string(events.CodeUnknownCommand)
	case c != nil:
		n.State, n.Time = StateDone, c.Time
		return n, r.e.addCommit(ctx, n, c, r.depth)
	case x != nil:
		n.State, n.Code, n.Text = StateRejected, string(x.Code), x.Message
		if slices.Contains(effect.Unless, x.Code) {
			n.State, n.Text = StateDone, joined("rejected with "+string(x.Code)+", which the reaction allows", x.Message)
		}
	case r.handled():
		n.State, n.Text = StateUnknown, "it left no commit: it changed nothing, or was rejected longer ago than the ledger keeps"
	default:
		n.State = StateWaiting
	}
	return n, nil
}

// addCommit adds the commit of a command, unless the tree has it elsewhere.
func (e *explainer) addCommit(ctx context.Context, into *Node, c *events.Commit, depth int) error {
	if known := e.commits[commitKey{c.Stream, c.Number}]; known != nil {
		into.Text = "in commit " + known.Name
		return nil
	}
	n, err := e.commitNode(ctx, c, depth+1)
	if n != nil {
		into.Effects = append(into.Effects, n)
	}
	return err
}

// streamOf returns the stream that a command of a process manager goes to, which is one
// of the tenant whose event it reacts to.
func (e *explainer) streamOf(q process.Request, tenant string) (events.Stream, bool) {
	for _, d := range e.i.App().Commands() {
		if d.Name == q.Command {
			return streamOf(d, q, tenant), true
		}
	}
	return "", false
}

func joined(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ": ")
}
