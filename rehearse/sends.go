package rehearse

import (
	"context"
	"errors"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"sync"

	"daybook/events"
	"daybook/parallel"
)

// send is a command that the code would send, or one that a commit shows.
type send struct {
	process, event, command, id string
	target                      events.Stream // of an expected command; "" where its id is derived
	digest                      events.Digest
	expected                    bool
	compared                    bool // digest tells payloads apart
	optional                    bool // expected, but perhaps later
}

// sends brings together what is expected and what commits show, by the commands' ids:
// what meets goes, so that only the rest takes memory. When that is too much, it is
// done in passes over the events, each for a share of the ids.
type sends struct {
	pass, passes uint64
	budget       int // bytes
	samples      int // of each change

	mu       sync.Mutex
	pending  map[string]*send
	unknown  map[events.Stream]bool // of erased persons, and damaged ones: other commands may be because of them
	size     int
	overflow bool
	found    Report // processes only
}

func newSends(pass, passes uint64, budget, samples int) *sends {
	return &sends{pass: pass, passes: passes, budget: budget, samples: samples, pending: map[string]*send{}, unknown: map[events.Stream]bool{}}
}

// sendOverhead is about what an entry takes besides its texts, in bytes.
const sendOverhead = 250

func sizeOf(id string, s *send) int {
	return sendOverhead + len(id) + len(s.event) + len(s.id) + len(s.target)
}

func (s *sends) meet(id string, one *send) {
	h := fnv.New64a()
	h.Write([]byte(id))
	if h.Sum64()%s.passes != s.pass {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	other := s.pending[id]
	switch {
	case s.overflow, other != nil && other.expected == one.expected:
	case other == nil:
		s.pending[id] = one
		s.grow(sizeOf(id, one))
	default:
		delete(s.pending, id)
		s.size -= sizeOf(id, other)
		if other.expected {
			one, other = other, one
		}
		change := EffectSame
		if one.compared && other.digest != one.digest {
			change = EffectChanged
		}
		s.count(one, change)
	}
}

// unclear says that commands because of a stream's events can't be told from others, or
// those sent to it.
func (s *sends) unclear(stream events.Stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.overflow && !s.unknown[stream] {
		s.unknown[events.Stream(strings.Clone(string(stream)))] = true // it is part of a page
		s.grow(sendOverhead + len(stream))
	}
}

func (s *sends) grow(size int) {
	s.size += size
	if s.overflow = s.size > s.budget; s.overflow {
		s.pending, s.unknown = nil, nil
	}
}

// ofUnclear reports whether a command was sent because of an event of an unclear stream.
func (s *sends) ofUnclear(one *send) bool {
	event, err := events.ParseStoredToken(one.event)
	return err == nil && s.unknown[event.Stream]
}

func (s *sends) count(one *send, change EffectChange) {
	p := s.found.process(one.process)
	p.Commands = sum(p.Commands, map[EffectChange]int64{change: 1})
	if change != EffectSame {
		p.sample(EffectSample{Kind: "command", Change: change, Event: one.event, Name: one.command, ID: one.id}, s.samples)
	}
}

// end counts what met nothing, and returns all that was found.
func (s *sends) end() Report {
	for _, id := range slices.Sorted(maps.Keys(s.pending)) {
		switch one := s.pending[id]; {
		case !one.expected && !s.ofUnclear(one):
			s.count(one, EffectDropped)
		case one.expected && !one.optional && !s.unknown[one.target]:
			s.count(one, EffectUnproven)
		}
	}
	s.pending, s.unknown = nil, nil
	return s.found
}

// maxPasses bounds the passes over the events.
const maxPasses = 1024

// compareSends takes in what the first pass over the events found about commands. It
// makes passes of its own where the memory did not suffice, or the first pass was not
// whole: a resumed one has not seen every event.
func (r *rehearsal) compareSends(ctx context.Context, whole bool) (err error) {
	if r.sources.Ledger == nil {
		return nil
	}
	var found []Report
	passes := uint64(1)
	if whole {
		passes = 2
		if !r.sends.overflow {
			found = append(found, r.sends.end())
		}
	}
	for ; found == nil; passes *= 2 {
		if found, err = r.compareIn(ctx, passes); err != nil {
			return err
		}
	}
	for _, f := range found {
		r.report.addProcesses(f.Processes, r.opts.Samples)
	}
	return nil
}

// compareIn makes so many passes. It returns nil when one takes too much memory.
func (r *rehearsal) compareIn(ctx context.Context, passes uint64) (found []Report, err error) {
	for pass := range passes {
		r.sends = newSends(pass, passes, r.opts.Memory, r.opts.Samples)
		if passes == maxPasses {
			r.sends.budget = 1 << 62
		}
		err := r.pass(ctx)
		if errors.Is(err, errOverflow) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		found = append(found, r.sends.end())
	}
	return found, nil
}

// errOverflow ends a pass: what it would find is not whole.
var errOverflow = errors.New("the commands of a pass do not fit the memory")

// pass reads the events once more, for commands only.
func (r *rehearsal) pass(ctx context.Context) error {
	return parallel.New(r.opts.Parallel).Until(ctx, r.opts.Segments, func(ctx context.Context, segment int) error {
		p := newPart(r)
		p.again = true
		for cursor := ""; ; {
			page, damaged, next, err := events.ScanTolerant(ctx, r.sources.Events, segment, r.opts.Segments, cursor)
			if err == nil {
				err = p.Observe(ctx, page, damaged)
			}
			if err == nil && r.sends.full() {
				err = errOverflow
			}
			if err != nil || next == "" {
				return err
			}
			cursor = next
		}
	})
}

// full reports whether the memory did not suffice.
func (s *sends) full() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.overflow
}
