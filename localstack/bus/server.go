package bus

import (
	"context"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"uuid"
)

const (
	target      = "AWSEvents."
	contentType = "application/x-amz-json-1.1"

	// maxEntries and maxTotal are EventBridge's limits of one request: entries,
	// and bytes of their time, source, detail type, detail and resources.
	maxEntries = 10
	maxTotal   = 1 << 20
	maxRequest = 8 << 20 // bytes, with room for JSON's escapes
	timeBytes  = 14

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
	buses map[string]bool
	sink  Sink
	log   *slog.Logger
}

// New returns a server.
func New(o Options) *Server {
	s := &Server{buses: map[string]bool{DefaultBus: true}, sink: o.Sink, log: o.Log}
	for _, b := range o.Buses {
		s.buses[b] = true
	}
	if s.log == nil {
		s.log = slog.Default()
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

// result is what became of an entry.
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

// apiError is an error of a whole request.
type apiError struct {
	status        int
	kind, message string
}

// Error returns the error's name and text.
func (e *apiError) Error() string { return e.kind + ": " + e.message }

func validation(format string, args ...any) *apiError {
	return &apiError{http.StatusBadRequest, "ValidationException", fmt.Sprintf(format, args...)}
}

// ServeHTTP speaks EventBridge's wire protocol. Signatures are not checked.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out, err := s.answer(r)
	if err == nil {
		write(w, http.StatusOK, out)
		return
	}
	e, ok := errors.AsType[*apiError](err)
	if !ok {
		s.log.Error("embedded event bus: a request failed", "error", err)
		e = &apiError{http.StatusInternalServerError, "InternalException", "This exception occurs due to unexpected causes."}
	}
	write(w, e.status, struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}{e.kind, e.message})
}

func write(w http.ResponseWriter, status int, answer any) {
	data, _ := json.Marshal(answer) // strings and numbers marshal
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.Header().Set("X-Amzn-Requestid", uuid.New().String())
	w.WriteHeader(status)
	_, _ = w.Write(data) // the client has gone
}

// answer carries out one request; a bug becomes an error.
func (s *Server) answer(r *http.Request) (out output, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("a bug: %v\n%s", p, debug.Stack())
		}
	}()
	if operation := r.Header.Get("X-Amz-Target"); r.Method != http.MethodPost || operation != target+"PutEvents" {
		return out, &apiError{http.StatusBadRequest, "UnknownOperationException", "The operation " + strings.TrimPrefix(operation, target) + " is not supported by this engine."}
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest))
	if err != nil {
		return out, fmt.Errorf("read the request: %w", err)
	}
	var in struct{ Entries []*entry }
	err = json.Unmarshal(body, &in, json.RejectUnknownMembers(true))
	if semantic, ok := errors.AsType[*json.SemanticError](err); ok && errors.Is(err, json.ErrUnknownName) {
		return out, validation("The parameter %s is not supported by this engine.", semantic.JSONPointer.LastToken())
	}
	if err != nil {
		return out, &apiError{http.StatusBadRequest, "SerializationException", "The request is not what the operation takes."}
	}
	return s.put(r.Context(), in.Entries)
}

// put is PutEvents: every entry has a result of its own.
func (s *Server) put(ctx context.Context, entries []*entry) (output, error) {
	if len(entries) == 0 || len(entries) > maxEntries {
		return output{}, validation("1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length between 1 and %d.", maxEntries)
	}
	total := 0
	for _, e := range entries {
		total += e.size()
	}
	if total >= maxTotal {
		return output{}, validation("Total size of the entries in the request is over the limit.")
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
