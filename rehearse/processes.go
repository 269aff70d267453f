package rehearse

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"daybook/aggregate"
	"daybook/events"
	"daybook/personal"
	"daybook/process"
)

// EffectChange says how what a process asks for differs.
type EffectChange string

// The changes of effects.
const (
	EffectSame    EffectChange = "same"
	EffectChanged EffectChange = "changed" // another payload, or another time of a timer
	EffectDropped EffectChange = "dropped" // it was sent or set, and would not be
	EffectAdded   EffectChange = "added"   // a timer that would be set, and is not
	// EffectUnproven is a command that would be sent, and no commit and no recorded
	// rejection shows that it was: it is new, or it was rejected or changed nothing.
	EffectUnproven EffectChange = "unproven"
)

// Process is what changes in a process manager or an outbox, of the commits that it has
// handled.
type Process struct {
	Name     string                 `json:"name"`
	Commands map[EffectChange]int64 `json:"commands,omitempty"`
	Timers   map[EffectChange]int64 `json:"timers,omitempty"`
	Memories int64                  `json:"memories,omitzero"` // of streams, that differ
	Faults   int64                  `json:"faults,omitzero"`   // streams that would be parked
	// Erased are streams of erased persons: what was made of the values before differs
	// by any code, so only that commands are sent is compared.
	Erased   int64          `json:"erased,omitzero"`
	Messages int64          `json:"messages,omitzero"` // that would be published; nothing stored tells what was
	Samples  []EffectSample `json:"samples,omitempty"`
}

// EffectSample is an example of a difference.
type EffectSample struct {
	Kind   string       `json:"kind"` // command, timer, memory or fault
	Change EffectChange `json:"change"`
	Event  string       `json:"event"` // that is reacted to: user/7@3; a stream for timers and memories
	Name   string       `json:"name,omitzero"`
	ID     string       `json:"id,omitzero"` // of the command's aggregate, or the commit that it led to
	Text   string       `json:"text,omitzero"`
}

// Differs reports whether the process would do anything else than it did.
func (p Process) Differs() bool {
	for _, counts := range []map[EffectChange]int64{p.Commands, p.Timers} {
		for change, n := range counts {
			if change != EffectSame && n > 0 {
				return true
			}
		}
	}
	return p.Memories > 0 || p.Faults > 0
}

func cloneProcesses(all []Process) []Process {
	all = slices.Clone(all)
	for i := range all {
		all[i].Commands, all[i].Timers, all[i].Samples = maps.Clone(all[i].Commands), maps.Clone(all[i].Timers), slices.Clone(all[i].Samples)
	}
	return all
}

// process returns the entry of a name.
func (r *Report) process(name string) *Process {
	i := slices.IndexFunc(r.Processes, func(p Process) bool { return p.Name == name })
	if i < 0 {
		r.Processes = append(r.Processes, Process{Name: name})
		i = len(r.Processes) - 1
	}
	return &r.Processes[i]
}

func (p *Process) add(other *Process, samples int) {
	p.Commands, p.Timers = sum(p.Commands, other.Commands), sum(p.Timers, other.Timers)
	p.Memories += other.Memories
	p.Faults += other.Faults
	p.Erased += other.Erased
	p.Messages += other.Messages
	for _, s := range other.Samples {
		p.sample(s, samples)
	}
}

// sample keeps as many examples of each kind and change as are asked for.
func (p *Process) sample(s EffectSample, most int) {
	n := 0
	for _, old := range p.Samples {
		if old.Kind == s.Kind && old.Change == s.Change {
			n++
		}
	}
	if n < most {
		p.Samples = append(p.Samples, s)
	}
}

func sum(a, b map[EffectChange]int64) map[EffectChange]int64 {
	for change, n := range b {
		if a == nil {
			a = map[EffectChange]int64{}
		}
		a[change] += n
	}
	return a
}

// follower is a reactor on a stream.
type follower struct {
	name       string
	entry      *process.Entry // nil: nothing was handled
	derivation *process.Derivation
	timers     map[string]string
	compared   bool // the last commit that was handled is behind
	ended      bool
}

// loadEntries reads what the ledger says of the streams that begin in a page.
func (p *part) loadEntries(ctx context.Context, page []events.Commit) error {
	clear(p.entries)
	if p.sources.Ledger == nil {
		return nil
	}
	var keys []process.Key
	last := p.stream
	for i := range page {
		if stream := page[i].Stream; stream != last {
			last = stream
			for _, r := range p.app.Processes {
				if d := r.Describe(); slices.Contains(d.Aggregates, stream.Aggregate()) {
					keys = append(keys, process.Key{Reactor: d.Name, Stream: stream})
				}
			}
		}
	}
	for chunk := range slices.Chunk(keys, 100) {
		entries, err := p.sources.Ledger.Load(ctx, chunk)
		if err != nil {
			return err
		}
		for i, e := range entries {
			p.entries[chunk[i]] = e
		}
	}
	return nil
}

