package process

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"strings"
	"time"
	"unicode"

	"daybook/events"
	"daybook/personal"
)

// plan is a reaction made ready: payloads are written, ids derived.
type plan []action

// action is one step of a plan.
type action struct {
	send    *groupRequest
	group   *groupPlan
	timer   string // the name that the manager gave a timer
	set     *Timer // nil: it is cancelled
	publish []CloudEvent
}

// groupRequest is a request with the rejections that are fine.
type groupRequest struct {
	Request
	unless []events.Code
}

type groupPlan struct {
	sendings  []*groupRequest
	then      plan
	otherwise func(Rejection) (plan, error) // nil without an Else
}

// planner makes plans of what one commit is reacted to with.
type planner struct {
	d      *def
	source string // of integration events
	// sent counts the commands sent, by event, command and target: a repetition
	// gets an id of its own.
	sent map[string]int
}

// plan makes a plan of the reactions to all events of a commit. Its messages
// are published in one call. Errors are permanent.
func (p *planner) plan(reactions []eventReaction) (plan, error) {
	var all plan
	for _, r := range reactions {
		steps, err := p.steps(r.meta, r.steps)
		if err != nil {
			return nil, fmt.Errorf("event %s: %w", r.meta.token(), err)
		}
		for _, a := range steps {
			if n := len(all); n > 0 && a.publish != nil && all[n-1].publish != nil {
				all[n-1].publish = append(all[n-1].publish, a.publish...)
				continue
			}
			all = append(all, a)
		}
	}
	return all, nil
}

func (p *planner) steps(m Meta, steps []Step) (plan, error) {
	var all plan
	for _, s := range steps {
		a, err := p.action(m, s)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

func (p *planner) action(m Meta, s Step) (a action, err error) {
	switch s := s.(type) {
	case Command:
		a.send, err = p.send(m, s)
	case Group:
		a.group, err = p.group(m, s)
	case setTimer:
		a.timer = s.name
		a.set, err = p.timer(m, s)
	case cancelTimer:
		if a.timer, err = s.name, events.ValidateName("timer", s.name); err != nil {
			err = invalid("a timer has the name "+s.name, err)
		}
	case publication:
		a.publish, err = p.publication(m, s)
	default:
		err = events.Errorf(events.CodeInternal, "a reaction has a step that is nil")
	}
	return a, err
}

func (p *planner) group(m Meta, g Group) (*groupPlan, error) {
	out := &groupPlan{}
	for _, c := range g.commands {
		s, err := p.send(m, c)
		if err != nil {
			return nil, err
		}
		out.sendings = append(out.sendings, s)
	}
	var err error
	if out.then, err = p.steps(m, g.then); err != nil {
		return nil, err
	}
	if g.otherwise != nil {
		out.otherwise = func(r Rejection) (steps plan, err error) {
			if panicked := events.Guard("Else", func() { steps, err = p.steps(m, g.otherwise(r).steps) }); panicked != nil {
				return nil, panicked
			}
			return steps, err
		}
	}
	return out, nil
}

func (p *planner) send(m Meta, c Command) (*groupRequest, error) {
	r, err := p.request(m, c)
	if err != nil {
		return nil, err
	}
	key := m.token() + "\x00" + c.name + "\x00" + c.id
	p.sent[key]++
	r.CommandID = commandID(p.d, m, c.name, c.id, p.sent[key])
	return &groupRequest{Request: r, unless: c.unless}, nil
}

// request is the request of a command, without its id.
func (p *planner) request(m Meta, c Command) (Request, error) {
	if err := events.ValidateName("command", c.name); err != nil {
		return Request{}, invalid("a command has the name "+c.name, err)
	}
	if err := p.d.checkSend(c); err != nil {
		return Request{}, err
	}
	if c.id != "" {
		if err := events.ValidateID("id", c.id); err != nil {
			return Request{}, invalid("command "+c.name+" has an id that no aggregate can have", err)
		}
	}
	payload := jsontext.Value("{}")
	if c.payload != nil {
		var err error
		if payload, err = personal.Marshal(c.payload); err != nil {
			return Request{}, invalid("the payload of command "+c.name+" can't be written as JSON", err)
		}
		if payload.Kind() != jsontext.KindBeginObject {
			return Request{}, events.Errorf(events.CodeInternal, "the payload of command %s is not a JSON object", c.name)
		}
	}
	return Request{
		Tenant: m.stored.Tenant(), Command: c.name, ID: c.id, Payload: payload,
		Actor: "process/" + p.d.name, Correlation: m.Correlation, Causation: events.Token{Stream: m.stored, Version: m.Version}.String(), Trace: m.trace,
	}, nil
}

func invalid(what string, err error) error { return events.Wrap(events.CodeInternal, err, what) }

func (p *planner) timer(m Meta, s setTimer) (*Timer, error) {
	if err := events.ValidateName("timer", s.name); err != nil {
		return nil, invalid("a timer has the name "+s.name, err)
	}
	if s.after < 0 {
		return nil, events.Errorf(events.CodeInternal, "timer %s is set to %v before its event", s.name, -s.after)
	}
	r, err := p.request(m, s.command)
	if err != nil {
		return nil, err
	}
	r.CommandID = timedCommandID(p.d, m, s.name, s.command.name, s.command.id)
	at := m.Time.Add(s.after).UTC().Truncate(time.Millisecond)
	label := p.d.name + " " + string(m.stored) + " " + s.name
	return &Timer{Name: timerName(p.d, m, s.name, at), Label: label, At: at, Command: r}, nil
}

// attribute is text as an attribute of a CloudEvent can hold it: characters that
// CloudEvents leaves out (controls and noncharacters, which an id may have) are
// percent-encoded.
func attribute(text string) string {
	var b strings.Builder
	for _, r := range text {
		if !unicode.IsControl(r) && r&0xFFFE != 0xFFFE && (r < 0xFDD0 || r > 0xFDEF) {
			b.WriteRune(r)
			continue
		}
		for _, c := range []byte(string(r)) {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func (p *planner) publication(m Meta, s publication) ([]CloudEvent, error) {
	data, err := json.Marshal(s.data, json.Deterministic(true))
	if err != nil {
		return nil, invalid("integration event "+s.of.Type+" can't be written as JSON", err)
	}
	return []CloudEvent{{
		SpecVersion: "1.0", ID: eventID(p.d, m), Source: p.source + "/" + p.d.name, Type: s.of.Type, Tenant: m.stored.Tenant(),
		Subject: attribute(string(m.stored)), Time: m.Time.UTC(), DataContentType: "application/json", DataSchema: s.of.DataSchema,
		Sequence: fmt.Sprintf("%020d", m.Version), Correlation: attribute(m.Correlation), Causation: attribute(m.token()),
		Trace: m.trace, Data: data,
	}}, nil
}
