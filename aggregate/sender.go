package aggregate

import (
	"context"
	"time"

	"daybook/events"
	"daybook/parallel"
)

// Sender sends commands to a queue, for a Worker to handle. It is safe for
// concurrent use.
type Sender struct {
	handler  *Handler
	queue    Queue
	statuses Statuses
}

// NewSender returns a sender that checks commands with h, which is not asked to
// handle any.
func NewSender(h *Handler, queue Queue, statuses Statuses) *Sender {
	return &Sender{handler: h, queue: queue, statuses: statuses}
}

// Sent is the result of sending one command.
type Sent struct {
	Stream    events.Stream
	CommandID string // as sent or generated
	Repeated  bool   // a command of this id was sent before
	// Err is nil when the command is on its way or has its outcome.
	Err error
}

// Send checks commands, as strictly as Handler.Handle does before it loads
// anything, notes each as pending, and queues them in order. Each stands for
// itself. A repeat of a command that is pending is queued again, since the first
// may not have been; one that has its outcome is not.
//
// Errors are *events.Error: malformed, unknown-command, too-large,
// idempotency-key-reused, busy, unavailable, canceled or internal. After
// unavailable the command may be handled or not; sending it again with the same
// command id is safe.
func (s *Sender) Send(ctx context.Context, cs []Command) []Sent {
	ps := make([]*pending, len(cs))
	for i, c := range cs {
		ps[i] = s.handler.prepare(c)
	}
	noted := s.recordPending(ctx, ps)
	var ms []Message
	var at []int
	for i, p := range ps {
		if p.err != nil || !noted[i].queue {
			continue
		}
		m, err := EncodeQueued(p.stream, Queued{Command: p.command, Again: noted[i].known})
		if err != nil {
			p.err = err
			continue
		}
		ms, at = append(ms, m), append(at, i)
	}
	if len(ms) > 0 {
		for n, err := range s.queue.Send(ctx, ms) {
			ps[at[n]].err = err
		}
	}
	sent := make([]Sent, len(ps))
	for i, p := range ps {
		sent[i] = Sent{Err: p.err}
		if p.err == nil {
			sent[i] = Sent{Stream: p.stream, CommandID: p.command.CommandID, Repeated: noted[i].known}
		}
	}
	return sent
}

// pendingRecord is the result of recording a command as pending.
type pendingRecord struct {
	known bool // its id was known
	queue bool // it is to be queued
}

// recordPending records the valid commands as pending, concurrently, but those of
// one id in order: the first of them is to win.
func (s *Sender) recordPending(ctx context.Context, ps []*pending) []pendingRecord {
	same := map[string][]int{}
	var ids []string
	for i, p := range ps {
		if p.err != nil {
			continue
		}
		id := p.command.CommandID
		if len(same[id]) == 0 {
			ids = append(ids, id)
		}
		same[id] = append(same[id], i)
	}
	all := make([]pendingRecord, len(ps))
	s.handler.sideBySide(len(ids), func(n int) {
		for _, i := range same[ids[n]] {
			all[i], ps[i].err = s.begin(ctx, ps[i])
		}
	})
	return all
}

// begin notes a command as pending.
func (s *Sender) begin(ctx context.Context, p *pending) (pendingRecord, error) {
	known, err := s.statuses.Begin(ctx, p.status(StatePending, s.handler.opts.Now()))
	switch {
	case err != nil:
		return pendingRecord{}, err
	case known == nil:
		return pendingRecord{queue: true}, nil
	case known.Digest != p.digest:
		return pendingRecord{}, keyReused(p)
	}
	return pendingRecord{known: true, queue: known.State == StatePending}, nil
}

// status is the command's status in a state.
func (p *pending) status(state State, now time.Time) Status {
	return Status{
		CommandID: p.command.CommandID, State: state, Since: now.UTC().Truncate(time.Millisecond),
		Stream: p.stream, Actor: p.command.Actor, Digest: p.digest,
	}
}

// sideBySide calls f with 0 to n-1, Options.Parallel at once, and waits.
func (h *Handler) sideBySide(n int, f func(i int)) { parallel.New(h.opts.Parallel).Each(n, f) }
