package follow

import (
	"fmt"
	"time"

	"daybook/events"
)

// Fault is a permanent fault: a consumer can't handle a commit of a stream. It
// parks the stream for the consumer, which holds later commits back until it is
// redriven (see Redrive). Nothing else is held up. Its JSON is what consumers
// store.
type Fault struct {
	Consumer string `json:"-"` // name of the view, process manager or outbox
	// Version of a view, and Generation of its table, 1 unless the version was
	// built again; 0 for other consumers.
	Version    int           `json:"-"`
	Generation int           `json:"-"`
	Stream     events.Stream `json:"-"`
	Commit     int64         `json:"commit"` // the number of the commit that can't be handled
	Code       events.Code   `json:"code"`   // what kind of fault
	Text       string        `json:"text"`   // for operators; no data of events, rows or payloads
	Time       time.Time     `json:"time"`   // of the last attempt
	// Attempts counts how often the consumer tried the commit.
	Attempts int `json:"attempts"`
	// Trace is the W3C trace context of the commit, in the report of the run that met
	// it alone.
	Trace string `json:"-"`
	// Cause is the error itself, in the report of the run that met it only: for
	// the stack of a panic.
	Cause error `json:"-"`
}

// CommitError says that a commit could not be handled.
type CommitError struct {
	Number int64
	Err    error
}

// Error names the commit and the cause.
func (e *CommitError) Error() string { return fmt.Sprintf("commit %d: %v", e.Number, e.Err) }

// Unwrap returns the cause.
func (e *CommitError) Unwrap() error { return e.Err }
