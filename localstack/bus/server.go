package bus

import (
	"cmp"
	"context"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"log/slog"
	"net/http"
	"strings"
	"uuid"

	"daybook/localstack/wire"
)

const (
	target = "AWSEvents."

	// maxEntries and maxTotal are EventBridge's limits of one request: entries,
	// and bytes of their time, source, detail type, detail and resources.
	maxEntries = 10
	maxTotal   = 1 << 20
	timeBytes  = 14
	tooLong    = "Total size of the entries in the request is over the limit."

	maxRequest = 8 << 20 // bytes, with room for JSON's escapes

	// DefaultBus is the event bus there always is.
	DefaultBus = "default"
)

// Event is what a sink gets.
type Event struct {
	// Subject is the detail's member "subject", by which events are ordered; ""
	// for a detail that has none.
	Subject string
	// Detail is a JSON object on one line.
	Detail jsontext.Value
}

// Sink takes events. It may be called concurrently.
type Sink interface {
	// Put takes the events, in order, and returns when they are safe. After an
	// error some may be, and all are put again.
	Put(ctx context.Context, events []Event) error
}

// Options say which buses there are and where events go.
type Options struct {
	// Buses are the event buses there are, beside DefaultBus.
	Buses []string
	// Sink takes the events; nil forgets them.
	Sink Sink
	// Log takes the few lines worth an operator's attention, slog.Default by
	// default.
	Log *slog.Logger
}

// Server is an embedded EventBridge. It is safe for concurrent use.
type Server struct {
	buses    map[string]bool
	sink     Sink
	log      *slog.Logger
	protocol *wire.Protocol
}

// New returns a server.
func New(o Options) *Server {
	s := &Server{
		buses: map[string]bool{DefaultBus: true}, sink: o.Sink, log: cmp.Or(o.Log, slog.Default()),
		protocol: wire.JSON11("embedded event bus", maxRequest, tooLong, "InternalException"),
	}
	for _, b := range o.Buses {
		s.buses[b] = true
	}
	return s
}

// entry is one event of a request.
type entry struct {
	Detail       *string
	DetailType   *string
	EventBusName *string
	Resources    []string
	Source       *string
	Time         *float64
	TraceHeader  *string
}

// size is what EventBridge counts, in bytes.
func (e *entry) size() (n int) {
	if e.Time != nil {
		n = timeBytes
	}
	for _, s := range []*string{e.Source, e.DetailType, e.Detail} {
		n += len(value(s))
	}
	for _, r := range e.Resources {
		n += len(r)
	}
	return n
}

// result is the outcome of an entry.
type result struct {
	EventID      string `json:"EventId,omitzero"`
	ErrorCode    string `json:",omitzero"`
	ErrorMessage string `json:",omitzero"`
}

// output is the answer to PutEvents.
type output struct {
	FailedEntryCount int
	Entries          []result
}

// ServeHTTP speaks EventBridge's wire protocol. Signatures are not checked.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.protocol.Serve(s.log, w, r, func() (any, error) {
		if operation := r.Header.Get("X-Amz-Target"); r.Method != http.MethodPost || operation != target+"PutEvents" {
			return nil, wire.UnknownOperation(operation, target)
		}
		in, err := wire.Decode[struct{ Entries []*entry }](s.protocol, r)
		if err != nil {
			return nil, err
		}
		return s.put(r.Context(), in.Entries)
	})
}

// put is PutEvents: every entry has a result of its own.
func (s *Server) put(ctx context.Context, entries []*entry) (output, error) {
	if len(entries) == 0 || len(entries) > maxEntries {
		return output{}, wire.Validation("1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length between 1 and %d.", maxEntries)
	}
	total := 0
	for _, e := range entries {
		total += e.size()
	}
	if total >= maxTotal {
		return output{}, wire.Validation(tooLong)
	}
	out := output{Entries: make([]result, len(entries))}
	var events []Event
	var taken []int
	for i, e := range entries {
		event, refused := s.event(e)
		if refused != nil {
			out.Entries[i] = *refused
			out.FailedEntryCount++
			continue
		}
		events, taken = append(events, event), append(taken, i)
	}
	var err error
	if s.sink != nil && len(events) > 0 {
		err = s.sink.Put(ctx, events)
	}
	if err != nil {
		s.log.Error("embedded event bus: events can't be delivered", "events", len(events), "error", err)
	}
	for _, i := range taken {
		if out.Entries[i] = (result{EventID: uuid.New().String()}); err != nil {
			out.Entries[i] = result{ErrorCode: "InternalFailure", ErrorMessage: "The event could not be delivered."}
			out.FailedEntryCount++
		}
	}
	return out, nil
}

// event reads an entry, or says why it is refused.
func (s *Server) event(e *entry) (Event, *result) {
	for _, required := range []struct {
		name  string
		value *string
	}{{"Source", e.Source}, {"DetailType", e.DetailType}, {"Detail", e.Detail}} {
		if value(required.value) == "" {
			return Event{}, &result{ErrorCode: "InvalidArgument",
				ErrorMessage: "Parameter " + required.name + " is not valid. Reason: " + required.name + " is a required argument."}
		}
	}
	bus := value(e.EventBusName)
	if i := strings.Index(bus, ":event-bus/"); i >= 0 {
		bus = bus[i+len(":event-bus/"):]
	}
	detail := jsontext.Value(*e.Detail)
	switch {
	case bus != "" && !s.buses[bus]:
		return Event{}, &result{ErrorCode: "InvalidArgument", ErrorMessage: "Parameter EventBusName is not valid. Reason: " + bus + " does not exist."}
	case strings.HasPrefix(*e.Source, "aws."):
		return Event{}, &result{ErrorCode: "NotAuthorizedForSource", ErrorMessage: "Not authorized for the source."}
	case detail.Kind() != '{' || detail.Compact() != nil:
		return Event{}, &result{ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed."}
	}
	var of struct {
		Subject string `json:"subject"`
	}
	_ = json.Unmarshal(detail, &of) // a detail may have another "subject", or none
	return Event{Subject: of.Subject, Detail: detail}, nil
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
