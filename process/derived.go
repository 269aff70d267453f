package process

import (
	"cmp"
	"encoding/json/jsontext"
	"slices"

	"daybook/events"
)

// Effect is one thing that a reaction asks for, derived anew from its declaration:
// what it is made of, its id included, is what a Runner does. One of Command, Timer
// and Published is set.
type Effect struct {
	Event events.Token // that is reacted to
	// Branch says where in the reaction it is: "" for always, "then" and "else" for
	// what follows the answers to a group of commands.
	Branch  string
	Command *Request
	Unless  []events.Code // rejections of Command that are fine
	// Timer is the name that the manager gave a timer; Set is nil where it is
	// cancelled.
	Timer     string
	Set       *Timer
	Published *CloudEvent
}

// Answer is how a command was rejected, nil when it was accepted or has no answer
// yet: what follows then is what is to come.
type Answer func(Request) *Rejection

// Derive returns what a reactor asks for because of the last of commits, which are
// all commits of a stream up to it, in order, or only that one for a reactor that
// does not remember (Description.Remembers): nothing is done. answer decides which
// branch of a group is taken. source begins the
// source of integration events; see Options.Source.
//
// Its errors are those that would park the stream.
func Derive(codec *events.Codec, r Reactor, source string, commits []events.Commit, answer Answer) ([]Effect, error) {
	d := NewDerivation(codec, r, source)
	for i := range commits {
		if i == len(commits)-1 {
			return d.React(&commits[i], answer)
		}
		if d.d.remembers {
			if err := d.Remember(&commits[i]); err != nil {
				return nil, err
			}
		}
	}
	return nil, nil
}

// Derivation derives effects of one stream commit by commit. It is not for concurrent
// use, and of no use after an error.
type Derivation struct {
	codec  *events.Codec
	d      *def
	source string
	memory jsontext.Value
}

// NewDerivation begins before the first commit of a stream; see Derive.
func NewDerivation(codec *events.Codec, r Reactor, source string) *Derivation {
	return &Derivation{codec: codec, d: r.definition(), source: source}
}

// Memory is what the reactor remembers after the commits so far, nil for nothing, and
// the version of its schema.
func (x *Derivation) Memory() (memory jsontext.Value, schema int) {
	if !x.d.remembers {
		return nil, x.d.schema
	}
	return x.memory, x.d.schema
}

// Remember takes the next commit into the memory without reacting to it.
func (x *Derivation) Remember(c *events.Commit) error {
	_, err := x.next(c)
	return err
}

// React returns the effects of the next commit.
func (x *Derivation) React(c *events.Commit, answer Answer) ([]Effect, error) {
	reactions, err := x.next(c)
	if err != nil || !x.d.reactsTo(c) {
		return nil, err
	}
	p := &planner{d: x.d, source: x.source, sent: map[string]int{}}
	var all []Effect
	for _, reaction := range reactions {
		var steps plan
		var err error
		panicked := events.Guard("the reaction", func() { steps, err = p.steps(reaction.meta, reaction.steps) })
		if err := cmp.Or(panicked, err); err != nil {
			return nil, err
		}
		event := events.Token{Stream: reaction.meta.stored, Version: reaction.meta.Version}
		if all, err = flatten(all, event, "", steps, answer); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (x *Derivation) next(c *events.Commit) (reactions []eventReaction, err error) {
	if !x.d.handles(c) {
		return nil, nil
	}
	memory := x.memory
	panicked := events.Guard("the reaction", func() { memory, reactions, err = x.d.react(x.codec, x.memory, c) })
	if err := cmp.Or(panicked, err); err != nil {
		return nil, err
	}
	x.memory = memory
	return reactions, nil
}

// flatten adds the effects of a plan, as far as the answers lead.
func flatten(all []Effect, event events.Token, branch string, p plan, answer Answer) ([]Effect, error) {
	var err error
	for _, a := range p {
		e := Effect{Event: event, Branch: branch}
		switch {
		case a.send != nil:
			e.Command, e.Unless = &a.send.Request, a.send.unless
			all = append(all, e)
		case a.group != nil:
			if all, err = flattenGroup(all, event, branch, a.group, answer); err != nil {
				return all, err
			}
		case a.timer != "":
			e.Timer, e.Set = a.timer, a.set
			all = append(all, e)
		default:
			for _, published := range a.publish {
				e.Published = &published
				all = append(all, e)
			}
		}
	}
	return all, nil
}

func flattenGroup(all []Effect, event events.Token, branch string, g *groupPlan, answer Answer) ([]Effect, error) {
	var first *Rejection
	for _, s := range g.sendings {
		all = append(all, Effect{Event: event, Branch: branch, Command: &s.Request, Unless: s.unless})
		if rejection := answer(s.Request); first == nil && rejection != nil && !slices.Contains(s.unless, rejection.Code) {
			first = rejection
		}
	}
	switch {
	case first == nil:
		return flatten(all, event, "then", g.then, answer)
	case g.otherwise == nil:
		return all, nil
	}
	steps, err := g.otherwise(*first)
	if err != nil {
		return all, err
	}
	return flatten(all, event, "else", steps, answer)
}

// EventID returns the id of the integration event that an outbox makes of a
// stream's event.
func EventID(outbox string, event events.Token) string {
	return eventID(&def{name: outbox}, Meta{stored: event.Stream, Version: event.Version})
}
