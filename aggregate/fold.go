package aggregate

import (
	"context"
	"encoding/json/jsontext"
	"errors"
	"slices"

	"daybook/events"
	"daybook/personal"
)

// Fold returns the state that events of a, in order from the first, leave, as
// the JSON that a snapshot of it would hold. Errors have code internal.
func Fold(a Aggregate, es []events.Event) (jsontext.Value, error) {
	r, _, err := NewReplay(a, nil)
	if err != nil {
		return nil, err
	}
	if err := r.Add(es); err != nil {
		return nil, err
	}
	return r.State()
}

// Newest returns the newest part of a stream of a, oldest first, as a handler loads
// it: from the newest commit whose snapshot fits the state, or the whole stream.
func Newest(ctx context.Context, store events.Store, a Aggregate, stream events.Stream) ([]events.Commit, error) {
	return store.Load(ctx, stream, a.stateSchema())
}

// Replay folds a stream's commits, one after another, and shows the state between.
type Replay struct {
	of Aggregate
	s  state
}

// NewReplay returns a replay that begins before the first event, or, given a
// snapshot, with its state. A snapshot of another schema version than a's is
// refused: fits is false.
func NewReplay(a Aggregate, snapshot *events.Snapshot) (r *Replay, fits bool, err error) {
	if err := a.Err(); err != nil {
		return nil, false, events.Wrap(events.CodeInternal, err, "the aggregate's declaration is invalid")
	}
	if snapshot == nil {
		return &Replay{a, a.zero()}, true, nil
	}
	if snapshot.Schema != a.stateSchema() {
		return nil, false, nil
	}
	s, err := a.restore(snapshot)
	return &Replay{a, s}, err == nil, err
}

// Add folds events. Its error has code internal, and leaves the state as it was.
func (r *Replay) Add(es []events.Event) error {
	next, err := r.s.evolve(es)
	if err == nil {
		r.s = next
	}
	return err
}

// State returns the state as the JSON that a snapshot of it would hold. Its error
// has code internal.
func (r *Replay) State() (jsontext.Value, error) {
	state, err := r.Carried()
	return personal.Plain(state), err
}

// Carried is State with personal values in the carried form, so that a report can hide
// them.
func (r *Replay) Carried() (jsontext.Value, error) {
	kept, err := r.s.snapshot()
	if err != nil {
		return nil, err
	}
	return kept.State, nil
}

// ErrAcross is the error of a command that is decided over streams besides its own.
var ErrAcross = errors.New("the command is decided over several streams")

// Decide decides a command on the state as a handler does, and changes nothing. The
// result has events, claims and releases only. An error is the rejection, the fault, or
// ErrAcross for a command that names other streams, whose states a Replay does not hold.
func (r *Replay) Decide(c Command, m Meta) (decided Rehearsal, err error) {
	own := events.StreamOf(r.of.Name(), m.ID)
	if personal.Carries(c.Payload) { // what is carried passes the payload's rules unseen
		if _, _, err := r.of.read(c.Name, own, personal.Plain(c.Payload)); err != nil {
			return decided, err
		}
	}
	ready, _, err := r.of.read(c.Name, own, c.Payload)
	if err != nil {
		return decided, err
	}
	if slices.ContainsFunc(ready.others(), func(s events.Stream) bool { return s != own }) {
		return decided, ErrAcross
	}
	others := &Others{meta: m, states: map[events.Stream]heldState{own: {r.s.value(), m.Version}}}
	decision, err := r.s.decide(ready, m, others)
	if err != nil {
		return decided, err
	}
	stage := stage{own: own, of: map[events.Stream]Aggregate{own: r.of}}
	err = stage.play(&decided, decision)
	return decided, err
}
