package process

import (
	"context"
	"errors"
	"slices"

	"daybook/events"
	"daybook/parallel"
)

// perform does what a plan says, one action after another. An error that
// events.Transient reports leaves the rest to another attempt; any other is for
// good.
func (r *run) perform(ctx context.Context, p plan) error {
	for _, a := range p {
		if err := r.act(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) act(ctx context.Context, a action) error {
	switch {
	case a.send != nil:
		rejection, err := r.send(ctx, a.send)
		if rejection != nil {
			return r.unexpected(*rejection)
		}
		return err
	case a.group != nil:
		return r.group(ctx, a.group)
	case a.timer != "":
		return r.time(ctx, a)
	}
	return r.effect(ctx, r.effects.Publisher != nil, func() error { return r.effects.Publisher.Publish(ctx, a.publish) }, func(p *Report) { p.Published += len(a.publish) })
}

// time sets or cancels a timer. One that is set in place of another is set before
// that is cancelled.
func (r *run) time(ctx context.Context, a action) error {
	old := r.timers[a.timer]
	if a.set != nil {
		if _, open := r.timers[a.timer]; !open && len(r.timers) >= MaxTimers {
			return events.Errorf(events.CodeTooLarge, "a stream has at most %d timers: cancel those that are not needed any more", MaxTimers)
		}
		set := func() error { return r.effects.Timers.Set(ctx, *a.set) }
		if err := r.effect(ctx, r.effects.Timers != nil, set, func(p *Report) { p.Timers++ }); err != nil {
			return err
		}
		r.timers[a.timer] = a.set.Name
		if old == a.set.Name {
			return nil
		}
	} else {
		delete(r.timers, a.timer)
	}
	if old == "" {
		return nil
	}
	return r.effect(ctx, r.effects.Timers != nil, func() error { return r.effects.Timers.Cancel(ctx, old) }, nil)
}

// effect does one thing to the outside.
func (r *run) effect(ctx context.Context, wired bool, do func() error, count func(*Report)) error {
	if !wired {
		return events.Errorf(events.CodeUnavailable, "this program can't do what the reaction asks for")
	}
	err := do()
	if err == nil && count != nil {
		r.report(count)
	}
	return err
}

// send sends one command. A rejection that is not fine is returned as one.
func (r *run) send(ctx context.Context, s *groupRequest) (*Rejection, error) {
	err := r.effect(ctx, r.effects.Commands != nil, func() error { return r.effects.Commands.Handle(ctx, s.Request) }, nil)
	code := events.CodeOf(err)
	e, ok := errors.AsType[*events.Error](err)
	switch {
	case err == nil:
	case code == events.CodeKeyReused:
		// The same command was accepted with the payload that the code of an
		// earlier attempt made. Its effect was had once; it stands.
		r.report(func(p *Report) { p.Superseded++ })
	case ok && e.Rejected, code == events.CodeAlreadyTaken:
		rejection := &Rejection{CommandID: s.CommandID, Command: s.Command, ID: s.ID, Code: code, Message: events.Beginning(messageOf(err), MaxMessage)}
		if !slices.Contains(s.unless, code) {
			return rejection, nil
		}
		r.report(func(p *Report) { p.Declined++ })
		r.note(*rejection)
		return nil, nil
	case events.Transient(err):
		return nil, err
	default:
		return nil, events.Wrap(code, err, "command "+s.Command+" to "+s.ID+" can't be handled: "+messageOf(err))
	}
	r.report(func(p *Report) { p.Commands++ })
	return nil, nil
}

// messageOf is the message of an error without its causes.
func messageOf(err error) string {
	if e, ok := errors.AsType[*events.Error](err); ok {
		return e.Message
	}
	return "it failed"
}

// unexpected returns the fault of a rejection that the reaction does not name. The
// fault has no message of the domain in it; the ledger does.
func (r *run) unexpected(x Rejection) error {
	r.note(x)
	return events.Errorf(x.Code, "command %s to %s was rejected, which the reaction does not expect", x.Command, x.ID)
}

// group sends the commands of a group and goes on by their answers. An answer
// that was acted on before is not asked for again.
func (r *run) group(ctx context.Context, g *groupPlan) error {
	if before := r.before(g); before != nil && g.otherwise != nil {
		return r.otherwise(ctx, g, *before)
	}
	rejections := make([]*Rejection, len(g.sendings))
	errs := make([]error, len(g.sendings))
	parallel.New(r.opts.Parallel).Each(len(g.sendings), func(i int) { rejections[i], errs[i] = r.send(ctx, g.sendings[i]) })
	if err := worst(errs); err != nil {
		return err
	}
	first := slices.IndexFunc(rejections, func(x *Rejection) bool { return x != nil })
	switch {
	case first < 0:
		return r.perform(ctx, g.then)
	case g.otherwise == nil:
		return r.unexpected(*rejections[first])
	}
	rejection := *rejections[first]
	if err := r.saveRejection(ctx, rejection); err != nil {
		return err
	}
	return r.otherwise(ctx, g, rejection)
}

// before is the answer to a command of the group that was acted on already.
func (r *run) before(g *groupPlan) *Rejection {
	for _, x := range r.entry.Rejections {
		if slices.ContainsFunc(g.sendings, func(s *groupRequest) bool { return s.CommandID == x.CommandID }) {
			return &x
		}
	}
	return nil
}

func (r *run) otherwise(ctx context.Context, g *groupPlan, x Rejection) error {
	p, err := g.otherwise(x)
	if err != nil {
		return err
	}
	return r.perform(ctx, p)
}

// worst is the error to act on: the first permanent one, else the first.
func worst(errs []error) error {
	i := slices.IndexFunc(errs, func(err error) bool { return err != nil && !events.Transient(err) })
	if i < 0 {
		i = slices.IndexFunc(errs, func(err error) bool { return err != nil })
	}
	if i < 0 {
		return nil
	}
	return errs[i]
}
