package explain

import (
	"context"
	"fmt"
	"slices"

	"daybook/aggregate"
	"daybook/aggregate/async"
	"daybook/events"
	"daybook/inspect"
	"daybook/process"
)

// answerID answers for an id. Where it leads to is tried from cheap to dear: the
// status of a queued command, a once-only command, a stream whose id is derived from
// the command's, the timers of processes, and at last the commits themselves.
func (e *explainer) answerID(ctx context.Context, tenant, id string) error {
	if events.ValidateID("id", id) != nil {
		return events.Errorf(events.CodeMalformed, "%q is neither a token, a stream, a row, a claimed value, a timer nor an id", id)
	}
	for _, try := range []func(context.Context, string, string) (bool, error){e.byStatus, e.bySpent, e.byDerivedStream, e.byTimer, e.byScan} {
		if found, err := try(ctx, tenant, id); found || err != nil {
			return err
		}
	}
	found, err := e.byLetter(ctx, tenant, id)
	if err == nil && !found {
		err = events.Errorf(events.CodeNotFound, "nothing is known of %s: a rejected command that was not queued leaves no trace, and one id in the first %d commits was not found; name the stream, as in order/7", id, e.opts.Scan)
	}
	return err
}

// byStatus answers for a command that was queued in the last day.
func (e *explainer) byStatus(ctx context.Context, tenant, id string) (bool, error) {
	status, err := e.i.Status(ctx, tenant, id)
	if events.CodeOf(err) == events.CodeNotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if status.Token != "" {
		if t, err := events.ParseStoredToken(status.Token); err == nil {
			if c, err := e.commitAt(ctx, events.Token{Stream: t.Stream.In(tenant), Version: t.Version}); err != nil {
				return true, err
			} else if c != nil && answers(c, id) {
				return true, e.chainOf(ctx, c, id)
			}
		}
	}
	n := &Node{Kind: KindCommand, Name: "a command to " + string(status.Stream), ID: id, Time: status.Since, Asked: true}
	e.out.Roots = append(e.out.Roots, n)
	return true, e.judgeStatus(ctx, n, status)
}

// judgeStatus tells the state of a queued command that has no commit.
func (e *explainer) judgeStatus(ctx context.Context, n *Node, status inspect.Status) error {
	if p := status.Problem; p != nil {
		n.Code, n.Text = string(p.Code), p.Detail
	}
	switch async.State(status.Status) {
	case async.StateAccepted:
		n.State, n.Text = StateDone, "accepted; it changed nothing"
	case async.StateRejected:
		n.State = StateRejected
	case async.StateFailed:
		n.State, n.Next = StateFailed, e.command("dead redrive "+n.ID+ofTenant(status.Stream.Tenant()))
		return e.addLetter(ctx, n)
	default:
		age := e.now.Sub(status.Since)
		if n.State = StateWaiting; age > e.opts.Grace {
			n.State = StateLate
			n.Text = fmt.Sprintf("in the command queue for %s: the command function does not run, or another command of the stream is retried before it", round(age))
			n.Effects = append(n.Effects, e.letterNodes(ctx, status.Stream)...)
		}
	}
	return nil
}

// bySpent answers for a once-only command.
func (e *explainer) bySpent(ctx context.Context, tenant, id string) (bool, error) {
	spent, err := e.s.Events.Spent(ctx, e.now, tenant, []string{id})
	if err != nil || spent[0] == nil {
		return false, ignoreInternal(err)
	}
	c, err := e.commitAt(ctx, events.Token{Stream: spent[0].Stream, Version: max(1, spent[0].Version)})
	if err != nil || c == nil {
		return false, err
	}
	return true, e.chainOf(ctx, c, id)
}

// byDerivedStream answers for a command that created an aggregate whose id it left
// out.
func (e *explainer) byDerivedStream(ctx context.Context, tenant, id string) (bool, error) {
	for _, d := range e.i.App().Commands() {
		if !d.Creates {
			continue
		}
		page, err := e.s.Events.Read(ctx, aggregate.StreamOf(d, "", id).In(tenant), 1, 1)
		if err != nil {
			return false, err
		}
		if len(page) > 0 && answers(&page[0], id) {
			return true, e.chainOf(ctx, &page[0], id)
		}
	}
	return false, nil
}

// byTimer answers for the id of a timer that is set.
func (e *explainer) byTimer(ctx context.Context, tenant, id string) (bool, error) {
	cursor, read := "", 0
	for read < e.opts.Scan {
		page, next, err := e.s.Ledger.Entries(ctx, cursor, 1000)
		if err != nil {
			return false, ignoreInternal(err)
		}
		for _, entry := range page {
			for name, set := range entry.Timers {
				if set == id && entry.Stream.Tenant() == tenant {
					return true, e.answerTimer(ctx, entry.Reactor, entry.Stream, name)
				}
			}
		}
		read += max(1, len(page))
		if cursor = next; cursor == "" {
			break
		}
	}
	return false, nil
}

// byScan reads commits until one has the id: of itself, of a command, or of an
// integration event that is made of one of its events.
func (e *explainer) byScan(ctx context.Context, tenant, id string) (bool, error) {
	cursor, read := "", 0
	for read < e.opts.Scan {
		page, damaged, next, err := events.ScanTolerant(ctx, e.s.Events, 0, 1, cursor)
		if err != nil {
			return false, err
		}
		for n := range page {
			c := &page[n]
			switch {
			case c.Stream.Tenant() != tenant:
			case answers(c, id):
				return true, e.chainOf(ctx, c, id)
			case c.ID == id:
				return true, e.chain(ctx, c, true)
			case e.publishes(c, id):
				if err := e.chain(ctx, c, false); err != nil {
					return true, err
				}
				each(e.out.Roots, func(n *Node, _ int) { n.Asked = n.Kind == KindMessage && n.ID == id })
				return true, nil
			}
		}
		read += len(page) + len(damaged)
		if cursor = next; cursor == "" {
			break
		}
	}
	return false, nil
}

// publishes reports whether an integration event of the id is made of the commit.
func (e *explainer) publishes(c *events.Commit, id string) bool {
	for _, r := range e.i.App().Processes {
		d := r.Describe()
		if d.Kind != process.KindOutbox || !slices.Contains(d.Aggregates, c.Stream.Aggregate()) {
			continue
		}
		for n, event := range c.Events {
			if slices.Contains(d.Events, event.Name) && process.EventID(d.Name, events.Token{Stream: c.Stream, Version: c.First() + int64(n)}) == id {
				return true
			}
		}
	}
	return false
}

// answers reports whether the commit answers the command of an id.
func answers(c *events.Commit, id string) bool {
	return slices.ContainsFunc(c.Commands, func(command events.Command) bool { return command.ID == id })
}

// chainOf answers for the commit of a command.
func (e *explainer) chainOf(ctx context.Context, c *events.Commit, id string) error {
	if err := e.chain(ctx, c, false); err != nil {
		return err
	}
	each(e.out.Roots, func(n *Node, _ int) { n.Asked = n.Kind == KindCommand && n.ID == id })
	return nil
}

// ignoreInternal drops the error of a store that has no room for what was asked: an
// installation without claims, or without a table of processes.
func ignoreInternal(err error) error {
	if events.Transient(err) {
		return err
	}
	return nil
}
