package process

import (
	"context"
	"encoding/json/jsontext"
	"time"
)

// Request is a command on its way to its aggregate. Every field is derived from
// the event that caused it, so that the same request may be sent again.
type Request struct {
	// Tenant is that of the event's stream: a command stays with its tenant.
	Tenant  string
	Command string         // declared name: "reserve-stock"
	ID      string         // of the aggregate; empty for a command that creates one with a derived id
	Payload jsontext.Value // a JSON object

	// CommandID is a UUID derived from reactor, stream, event, command, target
	// and occurrence.
	CommandID   string
	Actor       string // "process/fulfilment"
	Correlation string // that of the commit; may be empty
	Causation   string // the event, with the tenant: "order/7@1", "acme:order/7@1"
	Trace       string // the commit's W3C traceparent; may be empty
}

// Commands handles commands at once. All methods may be called concurrently.
type Commands interface {
	// Handle handles one command; nil says that it is accepted, now or when it
	// came before. A refusal is an *events.Error with Rejected set, or of code
	// already-taken. A command whose id was used for another payload is
	// idempotency-key-reused. Errors that events.Transient reports may be tried
	// again with the same request; all others are permanent.
	Handle(ctx context.Context, r Request) error
}

// Timer is a command that is to be sent at a time.
type Timer struct {
	// Name is a UUID derived from manager, stream, event, the name that the
	// manager gave the timer, and the time: another timer has another name.
	Name string
	// Label says to people which timer it is: "fulfilment order/7 confirmation".
	Label string
	// At is when the command is due, at a whole millisecond, UTC. It is
	// derived from the event's time, so it may have passed.
	At time.Time
	// Command is sent at that time, once or more often: its id makes repeats
	// harmless. Its outcome is not waited for.
	Command Request
}

// Timers sends commands later. All methods may be called concurrently.
//
// Errors are *events.Error. Those that events.Transient reports may be tried
// again; any other is permanent.
type Timers interface {
	// Set sets a timer. Setting one that is set again changes nothing. One that
	// is due already fires soon. One that was cancelled or has fired may be set
	// again; then its command may be sent again.
	Set(ctx context.Context, t Timer) error

	// Cancel removes the timer of this name. One that is not there is fine. A
	// timer that is just firing may still send its command.
	Cancel(ctx context.Context, name string) error
}

// CloudEvent is an integration event as CloudEvents 1.0 describes it; its JSON is
// the structured form, media type application/cloudevents+json.
type CloudEvent struct {
	SpecVersion string `json:"specversion"` // "1.0"
	// ID is a UUID derived from outbox, stream and version: it comes again when
	// the event is published again, and is what consumers deduplicate by.
	ID              string    `json:"id"`
	Source          string    `json:"source"`          // "daybook/shop": deployment and outbox
	Type            string    `json:"type"`            // with its version: "com.example.shop.order-confirmed.v1"
	Subject         string    `json:"subject"`         // the stream, with the tenant: "order/7", "acme:order/7"
	Tenant          string    `json:"tenant,omitzero"` // the stream's; an extension
	Time            time.Time `json:"time"`            // when the command was accepted, UTC
	DataContentType string    `json:"datacontenttype"` // "application/json"
	DataSchema      string    `json:"dataschema"`      // names the JSON Schema: "urn:daybook:com.example.shop.order-confirmed.v1"
	Sequence        string    `json:"sequence"`        // the stream's version after the event, 20 digits: orders the events of a subject
	Correlation     string    `json:"correlationid,omitzero"`
	Causation       string    `json:"causationid"` // the event, without the tenant: "order/7@3"
	// Trace is the W3C traceparent of the request that set the event off: the
	// extension that CloudEvents calls distributed tracing.
	Trace string         `json:"traceparent,omitzero"`
	Data  jsontext.Value `json:"data"`
}

// Publisher publishes integration events. It may be called concurrently for
// different streams; the calls for one stream come one after another.
type Publisher interface {
	// Publish publishes events of one commit, in order, at least once each. It
	// returns nil when all of them are published; after an error some may be,
	// and all are published again. Errors are *events.Error: those that
	// events.Transient reports are retried, any other is permanent, such as
	// too-large.
	Publish(ctx context.Context, es []CloudEvent) error
}
