package aggregate

import (
	"context"
	"fmt"
	"slices"
	"time"

	"daybook/events"
	"daybook/parallel"
)

// streamsOf returns the streams a command over several names, its own included,
// once each in the order of their names.
func (h *Handler) streamsOf(p *Attempt) ([]events.Stream, error) {
	streams := []events.Stream{p.Stream}
	for _, s := range p.ready.others() {
		if _, err := events.ParseStream(string(s)); err != nil {
			return nil, events.Malformed("/payload", "names a stream that can't be: its id is not valid")
		}
		if _, ok := h.aggregates[s.Aggregate()]; !ok {
			return nil, events.Errorf(events.CodeInternal, "command %q names a stream of aggregate %q, which is not declared", p.Command.Name, s.Aggregate())
		}
		streams = append(streams, s.In(p.Command.Tenant))
	}
	slices.Sort(streams)
	if streams = slices.Compact(streams); len(streams) > MaxStreams {
		return nil, events.Errorf(events.CodeTooLarge, "a command is decided over at most %d streams, not %d", MaxStreams, len(streams))
	}
	return streams, nil
}

// handleAcross gives a command over several streams its outcome. unused says
// that its own stream is known not to exist.
func (h *Handler) handleAcross(ctx context.Context, p *Attempt, unused bool) {
	x := &crossing{h: h, p: p, taken: map[events.Claim]bool{}}
	for _, s := range p.streams { // in the one order in which all do, so that none waits for another in a circle
		e, err := h.cache.acquire(ctx, s)
		if err != nil {
			p.Err = err
			return
		}
		defer h.cache.release(s, e)
		e.expire(h.opts.Now())
		if s == p.Stream {
			x.own = len(x.rounds)
		}
		x.rounds = append(x.rounds, &round{h: h, entry: e, of: h.aggregates[s.Aggregate()], ps: []*Attempt{{Command: p.Command}}})
	}
	p.Result, p.Err = x.run(ctx, unused)
	for _, r := range x.rounds {
		p.loads += r.ps[0].loads
		p.conflicts += r.ps[0].conflicts
	}
}

// crossing is one command over several streams. Its rounds serve one stream
// each, whose entry is locked.
type crossing struct {
	h      *Handler
	p      *Attempt
	rounds []*round // in the order of the streams' names
	own    int      // the round of the command's own stream

	// confirmed: all entries' states were their streams' at one and the same
	// moment since the command came.
	confirmed bool
	taken     map[events.Claim]bool // that other streams held since then
}

// run loads, decides and appends until that holds.
func (x *crossing) run(ctx context.Context, unused bool) (Result, error) {
	err := x.each(func(i int, r *round) error {
		if unused && i == x.own {
			return r.prepare(ctx, absent)
		}
		return r.prepare(ctx, unknown)
	})
	if err != nil {
		return Result{}, err
	}
	x.confirmed = len(x.rounds) == 1 && x.rounds[0].confirmed
	for conflicts, looks := 0, 0; ; {
		if replay, found, err := x.replay(ctx); found || err != nil {
			return replay, err
		}
		plans, err := x.decide()
		if x.p.once && !x.p.looked && (err != nil || !writes(plans)) {
			if err := x.h.recall(ctx, []*Attempt{x.p}, x.now()); err != nil {
				return Result{}, err
			}
			continue
		}
		if err != nil || !writes(plans) {
			if x.confirmed {
				return x.result(plans), err
			}
			if looks++; looks > x.h.opts.Attempts {
				return Result{}, tooBusy(x.p.Stream)
			}
			if err := x.refresh(ctx); err != nil {
				return Result{}, err
			}
			continue
		}
		stored, err := x.append(ctx, plans)
		switch code := events.CodeOf(err); {
		case err == nil:
			x.advance(plans, stored)
			return x.result(plans), nil
		case code == events.CodeTooLarge && x.smaller(plans):
		case code == events.CodeAlreadyTaken:
			if looks++; looks > x.h.opts.Attempts {
				return Result{}, tooBusy(x.p.Stream)
			}
			if !addTaken(err, x.taken, []*Attempt{x.p}) {
				return Result{}, events.Wrap(events.CodeInternal, err, "the store refused what it had not been asked for")
			}
			x.confirmed = false
		case code == events.CodeConflict:
			if conflicts++; conflicts >= x.h.opts.Attempts {
				return Result{}, x.busy(err)
			}
			if err := x.catchUp(ctx, err, conflicts); err != nil {
				return Result{}, err
			}
		default:
			for _, r := range x.rounds {
				r.entry.warm = code == events.CodeTooLarge // otherwise, whether it was written is unknown
			}
			return Result{}, err
		}
	}
}

