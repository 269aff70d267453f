package sealed

import (
	"context"
	"encoding/json/jsontext"

	"daybook/aggregate/async"
	"daybook/personal"
)

// Queue wraps a queue of commands: messages go into it sealed. Deliveries opens them.
func Queue(q async.Queue, s *personal.Sealer) async.Queue { return &queue{q, s} }

type queue struct {
	async.Queue
	sealer *personal.Sealer
}

// Send implements async.Queue. If a message can't be sealed, none is sent.
func (q *queue) Send(ctx context.Context, ms []async.Message) []error {
	mine := make([]async.Message, len(ms))
	for i, m := range ms {
		var err error
		if mine[i], err = sealMessage(ctx, q.sealer, m); err != nil {
			errs := make([]error, len(ms))
			for i := range errs {
				errs[i] = err
			}
			return errs
		}
	}
	return q.Queue.Send(ctx, mine)
}

// sealMessage returns a message with its command's personal values sealed.
func sealMessage(ctx context.Context, s *personal.Sealer, m async.Message) (async.Message, error) {
	body := jsontext.Value(m.Body)
	if !personal.NeedsSealing(body) {
		return m, nil
	}
	if err := s.Seal(ctx, []personal.Doc{{Place: commandPlace(m.Group), Data: &body}}); err != nil {
		return m, wrapped(ctx, err, "a command's personal values can't be encrypted")
	}
	m.Body = body
	return m, nil
}

func commandPlace(group string) personal.Place {
	return personal.Place{Bound: []string{"command", group}}
}

// Deliveries opens messages in place. One that is not JSON stays as it is; its worker
// reports the fault.
func Deliveries(ctx context.Context, s *personal.Sealer, ds []async.Delivery) error {
	bodies := make([]jsontext.Value, len(ds))
	var all []personal.Doc
	for i, d := range ds {
		if bodies[i] = d.Body; personal.Seals(d.Body) && bodies[i].IsValid() {
			all = append(all, personal.Doc{Place: commandPlace(d.Group), Data: &bodies[i]})
		}
	}
	if err := s.Open(ctx, all); err != nil {
		return wrapped(ctx, err, "the personal values of commands can't be decrypted")
	}
	for i := range ds {
		ds[i].Body = bodies[i]
	}
	return nil
}
