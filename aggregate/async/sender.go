package async

import (
	"context"
	"time"

	"daybook/aggregate"
	"daybook/events"
	"daybook/parallel"
)

// Sender sends commands to a queue, for a Worker to handle. It is safe for
// concurrent use.
type Sender struct {
	handler  *aggregate.Handler
	queue    Queue
	statuses Statuses
}

// NewSender returns a sender that checks commands with h, which is not asked to
// handle any.
func NewSender(h *aggregate.Handler, queue Queue, statuses Statuses) *Sender {
	return &Sender{handler: h, queue: queue, statuses: statuses}
}

// Receipt is the result of sending one command.
type Receipt struct {
	Stream    events.Stream
	CommandID string // as sent or generated
	Repeated  bool   // a command of this id was sent before
	// Err is nil when the command is on its way or has its outcome.
	Err error
}

// Send checks commands, as strictly as Handler.Handle does before it loads
// anything, records each as pending, and queues them in order. Each stands for
// itself. A repeat of a command that is pending is queued again, since the first
// may not have been; one that has its outcome is not.
//
// Errors are *events.Error: malformed, unknown-command, too-large,
// idempotency-key-reused, busy, unavailable, canceled or internal. After
// unavailable the command may be handled or not; sending it again with the same
// command id is safe.
func (s *Sender) Send(ctx context.Context, cs []aggregate.Command) []Receipt {
	ps := make([]*aggregate.Attempt, len(cs))
	for i, c := range cs {
		ps[i] = s.handler.Prepare(c)
	}
	recorded := s.recordPending(ctx, ps)
	var ms []Message
	var at []int
	for i, p := range ps {
		if p.Err != nil || !recorded[i].queue {
			continue
		}
		m, err := Envelope{Command: p.Command, Again: recorded[i].known}.Message(p.Stream)
		if err != nil {
			p.Err = err
			continue
		}
		ms, at = append(ms, m), append(at, i)
	}
	if len(ms) > 0 {
		for n, err := range s.queue.Send(ctx, ms) {
			ps[at[n]].Err = err
		}
	}
	receipts := make([]Receipt, len(ps))
	for i, p := range ps {
		receipts[i] = Receipt{Err: p.Err}
		if p.Err == nil {
			receipts[i] = Receipt{Stream: p.Stream, CommandID: p.Command.CommandID, Repeated: recorded[i].known}
		}
	}
	return receipts
}

// pendingRecord is the result of recording a command as pending.
type pendingRecord struct {
	known bool // its id was known
	queue bool // it is to be queued
}

// recordPending records the valid commands as pending, concurrently, but those of
// one id in order: the first of them is to win.
func (s *Sender) recordPending(ctx context.Context, ps []*aggregate.Attempt) []pendingRecord {
	same := map[string][]int{}
	var ids []string
	for i, p := range ps {
		if p.Err != nil {
			continue
		}
		id := events.Scoped(p.Command.Tenant, p.Command.CommandID)
		if len(same[id]) == 0 {
			ids = append(ids, id)
		}
		same[id] = append(same[id], i)
	}
	all := make([]pendingRecord, len(ps))
	parallel.New(s.handler.Options().Parallel).Each(len(ids), func(n int) {
		for _, i := range same[ids[n]] {
			all[i], ps[i].Err = s.begin(ctx, ps[i])
		}
	})
	return all
}

// begin records a command as pending.
func (s *Sender) begin(ctx context.Context, p *aggregate.Attempt) (pendingRecord, error) {
	known, err := s.statuses.Begin(ctx, statusOf(p, StatePending, s.handler.Options().Now()))
	switch {
	case err != nil:
		return pendingRecord{}, err
	case known == nil:
		return pendingRecord{queue: true}, nil
	}
	if err := p.CheckRepeat(known.Digest); err != nil {
		return pendingRecord{}, err
	}
	return pendingRecord{known: true, queue: known.State == StatePending}, nil
}

// statusOf returns the command's status in a state.
func statusOf(p *aggregate.Attempt, state State, now time.Time) Status {
	return Status{
		Tenant: p.Command.Tenant, CommandID: p.Command.CommandID, State: state, Since: now.UTC().Truncate(time.Millisecond),
		Stream: p.Stream, Actor: p.Command.Actor, Digest: p.Digest,
	}
}