// each runs f for all streams, side by side within the bound for streams.
func (x *crossing) each(f func(i int, r *round) error) error {
	return parallel.New(x.h.opts.Parallel).Try(len(x.rounds), func(i int) error { return f(i, x.rounds[i]) })
}

// replay finds the first answer to a repeat. The command id is in the commits of
// all streams it wrote to; those where it is not known may be behind, and are
// looked at again.
func (x *crossing) replay(ctx context.Context) (Result, bool, error) {
	seen, found, err := x.seen()
	if err == nil && !found && x.p.keyed && !x.p.once {
		if err = x.each(func(_ int, r *round) error { return x.h.reach(ctx, r, x.p.lasts) }); err == nil {
			seen, found, err = x.seen()
		}
	}
	if err != nil || !found {
		return Result{}, found, err
	}
	err = x.each(func(i int, r *round) error {
		if seen[i] != nil {
			return nil
		}
		return r.refresh(ctx)
	})
	if err != nil {
		return Result{}, false, err
	}
	if seen, _, err = x.seen(); err != nil {
		return Result{}, true, err
	}
	result := Result{Stream: x.p.Stream, CommandID: x.p.Command.CommandID, Replayed: true}
	for i, r := range x.rounds {
		stream, version, started := r.entry.position.Stream(), r.entry.position.Version(), false
		if s := seen[i]; s != nil {
			version, started = s.Version, s.Started
		}
		if i == x.own {
			result.Version, result.Started = version, started
		} else if version > 0 {
			result.Others = append(result.Others, events.Token{Stream: stream, Version: version})
		}
	}
	return result, true, nil
}

// seen is what is remembered of the command on each stream, nil where nothing
// is. Its error is that the command id was used for another command.
func (x *crossing) seen() (seen []*events.CommandRecord, found bool, err error) {
	seen = make([]*events.CommandRecord, len(x.rounds))
	hour := oldest(x.now().UnixMilli(), x.p.lasts)
	for i, r := range x.rounds {
		remembered, ok := r.entry.memory.find(x.p.key, hour)
		if s := x.p.spent; !ok && s != nil && (s.Stream == r.entry.position.Stream() || s.Digest != x.p.Digest) {
			remembered, ok = events.CommandRecord{Digest: s.Digest, Version: s.Version, Started: s.Started}, true
		}
		if !ok {
			continue
		}
		if err := x.p.CheckRepeat(remembered.Digest); err != nil {
			return nil, true, err
		}
		seen[i], found = &remembered, true
	}
	return seen, found, nil
}

// now is the time of the commits: that of the clock, but before no commit that
// is there.
func (x *crossing) now() time.Time {
	ms := x.h.opts.Now().UnixMilli()
	for _, r := range x.rounds {
		ms = max(ms, r.entry.clock)
	}
	return time.UnixMilli(ms).UTC()
}

// decide makes a plan for each stream, without events where there is nothing to
// write.
func (x *crossing) decide() ([]*plan, error) {
	own, now := x.rounds[x.own].entry, x.now()
	if err := expect(x.p.Command, own.position.Version()); err != nil {
		return nil, err
	}
	meta := x.p.meta(own.position.Version(), now)
	others := &Others{meta: meta, states: map[events.Stream]heldState{}}
	for _, r := range x.rounds {
		at := r.entry.position
		others.states[at.Stream().In("")] = heldState{r.entry.state.value(), at.Version()}
	}
	d, err := own.state.decide(x.p.ready, meta, others)
	if err != nil {
		return nil, err
	}
	parts := map[events.Stream]Decision{}
	gather(parts, x.p.Stream.In(""), d)
	plans := make([]*plan, len(x.rounds))
	for i, r := range x.rounds {
		stream := r.entry.position.Stream().In("")
		if plans[i], err = x.plan(r, parts[stream], now); err != nil {
			return nil, err
		}
		delete(parts, stream)
	}
	for stream := range parts {
		return nil, events.Errorf(events.CodeInternal, "command %q writes to %q, which it does not name", x.p.Command.Name, stream)
	}
	x.once(plans)
	x.keep(plans)
	return plans, nil
}

// gather adds a decision's effect on each stream.
func gather(parts map[events.Stream]Decision, stream events.Stream, d Decision) {
	sum := parts[stream]
	sum.emitted = append(sum.emitted, d.emitted...)
	sum.steps = append(sum.steps, d.steps...)
	parts[stream] = sum
	for _, p := range d.parts {
		gather(parts, p.stream, p.decision)
	}
}