// follow begins what the reactors do with a stream.
func (p *part) follow(stream events.Stream) {
	p.followers = p.followers[:0]
	if p.sources.Ledger == nil {
		return
	}
	for _, r := range p.app.Processes {
		d := r.Describe()
		if entry := p.entries[process.Key{Reactor: d.Name, Stream: stream}]; entry != nil {
			p.followers = append(p.followers, &follower{
				name: d.Name, entry: entry, derivation: process.NewDerivation(p.codec, r, p.opts.Source), timers: map[string]string{},
			})
		}
	}
}

// react derives the effects of a commit, and notes the commands that led to it.
func (p *part) react(c *events.Commit) {
	if name, ok := strings.CutPrefix(c.Actor, "process/"); ok && c.Time.Before(p.began) {
		for _, one := range c.Commands {
			p.sends.meet(one.ID, &send{process: name, event: c.Causation, digest: one.Digest, id: events.Token{Stream: c.Stream, Version: one.Version}.String()})
		}
	}
	for _, f := range p.followers {
		if !f.ended && !p.torn {
			f.next(p, c)
		}
	}
	if p.erased && len(p.followers) > 0 {
		p.sends.unclear(p.stream)
	}
}

// next derives the effects of the next commit. What the commit behind the last that
// was handled asks for may be done already.
func (f *follower) next(p *part, c *events.Commit) {
	open := c.Number > f.entry.Commit
	if open {
		f.compare(p)
	}
	effects, err := f.derivation.React(c, f.answer)
	if err != nil {
		f.ended, f.compared = true, true
		if !open && !p.erased {
			found := p.found.process(f.name)
			found.Faults++
			found.sample(EffectSample{Kind: "fault", Change: EffectChanged, Event: events.Token{Stream: c.Stream, Version: c.Version}.String(), Text: events.FaultText(err)}, p.opts.Samples)
		}
		return
	}
	for _, e := range effects {
		f.take(p, e, open)
	}
	f.ended = open && len(effects) > 0
}

func (f *follower) take(p *part, e process.Effect, open bool) {
	switch {
	case e.Command != nil:
		if f.answer(*e.Command) == nil {
			p.expect(f.name, e.Event, e.Command, open)
		}
	case e.Timer != "" && e.Set != nil:
		p.expect(f.name, e.Event, &e.Set.Command, true)
		f.timers[e.Timer] = e.Set.Name
	case e.Timer != "":
		delete(f.timers, e.Timer)
	case e.Published != nil && !open && !p.again:
		p.found.process(f.name).Messages++
	}
}

// answer is a rejection that the ledger has kept.
func (f *follower) answer(r process.Request) *process.Rejection { return f.entry.Rejected(r.CommandID) }

// compare compares memory and timers with the entry, once.
func (f *follower) compare(p *part) {
	if f.compared || p.again {
		f.compared = true
		return
	}
	f.compared = true
	found, stream := p.found.process(f.name), string(f.entry.Stream)
	if p.erased {
		found.Erased++
		return
	}
	memory, schema := f.derivation.Memory()
	old := f.entry.Memory
	if schema == f.entry.MemorySchema && old != nil && !bytes.Equal(personal.Plain(memory), personal.Plain(old)) {
		found.Memories++
		found.sample(EffectSample{Kind: "memory", Change: EffectChanged, Event: stream, Text: "is " + string(personal.Hide(old)) + ", would be " + string(personal.Hide(memory))}, p.opts.Samples)
	}
	names := maps.Clone(f.timers)
	maps.Copy(names, f.entry.Timers)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		was, now, change := f.entry.Timers[name], f.timers[name], EffectSame
		switch {
		case was == "":
			change = EffectAdded
		case now == "":
			change = EffectDropped
		case was != now:
			change = EffectChanged
		}
		found.Timers = sum(found.Timers, map[EffectChange]int64{change: 1})
		if change != EffectSame {
			found.sample(EffectSample{Kind: "timer", Change: change, Event: stream, Name: name}, p.opts.Samples)
		}
	}
}

// expect notes a command that the code would send.
func (p *part) expect(name string, event events.Token, r *process.Request, optional bool) {
	c := aggregate.Command{Name: r.Command, ID: r.ID, Payload: r.Payload, CommandID: r.CommandID}
	s := &send{process: name, event: event.String(), command: r.Command, id: r.ID, expected: true, optional: optional || p.erased}
	if r.ID != "" {
		s.target = events.StreamOf(p.takes[r.Command], r.ID).In(r.Tenant)
	}
	if r.ID != "" && !p.erased { // the id of a stream that a command creates is derived by the handler
		s.digest, s.compared = c.Digest(), true
	}
	p.sends.meet(r.CommandID, s)
}

// endStream compares what reactors have made of a stream that is behind.
func (p *part) endStream() {
	for _, f := range p.followers {
		if !p.torn {
			f.compare(p)
		}
	}
	p.followers = p.followers[:0]
}

// addProcesses takes in what a part found.
func (r *Report) addProcesses(found []Process, samples int) {
	for i := range found {
		r.process(found[i].Name).add(&found[i], samples)
	}
	slices.SortFunc(r.Processes, func(a, b Process) int { return cmp.Compare(a.Name, b.Name) })
}
