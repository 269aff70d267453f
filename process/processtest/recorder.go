package processtest

import (
	"context"
	"maps"
	"slices"
	"sync"

	"daybook/events"
	"daybook/process"
)

// Effect is one thing that was done; one of the fields is set.
type Effect struct {
	Command *process.Request
	Timer   *process.Timer
	Cancel  string // name of a timer
	Event   *process.CloudEvent
}

// Recorder stands for the outside of a Runner: it records effects, and answers
// as a deployment would. A command that was accepted once is accepted again. It
// is safe for concurrent use.
type Recorder struct {
	// Answer decides about a command that was not accepted before; nil accepts.
	Answer func(process.Request) error
	// Before and After run before and after each effect with "Handle", "Set",
	// "Cancel" or "Publish"; an error they return is the call's.
	Before, After func(method string) error

	mu       sync.Mutex
	done     []Effect
	accepted map[string]bool // by command id
	timers   map[string]process.Timer
}

// Effects are the effects to give to a Runner.
func (r *Recorder) Effects() process.Effects {
	return process.Effects{Commands: r, Timers: r, Publisher: r}
}

// Done returns what was done, in order, repeats and rejected commands included.
func (r *Recorder) Done() []Effect {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.done)
}

// Requests returns the commands of Done.
func (r *Recorder) Requests() (all []process.Request) {
	for _, e := range r.Done() {
		if e.Command != nil {
			all = append(all, *e.Command)
		}
	}
	return all
}

// Published returns the integration events of Done.
func (r *Recorder) Published() (all []process.CloudEvent) {
	for _, e := range r.Done() {
		if e.Event != nil {
			all = append(all, *e.Event)
		}
	}
	return all
}

// Timers returns the timers that are set, by name.
func (r *Recorder) Timers() map[string]process.Timer {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.timers)
}

// Handle implements process.Commands.
func (r *Recorder) Handle(ctx context.Context, c process.Request) error {
	return r.act(ctx, "Handle", func() error {
		r.done = append(r.done, Effect{Command: &c})
		if r.accepted[c.CommandID] {
			return nil
		}
		if r.Answer != nil {
			if err := r.Answer(c); err != nil {
				return err
			}
		}
		if r.accepted == nil {
			r.accepted = map[string]bool{}
		}
		r.accepted[c.CommandID] = true
		return nil
	})
}

// Set implements process.Timers.
func (r *Recorder) Set(ctx context.Context, t process.Timer) error {
	return r.act(ctx, "Set", func() error {
		if r.timers == nil {
			r.timers = map[string]process.Timer{}
		}
		r.timers[t.Name] = t
		r.done = append(r.done, Effect{Timer: &t})
		return nil
	})
}

// Cancel implements process.Timers.
func (r *Recorder) Cancel(ctx context.Context, name string) error {
	return r.act(ctx, "Cancel", func() error {
		delete(r.timers, name)
		r.done = append(r.done, Effect{Cancel: name})
		return nil
	})
}

// Publish implements process.Publisher.
func (r *Recorder) Publish(ctx context.Context, es []process.CloudEvent) error {
	return r.act(ctx, "Publish", func() error {
		for _, e := range es {
			r.done = append(r.done, Effect{Event: &e})
		}
		return nil
	})
}

func (r *Recorder) act(ctx context.Context, method string, do func() error) error {
	if err := ctx.Err(); err != nil {
		return events.Wrap(events.CodeCanceled, err, "the request was given up")
	}
	if r.Before != nil {
		if err := r.Before(method); err != nil {
			return err
		}
	}
	r.mu.Lock()
	err := do()
	r.mu.Unlock()
	if err == nil && r.After != nil {
		err = r.After(method)
	}
	return err
}