// plan is the decision's effect on one stream.
func (x *crossing) plan(r *round, d Decision, now time.Time) (*plan, error) {
	got, err := encodeDecision(r.of, d)
	if err != nil {
		return nil, err
	}
	if err := refusal(got.steps, x.taken); err != nil {
		return nil, err
	}
	p := &plan{n: 1, time: now, events: got.events, steps: got.steps, bytes: commitOverhead + got.size()}
	p.version = r.entry.position.Version() + int64(len(got.events))
	if len(got.events) == 0 {
		return p, nil
	}
	p.commands = []events.Command{{ID: x.p.Command.CommandID, Digest: x.p.Digest, Version: p.version}}
	p.state, err = r.entry.state.evolve(got.events)
	return p, err
}

// once marks the command in the one commit that claims its id: that of its own
// stream, or the first there is.
func (x *crossing) once(plans []*plan) {
	if x.p.once && writes(plans) {
		x.main(plans).commands[0].Once = true
	}
}

// main is the plan of the command's own stream, or the first that writes.
func (x *crossing) main(plans []*plan) *plan {
	if own := plans[x.own]; len(own.events) > 0 {
		return own
	}
	return plans[slices.IndexFunc(plans, func(p *plan) bool { return len(p.events) > 0 })]
}

func writes(plans []*plan) bool {
	return slices.ContainsFunc(plans, func(p *plan) bool { return len(p.events) > 0 })
}

// append stores the commits, all or none. Streams without events are guarded.
func (x *crossing) append(ctx context.Context, plans []*plan) ([]events.Commit, error) {
	as := make([]events.Append, len(plans))
	for i, r := range x.rounds {
		as[i].At = r.entry.position
		if len(plans[i].events) == 0 {
			continue
		}
		var err error
		if as[i].Commit, err = r.commit(plans[i]); err != nil {
			return nil, err
		}
	}
	return x.h.store.AppendAll(ctx, as)
}

// smaller makes the next try of commits that were too large smaller: without the kept
// command, then without snapshots. It reports whether that is possible.
func (x *crossing) smaller(plans []*plan) bool {
	first := x.rounds[0]
	if first.bare {
		return false
	}
	unkept := !first.unkept && slices.ContainsFunc(plans, (*plan).keeps)
	for _, r := range x.rounds {
		r.unkept, r.bare = true, !unkept
	}
	return true
}

func (x *crossing) advance(plans []*plan, stored []events.Commit) {
	for i, r := range x.rounds {
		if len(plans[i].events) > 0 {
			r.entry.appended(r.of, &stored[i], plans[i].state)
		}
	}
}

// result is the answer: of the command's own stream, with the others' versions.
func (x *crossing) result(plans []*plan) Result {
	if plans == nil {
		return Result{}
	}
	own := plans[x.own]
	result := Result{
		Stream: x.p.Stream, CommandID: x.p.Command.CommandID, Version: own.version,
		Started: len(own.events) > 0 && own.version == int64(len(own.events)),
	}
	for i, p := range plans {
		if i != x.own && p.version > 0 {
			result.Others = append(result.Others, events.Token{Stream: x.rounds[i].entry.position.Stream(), Version: p.version})
		}
	}
	return result
}

// refresh looks at all streams again. If none has moved since it was read, then
// all were as they are known at one moment: after the last was read, before the
// first was looked at again.
func (x *crossing) refresh(ctx context.Context) error {
	moved := make([]bool, len(x.rounds))
	err := x.each(func(i int, r *round) error {
		before := r.entry.position
		err := r.refresh(ctx)
		moved[i] = r.entry.position != before
		return err
	})
	x.confirmed = !slices.Contains(moved, true)
	if !x.confirmed {
		clear(x.taken)
	}
	return err
}

// catchUp folds the commits that were quicker; see round.catchUp.
func (x *crossing) catchUp(ctx context.Context, conflict error, conflicts int) error {
	x.p.conflicts++
	x.confirmed = false
	clear(x.taken)
	winners := events.WinnersOf(conflict)
	for _, w := range winners {
		i := slices.Index(x.p.streams, w.Stream)
		if i < 0 {
			return events.Wrap(events.CodeInternal, conflict, "a conflict names another stream")
		}
		if err := x.rounds[i].entry.fold(x.rounds[i].of, w); err != nil {
			x.rounds[i].entry.warm = false
			return err
		}
	}
	if len(winners) > 0 && conflicts < 2 {
		return nil
	}
	if err := sleep(ctx, backoff(conflicts)); err != nil {
		return err
	}
	return x.refresh(ctx)
}

// busy says which streams were written to by others each time.
func (x *crossing) busy(conflict error) error {
	stream := x.p.Stream
	if w, ok := events.WinnerOf(conflict); ok {
		stream = w.Stream
	}
	e := events.Wrap(events.CodeBusy, fmt.Errorf("command %s over %d streams: %w", x.p.Command.Name, len(x.p.streams), conflict), "too many commands write to "+string(stream.In(""))+" at once")
	e.RetryAfter = time.Second
	return e
}
