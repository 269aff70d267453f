package aggregate

import (
	"time"

	"daybook/events"
)

// maxPlanBytes bounds the events of one commit that several commands share. It
// leaves room for a snapshot under events.MaxCommitSize.
const maxPlanBytes = 256 << 10

// commitOverhead is about what a commit stores besides its events' data, in
// bytes: stream, ids, time, attribute names.
const commitOverhead = 160

// plan is what some commands come to on a state, before it is written.
type plan struct {
	n        int // commands decided
	time     time.Time
	events   []events.Event
	commands []events.Command
	steps    []claimStep
	state    state // after the events
	version  int64
	window   window // of the commands in this plan only
	bytes    int    // about what the commit will store, before compression
	certain  bool   // right whatever others have written meanwhile

	// unsure are once-only commands that come to no commit: before that is
	// their answer, it must be known that they had none before.
	unsure []*Attempt

	results []Result
	errs    []error
}

// plan decides the round's commands in order, each on the state that the ones
// before it leave, until one does not fit the same commit.
func (r *round) plan() *plan {
	e := r.entry
	now := time.UnixMilli(r.now()).UTC()
	p := &plan{time: now, state: e.state, version: e.position.Version(), certain: true, bytes: commitOverhead}
	for _, next := range r.ps {
		if r.most > 0 && p.n == r.most || p.n > 0 && !sameOrigin(r.ps[0].Command, next.Command) {
			break
		}
		result, err, fits := p.add(r, next)
		if !fits {
			break
		}
		if next.once && !next.looked && (err != nil || len(p.events) == 0) {
			p.unsure = append(p.unsure, next)
		}
		p.n++
		p.results = append(p.results, result)
		p.errs = append(p.errs, err)
	}
	return p
}

// now is the time of the next commit in Unix milliseconds: that of the clock,
// but not before the commit that is there.
func (r *round) now() int64 { return max(r.h.opts.Now().UnixMilli(), r.entry.clock) }

// sameOrigin reports whether two commands may share a commit, which has one
// actor, one correlation and one causation.
func sameOrigin(a, b Command) bool {
	return a.Actor == b.Actor && a.Correlation == b.Correlation && a.Causation == b.Causation
}

// add decides one command. fits is false when its events need another commit.
func (p *plan) add(r *round, next *Attempt) (result Result, err error, fits bool) {
	result = Result{Stream: next.Stream, CommandID: next.Command.CommandID}
	if seen, ok := p.seen(r.entry, next); ok {
		if err := next.CheckRepeat(seen.Digest); err != nil {
			return Result{}, err, true
		}
		result.Version, result.Started, result.Replayed = seen.Version, seen.Started, true
		return result, nil, true
	}
	p.certain = false
	if err := expect(next.Command, p.version); err != nil {
		return Result{}, err, true
	}
	decided, err := r.decide(next, p)
	if err != nil {
		return Result{}, err, true
	}
	command := events.Command{ID: next.Command.CommandID, Digest: next.Digest, Version: p.version + int64(len(decided.events)), Once: next.once}
	if len(decided.events) > 0 {
		command.Kept = next.kept()
	}
	bytes := decided.size() + len(command.ID) + 24
	if len(p.events) > 0 && (p.bytes+bytes > maxPlanBytes || p.writes(command, decided.steps) > events.MaxWrites) {
		return Result{}, nil, false
	}
	state, err := p.state.evolve(decided.events)
	if err != nil {
		return Result{}, err, true
	}
	result.Started = p.version == 0 && len(decided.events) > 0
	result.Version = command.Version
	p.state, p.version, p.bytes = state, command.Version, p.bytes+bytes
	p.events = append(p.events, decided.events...)
	p.steps = append(p.steps, decided.steps...)
	p.commands = append(p.commands, command)
	p.window = append(p.window, events.CommandRecord{Key: next.key, Digest: next.Digest, Version: p.version, Started: result.Started})
	return result, nil, true
}

// decide runs one command on the plan's state. A claim that is known to be taken
// is an error.
func (r *round) decide(next *Attempt, p *plan) (streamDecision, error) {
	d, err := p.state.decide(next.ready, next.meta(p.version, p.time), nil)
	if err != nil {
		return streamDecision{}, err
	}
	if len(d.parts) > 0 {
		return streamDecision{}, events.Errorf(events.CodeInternal, "command %q is decided on one stream and writes to others: declare it with Across", next.Command.Name)
	}
	got, err := encodeDecision(r.of, d)
	if err != nil {
		return got, err
	}
	return got, refusal(got.steps, r.taken)
}

// size is about how many bytes the commit stores of it.
func (d *streamDecision) size() int {
	bytes := 0
	for _, e := range d.events {
		bytes += len(e.Name) + len(e.Data) + 8
	}
	for _, s := range d.steps {
		bytes += len(s.claim.Name) + len(s.claim.Value) + 4
	}
	return bytes
}

// writes is how many items the commit touches with one command more.
func (p *plan) writes(next events.Command, steps []claimStep) int {
	if !next.Once && len(steps) == 0 {
		return 0 // one command more in the same item
	}
	c := events.Commit{Commands: append(p.commands[:len(p.commands):len(p.commands)], next)}
	c.Claims, c.Releases = net(append(p.steps[:len(p.steps):len(p.steps)], steps...))
	return events.Writes([]events.Append{{Commit: c}})
}

// seen looks a command id up, in the commands of this plan too.
func (p *plan) seen(e *entry, next *Attempt) (events.CommandRecord, bool) {
	if seen, ok := p.window.find(next.key); ok {
		return seen, true
	}
	if seen, ok := e.memory.find(next.key, oldest(p.time.UnixMilli(), next.lasts)); ok {
		return seen, true
	}
	if s := next.spent; s != nil {
		return events.CommandRecord{Key: next.key, Digest: s.Digest, Version: s.Version, Started: s.Started}, true
	}
	return events.CommandRecord{}, false
}

// storedSize estimates the bytes that a commit of so many will have. A store
// compresses one of more than a kilobyte, to half its size or less.
func storedSize(bytes int) int {
	const plain = 1 << 10
	if bytes <= plain {
		return bytes
	}
	return max(plain, bytes/2)
}

// assignOutcomes hands the outcomes to their commands and returns how many there are.
func (p *plan) assignOutcomes(ps []*Attempt) int {
	for i := range p.n {
		ps[i].Result, ps[i].Err = p.results[i], p.errs[i]
	}
	return p.n
}
