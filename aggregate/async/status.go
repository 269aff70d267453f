package async

import (
	"context"
	"time"

	"daybook/aggregate"
	"daybook/events"
)

// State is how far a queued command has come.
type State string

// The states of a queued command.
const (
	StatePending  State = "pending"  // on its way
	StateAccepted State = "accepted" // handled; Result is the answer
	StateRejected State = "rejected" // rejected permanently; Problem says why
	StateFailed   State = "failed"   // given up and kept as a dead letter; Problem says why
)

// StatusKept is how long the status of a command is known after it was recorded
// last. No stream forgets a command earlier.
const StatusKept = aggregate.DefaultIdempotentFor

// Status is what is known of a queued command.
type Status struct {
	Tenant    string // of the command; two tenants' commands of one id are different ones
	CommandID string
	State     State
	Since     time.Time // when it came into the state: UTC, milliseconds
	Stream    events.Stream
	Actor     string        // who sent it
	Digest    events.Digest // tells a repeat from another command under the same id

	Result  aggregate.Result // of an accepted one; its Stream and CommandID are those above
	Problem *events.Error    // of a rejected or failed one, without its cause
}

// Rank orders states: a status is only ever replaced by one of a higher rank, so
// that an answer once given stays, whatever is delivered twice. The outcome of a redriven
// dead letter replaces that it failed, and that it was accepted after
// all, which its events prove, replaces all else.
func (s State) Rank() int {
	switch s {
	case StateFailed:
		return 1
	case StateRejected:
		return 2
	case StateAccepted:
		return 3
	}
	return 0
}

// Final reports whether the command was handled: it must not be once more.
func (s *Status) Final() bool { return s.State == StateAccepted || s.State == StateRejected }

// Forgotten reports whether the status is no longer known at now.
func (s *Status) Forgotten(now time.Time) bool { return !now.Before(s.Since.Add(StatusKept)) }

// Statuses stores the outcomes of queued commands. It is safe for concurrent
// use. Errors are *events.Error: busy, unavailable, canceled, too-large or
// internal.
type Statuses interface {
	// Begin records a pending command. When its id is known at s.Since, it changes
	// nothing and returns what is known; else it returns nil. Of several at once,
	// one records.
	Begin(ctx context.Context, s Status) (*Status, error)
	// Record stores an outcome in place of a status of a lower rank, of a
	// forgotten one, or of none. Any other stays as it is, without an error.
	Record(ctx context.Context, s Status) error
	// Get returns what is known at now of a tenant's command ("" for no tenant), nil
	// for nothing. It sees all that was recorded before.
	Get(ctx context.Context, now time.Time, tenant, commandID string) (*Status, error)
}
