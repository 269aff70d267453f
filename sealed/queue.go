package sealed

import (
	"context"
	"encoding/json/jsontext"
	"slices"

	"daybook/aggregate/async"
	"daybook/personal"
)

// queue is a queue of commands: messages go into it sealed.
type queue struct {
	async.Queue
	sealer *personal.Sealer
}

// Send implements async.Queue. If a message can't be sealed, none is sent.
func (q *queue) Send(ctx context.Context, ms []async.Message) []error {
	mine, err := sealMessages(ctx, q.sealer, ms)
	if err != nil {
		return slices.Repeat([]error{err}, len(ms))
	}
	return q.Queue.Send(ctx, mine)
}

// sealMessages returns messages with the personal values of their commands sealed.
func sealMessages(ctx context.Context, s *personal.Sealer, ms []async.Message) ([]async.Message, error) {
	bodies := make([]jsontext.Value, len(ms))
	var all []personal.Doc
	for i, m := range ms {
		if bodies[i] = m.Body; personal.NeedsSealing(m.Body) {
			all = append(all, personal.Doc{Place: commandPlace(m.Tenant, m.Group), Data: &bodies[i]})
		}
	}
	if len(all) == 0 {
		return ms, nil
	}
	if err := s.Seal(ctx, all); err != nil {
		return nil, wrapped(ctx, err, "a command's personal values can't be encrypted")
	}
	mine := slices.Clone(ms)
	for i := range mine {
		mine[i].Body = bodies[i]
	}
	return mine, nil
}

// commandPlace is the place of a command; its values name their subjects, so that
// opening needs no tenant.
func commandPlace(tenant, group string) personal.Place {
	return personal.Place{Tenant: tenant, Bound: []string{"command", group}}
}

// Deliveries opens messages in place. One that is not JSON stays as it is; its worker
// reports the fault.
func (w With) Deliveries(ctx context.Context, ds []async.Delivery) error {
	if w.Sealer == nil {
		return nil
	}
	bodies := make([]jsontext.Value, len(ds))
	var all []personal.Doc
	for i, d := range ds {
		if bodies[i] = d.Body; personal.Seals(d.Body) && bodies[i].IsValid() {
			all = append(all, personal.Doc{Place: commandPlace("", d.Group), Data: &bodies[i]})
		}
	}
	if err := w.Open(ctx, all); err != nil {
		return wrapped(ctx, err, "the personal values of commands can't be decrypted")
	}
	for i := range ds {
		ds[i].Body = bodies[i]
	}
	return nil
}
