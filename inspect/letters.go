package inspect

import (
	"context"
	"time"

	"daybook/aggregate/async"
	"daybook/events"
)

// Letter is a dead letter: a queued command that was given up.
type Letter struct {
	ID       string      `json:"id"` // of the command; of the message when that can't be read
	Tenant   string      `json:"tenant,omitzero"`
	Command  string      `json:"command,omitzero"`
	Group    string      `json:"group"` // the stream, except for names that SQS does not take
	Sent     time.Time   `json:"sent"`  // to the dead letters
	Code     events.Code `json:"code"`
	Text     string      `json:"text"`
	Receives int         `json:"receives"`
}

// HandledLetter is a dead letter that was redriven or dropped. Code and Text are those of
// the failure that made it a dead letter, the last one if it failed again.
type HandledLetter struct {
	Letter
	Outcome string `json:"outcome"`
}

// The outcomes of a dead letter: these, accepted and rejected.
const (
	OutcomeDropped = "dropped"
	OutcomePending = "pending" // no outcome is known yet
	OutcomeFailed  = "failed"  // it is a dead letter again
)

// Depth counts the messages of a command queue, as nearly as it can tell.
type Depth struct {
	Pending  int64 `json:"pending"`
	InFlight int64 `json:"inFlight"`
	Dead     int64 `json:"dead"`
}

// DeadLetters lists the dead letters of a command queue.
type DeadLetters interface {
	// Letters returns up to limit dead letters. To look at a letter may hide it
	// from others for a moment. more says that there may be others: of one stream
	// not all may be seen at once.
	Letters(ctx context.Context, limit int) (letters []Letter, more bool, err error)
}

// LettersPage is an answer to DeadLetters.
type LettersPage struct {
	Letters []Letter `json:"letters"`
	More    bool     `json:"more,omitzero"` // there may be others
}

// DeadLetters lists dead letters, at most limit, 1 to 1,000. Codes: unavailable for
// an installation without a command queue, and those of the queue.
func (i *Installation) DeadLetters(ctx context.Context, limit int) (LettersPage, error) {
	if err := checkLimit(limit, 1000); err != nil {
		return LettersPage{}, err
	}
	if i.sources.DeadLetters == nil {
		return LettersPage{}, events.Errorf(events.CodeUnavailable, "this installation has no command queue")
	}
	letters, more, err := i.sources.DeadLetters.Letters(ctx, limit)
	if letters == nil {
		letters = []Letter{}
	}
	return LettersPage{letters, more}, err
}

// Status is the status of a queued command.
type Status struct {
	CommandID string        `json:"commandId"`
	Status    string        `json:"status"` // pending, accepted, rejected or failed
	Since     time.Time     `json:"since"`
	ID        string        `json:"id"` // of the aggregate
	Token     string        `json:"token,omitzero"`
	Problem   *Problem      `json:"problem,omitzero"`
	Stream    events.Stream `json:"-"`
}

// Problem is why a command was rejected or failed.
type Problem struct {
	Code   events.Code `json:"code"`
	Detail string      `json:"detail"`
}

// Status returns the status of a queued command of a tenant ("" without tenants).
// Codes: not-found for a command that was not queued in the last day, and those of
// Statuses.
func (i *Installation) Status(ctx context.Context, tenant, commandID string) (Status, error) {
	known, err := i.sources.Statuses.Get(ctx, i.sources.Now(), tenant, commandID)
	if err != nil {
		return Status{}, err
	}
	if known == nil {
		return Status{}, events.Errorf(events.CodeNotFound, "no command %s was queued in the last day", commandID)
	}
	s := Status{CommandID: commandID, Status: string(known.State), Since: known.Since, ID: known.Stream.ID(), Stream: known.Stream}
	if known.State == async.StateAccepted {
		s.Token = known.Result.Token()
	}
	if e := known.Problem; e != nil {
		s.Problem = &Problem{e.Code, e.Message}
	}
	return s, nil
}
