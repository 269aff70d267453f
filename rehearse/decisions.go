package rehearse

import (
	"cmp"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"

	"daybook/aggregate"
	"daybook/events"
	"daybook/personal"
)

// DecisionChange says how the decision of a kept command differs.
type DecisionChange string

// The changes of decisions.
const (
	DecisionSame     DecisionChange = "same"
	DecisionEvents   DecisionChange = "events"   // it would emit other events, or none
	DecisionClaims   DecisionChange = "claims"   // the same events, and it would claim or release other values
	DecisionRejected DecisionChange = "rejected" // it was accepted, and would be rejected or refused
	DecisionFault    DecisionChange = "fault"    // it was accepted, and would fail
)

// Decisions compares what was decided on the commands that were kept with what the code
// decides.
type Decisions struct {
	Decided int64 `json:"decided"` // commands that were decided again
	Differ  int64 `json:"differ"`  // of these
	// NotKept are accepted commands that were not kept: they can't be decided again.
	NotKept int64 `json:"notKept"`
	// Across are kept commands over several streams: each can't be decided on its stream
	// only.
	Across int64 `json:"across,omitzero"`
	// Erased are kept commands with values of an erased person, and those that differ in
	// streams with such values.
	Erased int64 `json:"erased,omitzero"`
	// NoState are kept commands to streams that the code can't fold up to them; the
	// report's Faults say why.
	NoState  int64             `json:"noState,omitzero"`
	Commands []CommandDecision `json:"commands,omitempty"` // sorted by name
}

// CommandDecision is what changes in the decisions of one command.
type CommandDecision struct {
	Name    string                   `json:"name"`
	Counts  map[DecisionChange]int64 `json:"counts"`
	Samples []DecisionSample         `json:"samples,omitempty"`
}

// DecisionSample is a command that the code decides otherwise. Personal values are hidden.
type DecisionSample struct {
	Change    DecisionChange `json:"change"`
	At        string         `json:"at"` // the stream's version after the command: user/7@3
	CommandID string         `json:"commandId"`
	Before    []DecidedEvent `json:"before,omitempty"` // stored, as the code reads them
	After     []DecidedEvent `json:"after,omitempty"`
	Code      string         `json:"code,omitzero"` // of the rejection or the fault
	Text      string         `json:"text,omitzero"`
}

// DecidedEvent is an event of a decision.
type DecidedEvent struct {
	Name string         `json:"name"`
	Data jsontext.Value `json:"data"`
}

func (d Decisions) clone() Decisions {
	d.Commands = slices.Clone(d.Commands)
	for i := range d.Commands {
		c := &d.Commands[i]
		c.Counts, c.Samples = maps.Clone(c.Counts), slices.Clone(c.Samples)
	}
	return d
}

func (d *Decisions) add(other Decisions, samples int) {
	d.Decided += other.Decided
	d.Differ += other.Differ
	d.NotKept += other.NotKept
	d.Across += other.Across
	d.Erased += other.Erased
	d.NoState += other.NoState
	for _, c := range other.Commands {
		mine := d.command(c.Name)
		for change, n := range c.Counts {
			mine.Counts[change] += n
		}
		for _, s := range c.Samples {
			mine.sample(s, samples)
		}
	}
	slices.SortFunc(d.Commands, func(a, b CommandDecision) int { return cmp.Compare(a.Name, b.Name) })
}

// command returns the entry of a name.
func (d *Decisions) command(name string) *CommandDecision {
	i := slices.IndexFunc(d.Commands, func(c CommandDecision) bool { return c.Name == name })
	if i < 0 {
		d.Commands = append(d.Commands, CommandDecision{Name: name, Counts: map[DecisionChange]int64{}})
		i = len(d.Commands) - 1
	}
	return &d.Commands[i]
}

// sample keeps as many examples of each change as are asked for.
func (c *CommandDecision) sample(s DecisionSample, most int) {
	n := 0
	for _, old := range c.Samples {
		if old.Change == s.Change {
			n++
		}
	}
	if n < most {
		c.Samples = append(c.Samples, s)
	}
}

// decide decides a command of a commit again, on the state before its events, and
// compares what it emits with them.
func (p *part) decide(c *events.Commit, command *events.Command, stored []events.Event) {
	d, kept := &p.found.Decisions, command.Kept
	switch {
	case kept == nil:
		d.NotKept++
	case kept.Stream != "" && kept.Payload == nil: // counted where the payload is
	case kept.Stream != "":
		d.Across++
	case p.state == nil:
		d.NoState++
	case personal.CarriesErased(kept.Payload):
		d.Erased++
	default:
		p.compareDecision(c, command, stored)
	}
}

