package simulation

import (
	"encoding/json/v2"
	"fmt"
	"iter"
	"maps"
	"slices"

	"daybook"
	"daybook/aggregate"
	"daybook/events"
)

// World is what has happened in a run up to some moment, for invariants to look at:
// all commits, in the order in which they were stored, and the states that they leave.
type World struct {
	aggregates map[string]aggregate.Aggregate
	commits    []events.Commit
	streams    map[events.Stream]*aggregate.Replay
	past       map[events.Stream][]events.Event
	codec      *events.Codec
}

// Invariant is what must hold in every run. Holds returns nil, or an error that says
// what does not hold.
type Invariant struct {
	Name  string
	Holds func(*World) error
}

func newWorld(app daybook.App, codec *events.Codec) *World {
	w := &World{aggregates: map[string]aggregate.Aggregate{}, streams: map[events.Stream]*aggregate.Replay{}, past: map[events.Stream][]events.Event{}, codec: codec}
	for _, a := range app.Aggregates {
		w.aggregates[a.Name()] = a
	}
	return w
}

// add takes the next commit in.
func (w *World) add(c events.Commit) error {
	a := w.aggregates[c.Stream.Aggregate()]
	if a == nil {
		return fmt.Errorf("stream %s is of an aggregate that is not declared", c.Stream)
	}
	r := w.streams[c.Stream]
	if r == nil {
		var err error
		if r, _, err = aggregate.NewReplay(a, nil); err != nil {
			return err
		}
		w.streams[c.Stream] = r
	}
	if err := r.Add(c.Events); err != nil {
		return fmt.Errorf("commit %d of %s: %w", c.Number, c.Stream, err)
	}
	w.commits = append(w.commits, c)
	for _, e := range c.Events {
		e, err := w.codec.Upgrade(e)
		if err != nil {
			return err
		}
		w.past[c.Stream] = append(w.past[c.Stream], e)
	}
	return nil
}

// Commits returns all commits, in the order in which they were stored.
func (w *World) Commits() []events.Commit { return w.commits }

// Streams returns the streams of an aggregate, sorted.
func (w *World) Streams(aggregate string) (all []events.Stream) {
	for _, s := range slices.Sorted(maps.Keys(w.streams)) {
		if s.Aggregate() == aggregate {
			all = append(all, s)
		}
	}
	return all
}

// Events returns the events of a stream, each in its newest schema version.
func (w *World) Events(stream events.Stream) []events.Event { return w.past[stream] }

// State returns the state of one aggregate, the zero value for one that does not
// exist.
func (w *World) State[S any](of *aggregate.Definition[S], id string) (S, error) {
	var state S
	r := w.streams[events.StreamOf(of.Name(), id)]
	if r == nil {
		return state, nil
	}
	kept, err := r.State()
	if err != nil {
		return state, err
	}
	return state, json.Unmarshal(kept, &state)
}

// States returns the states of all aggregates of a kind, by id and in its order. A
// state that can't be read is left out; a run reports it by itself.
func (w *World) States[S any](of *aggregate.Definition[S]) iter.Seq2[string, S] {
	return func(yield func(string, S) bool) {
		for _, stream := range w.Streams(of.Name()) {
			if state, err := w.State(of, stream.ID()); err == nil && !yield(stream.ID(), state) {
				return
			}
		}
	}
}

// EventsOf returns the events of type E of a stream, in order.
func (w *World) EventsOf[E events.Data](stream events.Stream) (all []E) {
	name, err := events.NameOf[E]()
	if err != nil {
		return nil
	}
	for _, e := range w.past[stream] {
		if e.Name != name {
			continue
		}
		if data, err := events.Decode[E](e); err == nil {
			all = append(all, data)
		}
	}
	return all
}
