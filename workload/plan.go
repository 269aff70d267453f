package workload

import (
	"context"
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"daybook/aggregate"
	"daybook/events"
)

// Plan is how a command comes to be accepted.
type Plan struct {
	Command aggregate.Description
	// Before are the commands that come first on a new stream, in order; none for a
	// command that starts one.
	Before []string
	// Repeats says that the command is accepted again where it was accepted.
	Repeats bool

	exact  bool // the example as it is: a varied one was refused
	unique bool // texts must be the payload's own
}

// Plans are those of an application's commands. They are safe for concurrent use.
type Plans struct {
	plans map[string]*Plan
	order []string
	// Refused are the commands that no example was accepted of, with the last error.
	Refused map[string]error

	mu     sync.Mutex
	number int
	known  map[string][]string // ids of streams by aggregate
}

// Handle handles a command, as aggregate.Handler does.
type Handle func(ctx context.Context, c aggregate.Command) (aggregate.Result, error)

// longest bounds how many commands come before one.
const longest = 3

// Find finds plans for the commands by trying: on new streams, alone and behind
// others of their aggregate. An error is one of handle that is no answer to a command.
func Find(ctx context.Context, commands []aggregate.Description, handle Handle) (*Plans, error) {
	f := &finder{
		Plans:  &Plans{plans: map[string]*Plan{}, Refused: map[string]error{}, known: map[string][]string{}},
		handle: handle, commands: commands, versions: map[events.Stream]int64{},
	}
	for _, of := range aggregates(commands) {
		if err := f.aggregate(ctx, of); err != nil {
			return nil, err
		}
	}
	for _, d := range commands { // in the order of declaration
		if f.plans[d.Name] != nil {
			f.order = append(f.order, d.Name)
		}
	}
	return f.Plans, nil
}

func aggregates(commands []aggregate.Description) (all []string) {
	for _, d := range commands {
		if !slices.Contains(all, d.Aggregate) {
			all = append(all, d.Aggregate)
		}
	}
	return all
}

// All returns the plans in the order of declaration.
func (p *Plans) All() (all []Plan) {
	for _, name := range p.order {
		all = append(all, *p.plans[name])
	}
	return all
}

// Of returns the plan of a command.
func (p *Plans) Of(command string) (Plan, bool) {
	plan, ok := p.plans[command]
	if !ok {
		return Plan{}, false
	}
	return *plan, true
}

// Payload returns the next payload of a command that has a plan.
func (p *Plans) Payload(command string) (jsontext.Value, error) {
	return p.payload(p.plans[command])
}

func (p *Plans) payload(plan *Plan) (jsontext.Value, error) {
	if plan.exact {
		return plan.Command.Example(), nil
	}
	p.mu.Lock()
	p.number++
	v := variation{number: p.number, unique: plan.unique, known: p.stream}
	defer p.mu.Unlock()
	out, err := v.payload(plan.Command.Schema(), plan.Command.Example())
	if err != nil {
		return nil, fmt.Errorf("command %s: %w", plan.Command.Name, err)
	}
	return out, nil
}

// stream is the id of a stream of an aggregate that was remembered, "" for none.
func (p *Plans) stream(aggregate string) string {
	ids := p.known[aggregate]
	if len(ids) == 0 {
		return ""
	}
	return ids[p.number%len(ids)]
}

// mostKnown bounds the streams that are remembered of an aggregate.
const mostKnown = 1000

// Remember lets later payloads refer to a stream that exists.
func (p *Plans) Remember(aggregate, id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if ids := p.known[aggregate]; len(ids) < mostKnown {
		p.known[aggregate] = append(ids, id)
	}
}

// Forget drops the streams that were remembered: those of one installation are not
// those of another.
func (p *Plans) Forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.known)
}

// finder finds plans.
type finder struct {
	*Plans
	handle   Handle
	commands []aggregate.Description
	streams  int                     // tried so far
	versions map[events.Stream]int64 // of those streams
}

// aggregate finds the plans of one aggregate's commands, shortest first.
func (f *finder) aggregate(ctx context.Context, of string) error {
	tried := [][]string{nil}
	for len(tried) > 0 {
		before := tried[0]
		tried = tried[1:]
		for _, d := range f.commands {
			if d.Aggregate != of || f.plans[d.Name] != nil || len(before) > 0 && d.Creates {
				continue
			}
			plan, err := f.plan(ctx, d, before)
			if err != nil {
				return err
			}
			if plan == nil {
				continue
			}
			delete(f.Refused, d.Name)
			f.plans[d.Name] = plan
			if len(before) < longest {
				tried = append(tried, append(slices.Clone(before), d.Name))
			}
		}
	}
	return nil
}

// plan is the plan of a command behind others, nil when it is refused there.
func (f *finder) plan(ctx context.Context, d aggregate.Description, before []string) (*Plan, error) {
	for _, way := range []Plan{{}, {unique: true}, {exact: true}} {
		plan := &Plan{Command: d, Before: before, exact: way.exact, unique: way.unique}
		accepted, err := f.accepted(ctx, plan)
		if err != nil {
			return nil, err
		}
		if accepted {
			return plan, nil
		}
	}
	return nil, nil
}

// accepted reports whether a plan works, more often than its values vary. It notes
// whether the command repeats.
func (f *finder) accepted(ctx context.Context, plan *Plan) (bool, error) {
	for range variety + 1 {
		f.streams++
		id := fmt.Sprintf("try-%d", f.streams)
		for _, name := range plan.Before {
			if changed, err := f.send(ctx, f.plans[name], id); err != nil || !changed {
				return false, err
			}
		}
		changed, err := f.send(ctx, plan, id)
		if err != nil || !changed {
			return false, err
		}
		if !plan.Command.Creates {
			if plan.Repeats, err = f.send(ctx, plan, id); err != nil {
				return false, err
			}
		} else if len(plan.Before) == 0 {
			f.Remember(plan.Command.Aggregate, id)
		}
	}
	return true, nil
}

// errUnchanged is the answer to a command that found nothing to do.
var errUnchanged = errors.New("the example changes nothing")

// send sends a command to a stream and reports whether it was accepted and changed
// something.
func (f *finder) send(ctx context.Context, plan *Plan, id string) (bool, error) {
	payload, err := f.payload(plan)
	if err != nil {
		return false, err
	}
	at := events.StreamOf(plan.Command.Aggregate, id)
	before := f.versions[at]
	r, err := f.handle(ctx, aggregate.Command{Name: plan.Command.Name, ID: id, Payload: payload})
	name := plan.Command.Name
	switch e, ok := errors.AsType[*events.Error](err); {
	case err != nil && (!ok || events.Transient(err) || e.Code == events.CodeInternal):
		return false, fmt.Errorf("try command %s: %w", name, err)
	case err != nil:
		f.Refused[name] = err
		return false, nil
	case r.Version == before:
		f.Refused[name] = errUnchanged
		return false, nil
	}
	f.versions[at] = r.Version
	return true, nil
}

// Key names what a stream has behind it: commands, in order.
func Key(before []string) string { return strings.Join(before, " ") }
