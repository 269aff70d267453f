package async

import (
	"cmp"
	"context"
	"errors"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"daybook/aggregate"
	"daybook/events"
	"daybook/parallel"
)

// WorkerOptions sets what a Worker does; the zero value of each means its
// default.
type WorkerOptions struct {
	// MaxReceives is how often a message may be received before a transient
	// failure counts as permanent; 10 by default. The queue's own limit
	// must be higher: its dead letters have no error and keep no order.
	MaxReceives int
	// Reserve is the part of the time before the context's deadline that is kept
	// for recording outcomes; 5 s by default, a quarter of the time at most.
	Reserve time.Duration
}

// Worker handles queued commands. It is safe for concurrent use.
type Worker struct {
	handler  *aggregate.Handler
	statuses Statuses
	dead     Queue
	opts     WorkerOptions
}

// NewWorker returns a worker that handles commands with h, records outcomes in
// statuses, and sends what can't be handled to the queue of dead letters.
func NewWorker(h *aggregate.Handler, statuses Statuses, dead Queue, o *WorkerOptions) *Worker {
	w := &Worker{handler: h, statuses: statuses, dead: dead}
	if o != nil {
		w.opts = *o
	}
	if w.opts.MaxReceives <= 0 {
		w.opts.MaxReceives = 10
	}
	if w.opts.Reserve <= 0 {
		w.opts.Reserve = 5 * time.Second
	}
	return w
}

// Delivery is one message of a batch, as a queue delivers it.
type Delivery struct {
	ID       string // the queue's id of the message
	Body     []byte
	Group    string
	Receives int // how often it was received, this time included
}

// Verdict is what is to be done with a message.
type Verdict string

// The verdicts. Only a message to be retried stays in the queue.
const (
	VerdictDone   Verdict = "done"   // it has its answer
	VerdictRetry  Verdict = "retry"  // it is to be delivered again
	VerdictPoison Verdict = "poison" // it is a dead letter now, its stream goes on
)

// Disposition is the outcome of one message.
type Disposition struct {
	ID        string // as delivered
	Verdict   Verdict
	Command   string // "" of a message that can't be read, as the two below
	CommandID string
	Stream    events.Stream
	// Err is why the command was refused or gave no outcome; nil for an accepted
	// one and one that had its answer already.
	Err error
	// Note is why its outcome or its dead letter could not be recorded, nil
	// otherwise.
	Note error
}

// Handle handles a batch and returns the outcome of each message, in order.
// Commands of one stream are handled in the order of the batch and share
// commits, as in aggregate.Handler.HandleBatch.
//
// An accepted or finally rejected command is done, and its status says so. On a
// transient failure, that message and all later messages of its stream are
// retried, which keeps their order. A message that fails permanently (it can't be
// read, or a defect), or that was received too often, is poison: it is sent to the
// dead letters with its error, and its stream goes on. A message whose outcome
// can't be recorded is retried; that is harmless, since its command id makes it a
// duplicate.
//
// A rejected command is evaluated again if it is redelivered before its outcome
// was recorded, and never after.
func (w *Worker) Handle(ctx context.Context, ds []Delivery) []Disposition {
	ts := make([]*task, len(ds))
	for i, d := range ds {
		ts[i] = w.read(d)
	}
	w.handle(ctx, ts)
	for _, t := range ts {
		t.judge(w.opts.MaxReceives)
	}
	w.bury(ctx, ts)
	w.sideBySide(len(ts), func(i int) { w.recordOutcome(ctx, ts[i]) })
	for _, t := range ts {
		if t.copyOf != nil && t.copyOf.verdict == VerdictRetry {
			t.verdict = VerdictRetry
		}
	}
	handled := make([]Disposition, len(ts))
	for i, t := range ts {
		handled[i] = Disposition{ID: t.delivery.ID, Verdict: t.verdict, Err: t.err(), Note: t.noteErr}
		if t.pending != nil {
			handled[i].Command, handled[i].CommandID, handled[i].Stream = t.pending.Command.Name, t.pending.Command.CommandID, t.pending.Stream
		}
	}
	return handled
}

// sideBySide calls f with 0 to n-1, several at once, and waits.
func (w *Worker) sideBySide(n int, f func(i int)) {
	parallel.New(w.handler.Options().Parallel).Each(n, f)
}

// task is a message on its way to a verdict.
type task struct {
	delivery Delivery
	pending  *aggregate.Attempt // nil when the message can't be read
	again    bool               // it may have its answer already
	answered bool               // it has
	copyOf   *task              // the message before it in the batch with the same command
	unread   error
	verdict  Verdict
	noteErr  error
}

func (t *task) err() error {
	if t.pending == nil {
		return t.unread
	}
	return t.pending.Err
}

func (w *Worker) read(d Delivery) *task {
	q, err := Decode(d.Body)
	if err == nil {
		if tenant := events.CheckTenant(w.handler.Options().Tenants, q.Command.Tenant); tenant != nil {
			err = events.Wrap(events.CodeInternal, tenant, "the message is one of an application with tenants, and this has none, or the reverse")
		}
	}
	if err != nil {
		return &task{delivery: d, unread: err}
	}
	return &task{delivery: d, pending: w.handler.Prepare(q.Command), again: q.Again || d.Receives > 1}
}