func (p *part) compareDecision(c *events.Commit, command *events.Command, stored []events.Event) {
	d := &p.found.Decisions
	again, err := p.state.Decide(
		aggregate.Command{Name: command.Kept.Name, ID: c.Stream.ID(), Payload: command.Kept.Payload, CommandID: command.ID, Actor: c.Actor},
		aggregate.Meta{ID: c.Stream.ID(), Version: command.Version - int64(len(stored)), Time: c.Time, Actor: c.Actor, CommandID: command.ID},
	)
	if errors.Is(err, aggregate.ErrAcross) {
		d.Across++
		return
	}
	s := differenceOfClaims(c, again)
	if err != nil || !slices.EqualFunc(stored, again.Events, sameStored) {
		before, unread := p.plainEvents(stored)
		if unread != nil {
			d.NoState++ // the events will not fold either
			return
		}
		s = p.differenceOf(c, before, again, err)
	}
	if s.Change != DecisionSame && p.erased { // erased values decide otherwise by any code
		d.Erased++
		return
	}
	of := d.command(command.Kept.Name)
	d.Decided++
	of.Counts[s.Change]++
	if s.Change == DecisionSame {
		return
	}
	d.Differ++
	s.At, s.CommandID = events.Token{Stream: c.Stream, Version: command.Version}.String(), command.ID
	of.sample(s, p.opts.Samples)
}

// differenceOf compares a decision with the events of the command.
func (p *part) differenceOf(c *events.Commit, before []events.Event, again aggregate.Rehearsal, err error) DecisionSample {
	if err != nil {
		return failedDecision(before, err)
	}
	after, err := p.plainEvents(again.Events)
	if err != nil {
		return failedDecision(before, err)
	}
	if !slices.EqualFunc(before, after, sameEvent) {
		return DecisionSample{Change: DecisionEvents, Before: shownEvents(before), After: shownEvents(after)}
	}
	return differenceOfClaims(c, again)
}

// differenceOfClaims compares the claims of a decision with those of its commit.
func differenceOfClaims(c *events.Commit, again aggregate.Rehearsal) DecisionSample {
	if len(c.Commands) > 1 { // whose claims they are is not stored
		return DecisionSample{Change: DecisionSame}
	}
	was, now := claimsText(c.Claims, c.Releases, again), claimsText(again.Claims, again.Releases, again)
	if was != now {
		return DecisionSample{Change: DecisionClaims, Text: "did " + claimNames(c.Claims, c.Releases) + ", would " + claimNames(again.Claims, again.Releases)}
	}
	return DecisionSample{Change: DecisionSame}
}

func failedDecision(before []events.Event, err error) DecisionSample {
	s := DecisionSample{Change: DecisionFault, Before: shownEvents(before), Code: string(events.CodeOf(err)), Text: events.FaultText(err)}
	e, ok := errors.AsType[*events.Error](err)
	switch {
	case ok && e.Rejected:
		s.Change, s.Text = DecisionRejected, "" // its message may hold a value
	case ok && (e.Code == events.CodeMalformed || e.Code == events.CodeUnknownCommand):
		s.Change = DecisionRejected
	}
	return s
}

// plainEvents returns events as the code writes them: upcast, decoded and encoded.
func (p *part) plainEvents(es []events.Event) ([]events.Event, error) {
	out := make([]events.Event, len(es))
	for i, e := range es {
		e, err := p.codec.Upgrade(e)
		if err != nil {
			return nil, err
		}
		data := reflect.New(p.types[e.Name].Go)
		if err := json.Unmarshal(e.Data, data.Interface()); err != nil {
			return nil, events.Wrap(events.CodeInternal, err, "event "+e.Name+" can't be read")
		}
		if out[i], err = p.codec.Encode(e.Name, data.Elem().Interface()); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// sameStored reports that two events are the same without decoding them, as most are.
func sameStored(a, b events.Event) bool { return a.Schema == b.Schema && sameEvent(a, b) }

func sameEvent(a, b events.Event) bool {
	return a.Name == b.Name && string(personal.Plain(a.Data)) == string(personal.Plain(b.Data))
}

func shownEvents(es []events.Event) []DecidedEvent {
	shown := make([]DecidedEvent, len(es))
	for i, e := range es {
		shown[i] = DecidedEvent{e.Name, personal.Hide(e.Data)}
	}
	return shown
}

// claimsText writes claims and releases so that equal ones have one text. Personal ones,
// which are stored as hashes, are told by their names only.
func claimsText(claims, releases []events.Claim, again aggregate.Rehearsal) string {
	hidden := map[string]bool{}
	for _, c := range slices.Concat(again.Claims, again.Releases) {
		hidden[c.Name] = hidden[c.Name] || c.Personal
	}
	var all []string
	for i, list := range [][]events.Claim{claims, releases} {
		for _, c := range list {
			text := []string{"claim ", "release "}[i] + c.Name
			if !hidden[c.Name] {
				text += "=" + c.Value
			}
			all = append(all, text)
		}
	}
	slices.Sort(all)
	return strings.Join(all, "\x00")
}

// claimNames says in words which claims there are, without their values.
func claimNames(claims, releases []events.Claim) string {
	var parts []string
	for i, list := range [][]events.Claim{claims, releases} {
		for _, c := range list {
			parts = append(parts, []string{"claim ", "release "}[i]+c.Name)
		}
	}
	slices.Sort(parts)
	return cmp.Or(strings.Join(parts, ", "), "claim nothing")
}
