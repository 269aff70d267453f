package explain

import (
	"context"
	"fmt"
	"time"

	"daybook/aggregate/async"
	"daybook/events"
	"daybook/process"
)

// timerGrace is how long after it is due a timer's command may take, besides
// Options.Grace: schedulers fire within a minute.
const timerGrace = time.Minute

// timerNode makes the node of a timer that is set or cancelled.
func (r *reaction) timerNode(ctx context.Context, effect process.Effect) (*Node, error) {
	if effect.Set == nil {
		return &Node{Kind: KindTimer, Name: effect.Timer + ": cancelled", By: r.d.Name, Time: r.c.Time, State: r.pending()}, nil
	}
	t := *effect.Set
	stream, declared := r.e.streamOf(t.Command, r.c.Stream.Tenant())
	n := &Node{Kind: KindTimer, Name: effect.Timer + ": " + t.Command.Command + " to " + string(stream), ID: t.Name, By: r.d.Name, Time: t.At}
	if !declared {
		n.State, n.Code, n.Text = StateRejected, string(events.CodeUnknownCommand), "no aggregate declares command "+t.Command.Command
		return n, nil
	}
	c, err := r.find(ctx, t.Command)
	switch {
	case err != nil:
		return nil, err
	case c != nil:
		n.State, n.Text = StateDone, "fired"
		return n, r.e.addCommit(ctx, n, c, r.depth)
	case !r.handled():
		n.State = StateWaiting
		return n, nil
	}
	return n, r.judgeTimer(ctx, n, effect.Timer, t)
}

// judgeTimer tells the state of a timer whose command left no commit. The command
// goes through the queue, so its status is known for a day.
func (r *reaction) judgeTimer(ctx context.Context, n *Node, name string, t process.Timer) error {
	set := r.entry.Timers[name]
	late := r.e.now.Sub(t.At)
	status, err := r.e.i.Status(ctx, t.Command.Tenant, t.Command.CommandID)
	switch {
	case err == nil:
		command := *n
		command.ID = t.Command.CommandID
		if err := r.e.judgeStatus(ctx, &command, status); err != nil {
			return err
		}
		n.State, n.Code, n.Text, n.Next = command.State, command.Code, joined("fired", command.Text), command.Next
		return nil
	case events.CodeOf(err) != events.CodeNotFound:
		return err
	case set != t.Name && set != "":
		n.State, n.Text = StateCancelled, "set anew by a later event"
	case set == "":
		n.State, n.Text = StateCancelled, "cancelled by a later event"
	case late < 0:
		n.State, n.Text = StateWaiting, fmt.Sprintf("due in %s", round(-late))
	case late < r.e.opts.Grace+timerGrace:
		n.State, n.Text = StateWaiting, "due now"
	case late < async.StatusKept:
		n.State = StateLost
		n.Text = fmt.Sprintf("due %s ago, and its command never arrived: the schedule is lost, or the scheduler can't send to the command queue", round(late))
		n.Next = r.e.command("send " + t.Command.Command + " -id " + t.Command.ID + " -command-id " + t.Command.CommandID + ofTenant(r.c.Stream.Tenant()))
	default:
		n.State, n.Text = StateUnknown, fmt.Sprintf("due %s ago; its command changed nothing, was rejected, or never arrived (outcomes are kept for a day)", round(late))
	}
	return nil
}

// ofTenant is the flag of a command line that acts for a tenant, "" for none.
func ofTenant(tenant string) string {
	if tenant == "" {
		return ""
	}
	return " -tenant " + tenant
}