// handle gives every message that can be read its outcome, or what it had.
func (w *Worker) handle(ctx context.Context, ts []*task) {
	if deadline, ok := ctx.Deadline(); ok {
		left := time.Until(deadline)
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, left-min(w.opts.Reserve, left/4))
		defer cancel()
	}
	w.sideBySide(len(ts), func(i int) {
		if t := ts[i]; t.again && t.pending != nil && t.pending.Err == nil {
			t.checkStatus(ctx, w)
		}
	})
	var ps []*aggregate.Attempt
	halted := map[events.Stream]error{}
	first := map[string]*task{} // by command id: a copy must not be decided otherwise
	for _, t := range ts {
		if t.pending == nil || t.answered {
			continue
		}
		p := t.pending
		id := events.Scoped(p.Command.Tenant, p.Command.CommandID)
		if of := first[id]; of != nil && of.pending.Digest == p.Digest {
			t.copyOf = of
			continue
		}
		first[id] = t
		switch {
		case p.Err != nil && events.Transient(p.Err):
			halted[p.Stream] = p.Err
		case p.Err == nil && halted[p.Stream] != nil:
			p.Hold(halted[p.Stream])
		}
		ps = append(ps, p)
	}
	w.handler.HandleInOrder(ctx, ps)
}

// checkStatus finds out whether the command has its answer.
func (t *task) checkStatus(ctx context.Context, w *Worker) {
	known, err := w.statuses.Get(ctx, w.handler.Options().Now(), t.pending.Command.Tenant, t.pending.Command.CommandID)
	switch {
	case err != nil:
		t.pending.Err = err
	case known != nil && known.Final() && known.Digest == t.pending.Digest:
		t.answered = true
	}
}

// judge decides what is to be done with the message.
func (t *task) judge(maxReceives int) {
	err := t.err()
	e, _ := errors.AsType[*events.Error](err)
	switch {
	case t.copyOf != nil, err == nil, e != nil && e.Rejected:
		t.verdict = VerdictDone
	case t.pending != nil && t.pending.Held: // it was not tried, so not too often either
		t.verdict = VerdictRetry
	case events.Transient(err) && t.delivery.Receives < maxReceives:
		t.verdict = VerdictRetry
	case events.Transient(err), events.CodeOf(err) == events.CodeInternal:
		t.verdict = VerdictPoison
	default:
		t.verdict = VerdictDone
	}
}

// bury sends poison to the dead letters, in order.
func (w *Worker) bury(ctx context.Context, ts []*task) {
	var ms []Message
	var dead []*task
	for _, t := range ts {
		if t.verdict == VerdictPoison {
			ms, dead = append(ms, t.letter()), append(dead, t)
		}
	}
	if len(ms) == 0 {
		return
	}
	for i, err := range w.dead.Send(ctx, ms) {
		if err != nil {
			dead[i].verdict, dead[i].noteErr = VerdictRetry, err
		}
	}
}

// letter is the dead letter of a message: the message as it was, and its error.
func (t *task) letter() Message {
	m := Message{Body: t.delivery.Body, Group: t.delivery.Group, Deduplication: queueID(t.delivery.ID), Attributes: map[string]string{
		AttributeCode:     string(events.CodeOf(t.err())),
		AttributeError:    safe(t.err()),
		AttributeReceives: strconv.Itoa(t.delivery.Receives),
	}}
	m.Group = cmp.Or(m.Group, m.Deduplication)
	return m
}

// recordOutcome records the command's outcome. While that fails the message is
// retried up to MaxReceives; after that the status stays as it was.
func (w *Worker) recordOutcome(ctx context.Context, t *task) {
	if t.pending == nil || t.verdict == VerdictRetry || t.answered || t.copyOf != nil {
		return
	}
	s := t.outcome(w.handler.Options().Now())
	if t.noteErr = w.statuses.Record(ctx, s); t.noteErr != nil && t.delivery.Receives < w.opts.MaxReceives {
		t.verdict = VerdictRetry
	}
}

// outcome is the status that follows from the verdict.
func (t *task) outcome(now time.Time) Status {
	p := t.pending
	if p.Err == nil {
		s := statusOf(p, StateAccepted, now)
		s.Result = p.Result
		return s
	}
	state := StateRejected
	if t.verdict == VerdictPoison {
		state = StateFailed
	}
	s := statusOf(p, state, now)
	e, ok := errors.AsType[*events.Error](p.Err)
	if !ok {
		e = events.Errorf(events.CodeInternal, "")
	}
	s.Problem = &events.Error{Code: e.Code, Message: e.Message, Rejected: e.Rejected, Fields: some(e.Fields), Version: e.Version}
	return s
}

// The bounds of the fields that a status keeps of an error: a path can be as long
// as a client makes it.
const (
	maxFields = 20
	maxPath   = 256 // bytes
)

// some returns the first fields, with paths that are too long cut to what they
// are part of.
func some(fields []events.Field) []events.Field {
	fields = slices.Clone(fields[:min(len(fields), maxFields)])
	for i, f := range fields {
		if len(f.Path) > maxPath {
			fields[i].Path = f.Path[:max(0, strings.LastIndexByte(f.Path[:maxPath], '/'))]
		}
	}
	return fields
}

// safe returns the text of an error without what may hold a payload's data: the
// messages of package events along its chain, and what the runtime says of a
// panic. The whole error is for the log of a fault in development.
func safe(err error) string {
	var said []string
	for e := err; e != nil; e = errors.Unwrap(e) {
		switch e := e.(type) {
		case *events.Error:
			said = append(said, string(e.Code)+": "+e.Message)
		case runtime.Error:
			said = append(said, e.Error())
		}
	}
	if len(said) == 0 {
		return string(events.CodeOf(err))
	}
	return strings.Join(said, ": ")
}
