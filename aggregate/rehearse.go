package aggregate

import (
	"maps"
	"slices"

	"daybook/events"
	"daybook/personal"
)

// Past is what has happened on another stream of a command over several.
type Past struct {
	Stream events.Stream
	Of     Aggregate
	Events []events.Data // of the aggregate, in order
}

// Rehearsal is what a rehearsed command came to.
type Rehearsal struct {
	Events []events.Event
	Before []byte // the state that was decided on
	After  []byte // the state after Events
	// Claims and Releases are what the commits of all streams would say.
	Claims, Releases []events.Claim
	// Others are the events on the other streams, those with any.
	Others map[events.Stream][]events.Event
}

// Rehearse decides c on the state that past leaves, without a store: past and
// the answer are events of the aggregate, in order. It is what Given, When and
// Then stand on. Payload rules apply. others are what has happened on further
// streams; those that c names besides are empty. Nobody else holds any value. An
// error is the rejection or the fault.
//
// It also returns the state before and after as JSON.
func (d *Definition[S]) Rehearse(past []events.Data, c Command, m Meta, others ...Past) (r Rehearsal, err error) {
	if err := d.Err(); err != nil {
		return r, events.Wrap(events.CodeInternal, err, "the aggregate's declaration is invalid")
	}
	before, err := stateAfter(d, past)
	if err != nil {
		return r, err
	}
	kept, err := before.snapshot()
	if err != nil {
		return r, err
	}
	r.Before = kept.State
	ready, _, err := d.read(c.Name, events.StreamOf(d.name, m.ID), c.Payload)
	if err != nil {
		return r, err
	}
	m.Version = int64(len(past))
	stage := stage{own: events.StreamOf(d.name, m.ID), of: map[events.Stream]Aggregate{}, others: &Others{meta: m, states: map[events.Stream]heldState{}}}
	stage.put(stage.own, d, before, len(past))
	for _, s := range ready.others() {
		if _, given := stage.of[s]; !given && s.Aggregate() == d.name {
			stage.put(s, d, d.zero(), 0)
		}
	}
	for _, o := range others {
		state, err := stateAfter(o.Of, o.Events)
		if err != nil {
			return r, err
		}
		stage.put(o.Stream, o.Of, state, len(o.Events))
	}
	decision, err := before.decide(ready, m, stage.others)
	if err != nil {
		return r, err
	}
	if err := stage.play(&r, decision); err != nil {
		return r, err
	}
	err = d.finish(&r, before)
	r.Before, r.After = personal.Plain(r.Before), personal.Plain(r.After)
	return r, err
}

func stateAfter(of Aggregate, past []events.Data) (state, error) {
	told, err := of.Encode(past...)
	if err != nil {
		return nil, err
	}
	return of.zero().evolve(told)
}

// stage holds the streams of a rehearsed command.
type stage struct {
	own    events.Stream
	of     map[events.Stream]Aggregate
	others *Others
}

func (g *stage) put(stream events.Stream, of Aggregate, s state, version int) {
	g.of[stream] = of
	g.others.states[stream] = heldState{s.value(), int64(version)}
}

// play settles the decision on each stream.
func (g *stage) play(r *Rehearsal, decision Decision) error {
	parts := map[events.Stream]Decision{}
	gather(parts, g.own, decision)
	var steps []claimStep
	for _, stream := range slices.Sorted(maps.Keys(parts)) {
		of, ok := g.of[stream]
		if !ok {
			return events.Errorf(events.CodeInternal, "the decision writes to %q, which the command does not name", stream)
		}
		got, err := encodeDecision(of, parts[stream])
		if err != nil {
			return err
		}
		steps = append(steps, got.steps...)
		if stream == g.own {
			r.Events = got.events
		} else if len(got.events) > 0 {
			if r.Others == nil {
				r.Others = map[events.Stream][]events.Event{}
			}
			r.Others[stream] = got.events
		}
	}
	r.Claims, r.Releases = net(steps)
	return nil
}

func (d *Definition[S]) finish(r *Rehearsal, before state) error {
	after, err := before.evolve(r.Events)
	if err != nil {
		return err
	}
	kept, err := before.snapshot()
	if err != nil {
		return err
	}
	if string(kept.State) != string(r.Before) {
		return events.Errorf(events.CodeInternal, "deciding or evolving changed the old state from %s to %s: copy maps and slices before changing them", r.Before, kept.State)
	}
	now, err := after.snapshot()
	if err != nil {
		return err
	}
	r.After = now.State
	back, err := d.restore(now)
	if err != nil {
		return err
	}
	again, err := back.snapshot()
	if err != nil {
		return err
	}
	if string(again.State) != string(now.State) {
		return events.Errorf(events.CodeInternal, "a snapshot does not keep the state: %s becomes %s", now.State, again.State)
	}
	return nil
}
