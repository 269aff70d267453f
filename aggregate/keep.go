package aggregate

import (
	"encoding/json/jsontext"
	"slices"

	"daybook/events"
)

// kept is what a commit keeps of the command, nil where it is not kept.
func (p *Attempt) kept() *events.KeptCommand {
	if !p.keeps {
		return nil
	}
	payload := jsontext.Value("{}")
	if len(p.Command.Payload) > 0 {
		payload = p.Command.Payload.Clone()
		if payload.Compact() != nil {
			return nil // it was read before, so it is JSON
		}
	}
	return &events.KeptCommand{Name: p.Command.Name, Payload: payload}
}

// sizeWithoutKept is about how many bytes a stored commit has besides kept commands,
// which say about what the events say. A snapshot is taken after so many of these: with
// kept commands not sooner, and so at no more write units.
func sizeWithoutKept(c *events.Commit) int {
	kept := 0
	for _, command := range c.Commands {
		if k := command.Kept; k != nil {
			kept += len(k.Name) + len(k.Payload) + len(k.Stream)
		}
	}
	return c.Size - min(kept, c.Size/2)
}

// keeps reports whether any command of the plan is kept.
func (p *plan) keeps() bool {
	return slices.ContainsFunc(p.commands, func(c events.Command) bool { return c.Kept != nil })
}

// keep keeps the command, whole in the commit of its own stream, or else in the first
// that there is. The commits of its other streams say whose part they are.
func (x *crossing) keep(plans []*plan) {
	kept := x.p.kept()
	if kept == nil || !writes(plans) {
		return
	}
	main := x.main(plans)
	for i, p := range plans {
		if len(p.events) == 0 {
			continue
		}
		part := &events.KeptCommand{Name: kept.Name}
		if p == main {
			part.Payload = kept.Payload
		}
		if i != x.own {
			part.Stream = x.p.Stream
		}
		p.commands[0].Kept = part
	}
}
