package async

import (
	"context"
	"crypto/sha256"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"

	"daybook/aggregate"
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
	Body  []byte // see Encode and Decode
	Group string // messages of one group are received in order
	// Deduplication is the id by which the queue knows a message that was sent
	// twice.
	Deduplication string
	// Tenant is the command's, "" for none. It is in the body too.
	Tenant string
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

// Envelope is a command as a message carries it. Its CommandID and ID are set.
type Envelope struct {
	Command aggregate.Command
	// Again says that the command may have been sent before, so that a worker
	// looks whether it has an answer before it handles it.
	Again bool
}

// Versions of the stored form. A program that knows only the first would drop a
// condition, so a message that has one has the second; a message of a tenant has the
// third.
const (
	bodyVersion     = 1
	bodyConditional = 2
	bodyTenant      = 3
)

// messageBody is the stored form of an envelope (see the package's description).
type messageBody struct {
	V               int                 `json:"v"`
	Tenant          string              `json:"tenant,omitzero"`
	Command         string              `json:"command"`
	ID              string              `json:"id"`
	Payload         jsontext.Value      `json:"payload,omitzero"`
	CommandID       string              `json:"commandId"`
	ExpectedVersion *int64              `json:"expectedVersion,omitzero"`
	Condition       aggregate.Condition `json:"condition,omitzero"`
	Actor           string              `json:"actor,omitzero"`
	Correlation     string              `json:"correlation,omitzero"`
	Causation       string              `json:"causation,omitzero"`
	Trace           string              `json:"traceparent,omitzero"`
	Again           bool                `json:"again,omitzero"`
}

// Encode checks a command, as strictly as h.Handle does before it loads anything,
// and returns the message in which a Worker takes it from a queue: for a sender
// that is not Sender, such as a timer. The message may be sent more than once.
// Errors are *events.Error of the codes malformed, unknown-command and internal.
func Encode(h *aggregate.Handler, c aggregate.Command) (Message, error) {
	a := h.Prepare(c)
	if a.Err != nil {
		return Message{}, a.Err
	}
	return Envelope{Command: a.Command, Again: true}.Message(a.Stream)
}

// Message returns the message of a command on stream. Its error has code internal:
// the payload is not JSON, or text is not UTF-8.
func (e Envelope) Message(stream events.Stream) (Message, error) {
	c := e.Command
	version := bodyVersion
	if !c.Condition.IsZero() {
		version = bodyConditional
	}
	if c.Tenant != "" {
		version = bodyTenant
	}
	body, err := json.Marshal(messageBody{
		V: version, Tenant: c.Tenant, Command: c.Name, ID: c.ID, Payload: c.Payload, CommandID: c.CommandID,
		ExpectedVersion: c.ExpectedVersion, Condition: c.Condition, Actor: c.Actor, Correlation: c.Correlation, Causation: c.Causation,
		Trace: events.TraceParent(c.Trace), Again: e.Again,
	})
	if err != nil {
		return Message{}, events.Wrap(events.CodeInternal, err, "the command can't be queued")
	}
	return Message{
		Body: body, Group: queueID(string(stream)), Deduplication: queueID(events.Scoped(c.Tenant, c.CommandID)), Tenant: c.Tenant,
	}, nil
}

// Decode reads the body of a message. Its error has code internal: the body is not
// that of an envelope's message, at a version that this program knows.
func Decode(body []byte) (Envelope, error) {
	var b messageBody
	if err := json.Unmarshal(body, &b); err != nil {
		// The error may quote the body, which holds a payload.
		return Envelope{}, events.Errorf(events.CodeInternal, "the message can't be read: it is not the JSON of a queued command")
	}
	switch {
	case b.V < bodyVersion || b.V > bodyTenant:
		return Envelope{}, events.Errorf(events.CodeInternal, "the message can't be read: it has version %d, not %d to %d", b.V, bodyVersion, bodyTenant)
	case (b.V == bodyTenant) != (b.Tenant != ""):
		return Envelope{}, events.Errorf(events.CodeInternal, "the message can't be read: those of version %d have a tenant, and no others", bodyTenant)
	case b.Command == "" || b.CommandID == "" || b.ID == "":
		return Envelope{}, events.Errorf(events.CodeInternal, "the message can't be read: it names no command, no id or no command id")
	}
	return Envelope{Again: b.Again, Command: aggregate.Command{
		Tenant: b.Tenant, Name: b.Command, ID: b.ID, Payload: b.Payload, CommandID: b.CommandID, ExpectedVersion: b.ExpectedVersion, Condition: b.Condition,
		Actor: b.Actor, Correlation: b.Correlation, Causation: b.Causation, Trace: events.TraceParent(b.Trace),
	}}, nil
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
