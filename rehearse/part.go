package rehearse

import (
	"bytes"
	"context"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"reflect"
	"slices"

	"daybook/aggregate"
	"daybook/events"
	"daybook/personal"
	"daybook/process"
)

// part looks at the commits of one part of the events table. It implements
// admin.Observer.
type part struct {
	*rehearsal
	found Report

	stream events.Stream // being folded
	number int64         // of its last commit
	torn   bool          // it can't be read whole
	lost   events.LostStreams
	erased bool // it holds values of an erased person
	of     aggregate.Aggregate
	state  *aggregate.Replay // nil: an event could not be folded

	again     bool                           // only commands are looked at
	entries   map[process.Key]*process.Entry // of the page
	followers []*follower                    // of the stream
}

func newPart(r *rehearsal) *part {
	return &part{rehearsal: r, entries: map[process.Key]*process.Entry{}}
}

// Observe implements admin.Observer.
func (p *part) Observe(ctx context.Context, page []events.Commit, damaged []events.Damage) error {
	if err := p.loadEntries(ctx, page); err != nil {
		return err
	}
	p.lose(damaged)
	for i := range page {
		c := &page[i]
		p.found.Bytes += int64(c.Size)
		if c.Stream != p.stream {
			p.begin(c.Stream)
		}
		if c.Number != p.number+1 && !p.torn {
			p.torn = true
			p.sends.unclear(p.stream)
		}
		p.number = c.Number
		p.erased = p.erased || slices.ContainsFunc(c.Events, func(e events.Event) bool { return personal.CarriesErased(e.Data) })
		if !p.torn && !p.again {
			p.fold(c)
		}
		p.react(c)
	}
	return nil
}

// lose takes in the damaged streams of a page: what their commits would do, or show of
// others, is not known.
func (p *part) lose(damaged []events.Damage) {
	for _, d := range p.lost.Page(p.stream, damaged) {
		p.sends.unclear(d.Stream)
	}
	p.torn = p.torn || p.lost.Has(p.stream)
}

// End implements admin.Observer.
func (p *part) End(context.Context) error {
	p.endStream()
	return nil
}

// Add implements admin.Observer.
func (p *part) Add() {
	r := &p.report
	r.Bytes += p.found.Bytes
	for _, f := range p.found.Faults {
		r.addFault(f, p.opts.Samples)
	}
	r.States.add(p.found.States, p.opts.Samples)
	r.Decisions.add(p.found.Decisions, p.opts.Samples)
	r.addProcesses(p.found.Processes, p.opts.Samples)
}

func (p *part) begin(stream events.Stream) {
	p.endStream()
	p.stream, p.number, p.torn, p.erased = stream, 0, p.lost.Has(stream), false
	p.follow(stream)
	p.of, p.state = p.rehearsal.of[stream.Aggregate()], nil
	if p.of != nil {
		p.state, _, _ = aggregate.NewReplay(p.of, nil) // the declaration was checked
	}
}

// fold decides the commands of a commit again, folds it, event by event, and compares
// its snapshot.
func (p *part) fold(c *events.Commit) {
	next := 0
	for i := range c.Commands {
		command := &c.Commands[i]
		end := int(min(max(command.Version-c.First()+1, int64(next)), int64(len(c.Events))))
		if end > next {
			p.decide(c, command, c.Events[next:end])
		}
		p.addAll(c, next, end)
		next = end
	}
	p.addAll(c, next, len(c.Events))
	if c.Snapshot != nil && p.state != nil {
		p.compareState(c)
	}
}

// addAll folds the events of a commit from one place to before another.
func (p *part) addAll(c *events.Commit, from, end int) {
	for i, e := range c.Events[from:end] {
		if err := p.add(e); err != nil {
			at := events.Token{Stream: c.Stream, Version: c.First() + int64(from+i)}
			p.found.addFault(EventFault{Event: e.Name, Schema: e.Schema, Error: events.FaultText(err), Count: 1, Samples: []string{at.String()}}, p.opts.Samples)
		}
	}
}

// add decodes an event and folds it. Behind the first that can't be folded the
// others are only decoded.
func (p *part) add(e events.Event) error {
	if p.of == nil {
		return events.Errorf(events.CodeInternal, "aggregate %q is not declared", p.stream.Aggregate())
	}
	if p.state == nil {
		return p.decode(e)
	}
	err := p.state.Add([]events.Event{e})
	if err != nil {
		p.state = nil
	}
	return err
}

func (p *part) decode(e events.Event) error {
	e, err := p.codec.Upgrade(e)
	if err != nil {
		return err
	}
	t := p.types[e.Name].Go
	if t == nil {
		return nil
	}
	if err := json.Unmarshal(e.Data, reflect.New(t).Interface()); err != nil {
		return events.Wrap(events.CodeInternal, err, fmt.Sprintf("event %q can't be read", e.Name))
	}
	return nil
}

// compareState compares a snapshot, as the code reads it, with the folded state.
func (p *part) compareState(c *events.Commit) {
	s := &p.found.States
	kept, fits, err := aggregate.NewReplay(p.of, c.Snapshot)
	if err == nil && !fits {
		s.OtherSchema++
		return
	}
	s.Compared++
	sample := StateSample{At: events.Token{Stream: c.Stream, Version: c.Version}.String()}
	var stored, expected jsontext.Value
	if err == nil {
		stored, err = kept.Carried()
	}
	if err == nil {
		expected, err = p.state.Carried()
	}
	switch {
	case err == nil && bytes.Equal(personal.Plain(stored), personal.Plain(expected)):
		return
	case p.erased: // what was made of the values before they were erased differs by any code
		s.Compared--
		s.Erased++
		return
	case err != nil:
		sample.Error = events.FaultText(err)
	default:
		sample.Stored, sample.Expected = personal.Hide(stored), personal.Hide(expected)
	}
	s.Differ++
	if len(s.Samples) < p.opts.Samples {
		s.Samples = append(s.Samples, sample)
	}
}

func (s *States) add(other States, samples int) {
	s.Compared += other.Compared
	s.Differ += other.Differ
	s.OtherSchema += other.OtherSchema
	s.Erased += other.Erased
	s.Samples = append(s.Samples, other.Samples[:max(0, min(len(other.Samples), samples-len(s.Samples)))]...)
}
