package process

import (
	"context"
	"encoding/json/jsontext"

	"daybook/events"
	"daybook/follow"
)

// Key names an entry of a ledger.
type Key struct {
	Reactor string // name of a manager or an outbox
	Stream  events.Stream
}

// Entry is how far a reactor has come with a stream.
type Entry struct {
	Key

	// Commit is the number of the last commit handled, 0 before the first.
	// Commits behind it that the reactor has no use for are not waited for.
	Commit int64

	// Revision guards every write: it counts them from 1.
	Revision int64

	// Memory is what the reactor remembers of the stream up to Commit, nil for
	// nothing, and MemorySchema the version of it; see Manager.MemorySchema.
	Memory       jsontext.Value
	MemorySchema int

	// Attempts counts the deliveries of the next commit that failed transiently.
	Attempts int

	// Rejections are the answers of the next commit's commands that were acted
	// on already; see Group.Else.
	Rejections []Rejection

	// Answered are the last rejections that commands of the stream's commits met:
	// those that a reaction went on by, those that Unless names, and the one that
	// parked the stream. They are for people, to see why a process took its way. At
	// most MaxAnswered.
	Answered []PastRejection

	// Timers are those that were set and not cancelled since: their Timer.Name
	// by the name that the manager gave them. They may have fired. At most
	// MaxTimers.
	Timers map[string]string

	// Fault is why the stream is parked, nil when it is not.
	Fault *follow.Fault
}

// Rejected returns how a command was rejected, as far as the entry has kept it, nil
// otherwise.
func (e *Entry) Rejected(commandID string) *Rejection {
	for i := range e.Answered {
		if e.Answered[i].CommandID == commandID {
			return &e.Answered[i].Rejection
		}
	}
	for i := range e.Rejections {
		if e.Rejections[i].CommandID == commandID {
			return &e.Rejections[i]
		}
	}
	return nil
}

// MaxTimers is how many timers of different names a manager may have on a stream.
const MaxTimers = 100

// Rejection is a command that its aggregate did not accept.
type Rejection struct {
	CommandID string      `json:"commandId"`
	Command   string      `json:"command"`
	ID        string      `json:"id"` // of the aggregate
	Code      events.Code `json:"code"`
	// Message is what the aggregate says of it, at most MaxMessage bytes.
	Message string `json:"message,omitzero"`
}

// PastRejection is a rejection of a commit that was handled, or that parked the stream.
type PastRejection struct {
	Commit int64 `json:"commit"` // whose reaction sent the command
	Rejection
}

// The bounds of what an entry keeps of rejections.
const (
	MaxAnswered = 3
	MaxMessage  = 200 // bytes
)

// MaxMemory is the largest memory of a stream, in bytes of JSON. An entry with
// it, and all else that it may hold, is below DynamoDB's limit of an item.
const MaxMemory = 256 << 10

// Ledger keeps entries. It is the driver interface of this package and holds no
// logic of reactors. All methods may be called concurrently. Every
// implementation passes the conformance suite in package processtest.
//
// Errors are *events.Error: canceled when ctx ended, busy when the store
// throttles, unavailable when it fails or does not answer, internal for what
// can't be read, and what a method names itself.
type Ledger interface {
	// Load returns the entries of 1 to 100 different keys, in their order, nil
	// where there is none. It is strongly consistent. Memory comes back byte for
	// byte.
	Load(ctx context.Context, keys []Key) ([]*Entry, error)

	// Save stores an entry over the one of the revision before, or, with
	// Revision 1, where there is none; anything else fails with conflict. After
	// unavailable it may be stored or not. An entry over the store's limit is
	// too-large.
	Save(ctx context.Context, e Entry) error

	// Parked returns up to limit entries of a reactor that have a Fault, in the
	// order of their streams' names by bytes, behind after; "" begins. Fewer than
	// limit says that there are no more. It may be a moment behind Save. limit
	// is from 1 to 1,000.
	Parked(ctx context.Context, reactor string, after events.Stream, limit int) ([]Entry, error)
}
