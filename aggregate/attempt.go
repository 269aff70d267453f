package aggregate

import (
	"context"
	"time"

	"daybook/events"
)

// Attempt is a command on its way to an outcome. Package async checks and queues
// attempts, and works off those that a queue delivers.
type Attempt struct {
	Command Command       // as sent, with its ids filled in
	Stream  events.Stream // "" when Err says that the command has none
	Digest  events.Digest // tells a repeat from another command of the same id

	Result Result // when Err is nil and the attempt was handled
	Err    error  // the outcome, or why there is nothing to handle
	Held   bool   // not handled: one before it on its stream must be retried first

	aggregate Aggregate
	ready     ready
	key       events.Digest // of the command id
	creates   bool
	keeps     bool            // its aggregate keeps it when it is accepted
	surelyNew bool            // its id was just generated, so its stream can't exist
	streams   []events.Stream // all that a command over several names, sorted; nil for one on its own
	keyed     bool            // its command id was given, so that it may be a repeat
	lasts     time.Duration   // for which a repeat is recognised
	once      bool            // a repeat is recognised whatever its stream has seen since
	looked    bool            // the store was asked whether it is spent
	spent     *events.Spent
	conflicts int
	loads     int
}

// Prepare checks a command as strictly as Handle does before it loads anything.
// The attempt's Err is malformed, unknown-command, too-large or internal when the
// command can't be handled.
func (h *Handler) Prepare(c Command) *Attempt {
	p := &Attempt{Command: c}
	if err := events.Guard("reading the payload", func() { h.read(p) }); err != nil {
		p.Err = err
	}
	return p
}

// HandleInOrder gives every attempt without an error its outcome, as HandleBatch
// does. Commands on one stream behind one that failed transiently are held, so
// that a retry keeps their order.
func (h *Handler) HandleInOrder(ctx context.Context, as []*Attempt) { h.handleAll(ctx, as, true) }

// Options returns the options in effect.
func (h *Handler) Options() Options { return h.opts }

// Hold gives the attempt the error of one before it on its stream.
func (p *Attempt) Hold(err error) {
	p.Held = true
	p.Err = events.Wrap(events.CodeUnavailable, err, "an earlier command of the stream must be retried first")
}

// CheckRepeat compares the command with the one that is known under its id. Another
// is an error of code idempotency-key-reused.
func (p *Attempt) CheckRepeat(known events.Digest) error {
	if known == p.Digest {
		return nil
	}
	return events.Errorf(events.CodeKeyReused, "command id %q was used for another command", p.Command.CommandID)
}
