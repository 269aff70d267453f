package aggregate

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"reflect"
	"slices"
	"time"

	"daybook/events"
)

// Command asks an aggregate for a change.
type Command struct {
	Name string // declared name, such as "create-user"
	// ID is the aggregate's id. It may be empty for a command that creates: the
	// id is then derived from CommandID, so that a retried create is the same
	// create.
	ID string
	// Payload is a JSON object; nil or empty is {}.
	Payload jsontext.Value
	// CommandID makes the command idempotent: a repeat on its stream, within
	// Description.IdempotentFor, gets the first answer again. Empty: one is
	// generated, and no repeat can be recognised.
	CommandID string
	// ExpectedVersion, when not nil, is the stream's version the sender decided
	// on, 0 for a stream that must not exist: any other is version-conflict.
	ExpectedVersion *int64
	// Condition is what else the sender asks of the stream's version.
	Condition Condition

	// Tenant is the verified tenant of the sender: the command's streams and claims are
	// this tenant's. It is "" in an application without tenants, and only there.
	Tenant string

	Actor       string // verified subject; never from the body of a request
	Correlation string // defaults to the command id
	Causation   string // defaults to the command id
	// Trace is the W3C traceparent that came with the command, kept with its commit;
	// one that is not valid is ignored. Commands that share a commit have that of the
	// first.
	Trace string
}

// Result is the answer to an accepted command.
type Result struct {
	Stream    events.Stream
	Version   int64  // the stream's version after the command
	CommandID string // as sent or generated
	Started   bool   // the command started the stream
	Replayed  bool   // the answer to an earlier command of the same id, repeated

	// Others are the further streams of a command over several, those that
	// exist, in the order of their names: each at its version after the command.
	// A repeated answer may have a later version of one that forgot the command.
	Others []events.Token
}

// Token is the consistency token of the result, with the tenant; a no-op on a stream
// that does not exist has none and is "".
func (r Result) Token() string {
	if r.Version == 0 {
		return ""
	}
	return events.Token{Stream: r.Stream, Version: r.Version}.String()
}

// Outcome is the result of one command of a batch, or its error.
type Outcome struct {
	Result Result
	Err    error
}

// Description describes a declared command, for the API's description.
type Description struct {
	Name      string
	Aggregate string
	Creates   bool // the aggregate id may be left out
	OnceOnly  bool // a repeat is recognised for 30 days
	// IdempotentFor is how long a repeat is recognised on the command's stream.
	IdempotentFor time.Duration
	Across        bool // it is decided over several streams
	// Internal says that process managers and operators send the command, and no
	// caller of the API: over HTTP it does not exist.
	Internal bool
	// Erases says that the command is sent to a person's own stream before the person is
	// erased.
	Erases bool
	// Scope is the OAuth scope that a caller of the API needs for the command; ""
	// for none.
	Scope   string
	scoped  bool         // Scope was given
	notKept bool         // NotKept was given
	Go      reflect.Type // of the payload
	// Schema returns the JSON Schema of the payload. It is written when first asked
	// for: a function that starts cold does without.
	Schema  func() jsontext.Value
	Summary string
}

// Example returns the example payload of the schema, the empty object for a payload
// without members.
func (d Description) Example() jsontext.Value {
	var known struct {
		Examples []jsontext.Value `json:"examples"`
	}
	if err := json.Unmarshal(d.Schema(), &known); err != nil || len(known.Examples) == 0 {
		return jsontext.Value("{}")
	}
	return known.Examples[0]
}

// Public returns the commands that have an address, those that are not internal.
func Public(all []Description) []Description {
	return slices.DeleteFunc(slices.Clone(all), func(c Description) bool { return c.Internal })
}

// Scopes returns the scopes that the commands need, sorted, each once.
func Scopes(all []Description) []string {
	var scopes []string
	for _, c := range all {
		if c.Scope != "" {
			scopes = append(scopes, c.Scope)
		}
	}
	slices.Sort(scopes)
	return slices.Compact(scopes)
}
