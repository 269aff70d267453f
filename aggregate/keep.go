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

// keptSize is about how many bytes the commit stores of it.
func keptSize(k *events.KeptCommand) int {
	if k == nil {
		return 0
	}
	return len(k.Name) + len(k.Payload) + len(k.Stream) + 8
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
		p.bytes += keptSize(part)
	}
}
