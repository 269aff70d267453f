package aggregate

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"

	"daybook/events"
)

// Queue carries messages to a Worker: at least once, those of one group in the
// order in which they were sent.
type Queue interface {
	// Send adds messages and returns an error for each, in order: nil says that
	// the queue has it. Errors are *events.Error: busy, unavailable, canceled,
	// too-large or internal; after unavailable the queue may have it. A message
	// whose deduplication id the queue has seen in the last minutes is dropped,
	// which is success.
	Send(ctx context.Context, ms []Message) []error
}

// Message is what a queue carries.
type Message struct {
	Body  []byte // see EncodeQueued
	Group string // messages of one group are received in order
	// Deduplication is the id by which the queue knows a message that was sent
	// twice.
	Deduplication string
	// Attributes stand beside the body: those of a dead letter say what was
	// wrong with it.
	Attributes map[string]string
}

// The attributes of a dead letter.
const (
	AttributeCode     = "code"     // of the error
	AttributeError    = "error"    // its text, without the data of any payload
	AttributeReceives = "receives" // how often the message had been received
)

// Queued is a command as a message carries it. Its CommandID and ID are set.
type Queued struct {
	Command Command
	// Again: it may have been sent before, so whoever handles it first looks
	// whether it has an answer.
	Again bool
}

// Versions of the stored form. A program that knows only the first would drop a
// condition, so a message that has one has the second.
const (
	queuedVersion     = 1
	queuedConditional = 2
)

// queuedBody is the stored form of a queued command (see the package's
// description).
type queuedBody struct {
	V               int            `json:"v"`
	Command         string         `json:"command"`
	ID              string         `json:"id"`
	Payload         jsontext.Value `json:"payload,omitzero"`
	CommandID       string         `json:"commandId"`
	ExpectedVersion *int64         `json:"expectedVersion,omitzero"`
	Condition       Condition      `json:"condition,omitzero"`
	Actor           string         `json:"actor,omitzero"`
	Correlation     string         `json:"correlation,omitzero"`
	Causation       string         `json:"causation,omitzero"`
	Again           bool           `json:"again,omitzero"`
}

// EncodeQueued makes the message of a command on stream. Its error has code
// internal: the payload is no JSON, or text is no UTF-8.
func EncodeQueued(stream events.Stream, q Queued) (Message, error) {
	c := q.Command
	version := queuedVersion
	if !c.Condition.IsZero() {
		version = queuedConditional
	}
	body, err := json.Marshal(queuedBody{
		V: version, Command: c.Name, ID: c.ID, Payload: c.Payload, CommandID: c.CommandID,
		ExpectedVersion: c.ExpectedVersion, Condition: c.Condition, Actor: c.Actor, Correlation: c.Correlation, Causation: c.Causation, Again: q.Again,
	})
	if err != nil {
		return Message{}, events.Wrap(events.CodeInternal, err, "the command can't be queued")
	}
	return Message{Body: PlainJSON(body), Group: queueID(string(stream)), Deduplication: queueID(c.CommandID)}, nil
}

// DecodeQueued reads the body of a message. Its error has code internal: the body
// is not what EncodeQueued writes, at a version this program knows.
func DecodeQueued(body []byte) (Queued, error) {
	var b queuedBody
	if err := json.Unmarshal(body, &b); err != nil {
		// The error may quote the body, which holds a payload.
		return Queued{}, events.Errorf(events.CodeInternal, "the message can't be read: it is not the JSON of a queued command")
	}
	switch {
	case b.V != queuedVersion && b.V != queuedConditional:
		return Queued{}, events.Errorf(events.CodeInternal, "the message can't be read: it has version %d, not %d or %d", b.V, queuedVersion, queuedConditional)
	case b.Command == "" || b.CommandID == "" || b.ID == "":
		return Queued{}, events.Errorf(events.CodeInternal, "the message can't be read: it names no command, no id or no command id")
	}
	return Queued{Again: b.Again, Command: Command{
		Name: b.Command, ID: b.ID, Payload: b.Payload, CommandID: b.CommandID, ExpectedVersion: b.ExpectedVersion, Condition: b.Condition,
		Actor: b.Actor, Correlation: b.Correlation, Causation: b.Causation,
	}}, nil
}

// Queued checks a command as Handle does before it loads anything, and returns
// the message to queue for it and its stream.
func (h *Handler) Queued(c Command) (Message, events.Stream, error) {
	p := h.prepare(c)
	if p.err != nil {
		return Message{}, "", p.err
	}
	m, err := EncodeQueued(p.stream, Queued{Command: p.command})
	return m, p.stream, err
}

// PlainJSON escapes the two characters that JSON may hold as they are and SQS
// refuses in a body. They can only stand in strings.
func PlainJSON(body []byte) []byte {
	body = bytes.ReplaceAll(body, []byte("\uFFFE"), []byte(`\ufffe`))
	return bytes.ReplaceAll(body, []byte("\uFFFF"), []byte(`\uffff`))
}

// queueID is name as a queue can take it for an id: itself when it has 1 to 128
// visible ASCII characters, else the SHA-256 of it in hexadecimal.
func queueID(name string) string {
	fits := name != "" && len(name) <= 128
	for i := 0; fits && i < len(name); i++ {
		fits = name[i] > ' ' && name[i] <= '~'
	}
	if fits {
		return name
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(name)))
}
