package api

import (
	"context"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"maps"
	"net/http"
	"strconv"
	"time"

	"daybook/events"
)

// CodeUnsupportedMediaType says that a body is declared to be something other
// than JSON in UTF-8. It is the one code of this package's own.
const CodeUnsupportedMediaType events.Code = "unsupported-media-type"

// kind is what a code is over HTTP.
type kind struct {
	status  int
	title   string
	example string // of a detail, for the description
}

// kinds maps the codes of the system to HTTP. A code that is not here (conflict
// stays inside) is internal; a domain rejection is rejected whatever its code.
var kinds = map[events.Code]kind{
	events.CodeMalformed:        {http.StatusBadRequest, "The request is malformed", "the payload is malformed"},
	events.CodeNoIndex:          {http.StatusBadRequest, "No index serves the query", "no index serves this query"},
	events.CodeUnauthenticated:  {http.StatusUnauthorized, "Credentials are missing or not valid", "the request has no credentials"},
	events.CodeForbidden:        {http.StatusForbidden, "The credentials do not allow this", "the command needs a scope, which the caller does not have"},
	events.CodeTenantRequired:   {http.StatusForbidden, "The credentials name no tenant", "the application keeps the data of tenants apart, and the credentials name none"},
	events.CodeUnknownCommand:   {http.StatusNotFound, "There is no such command", "there is no such command"},
	events.CodeUnknownView:      {http.StatusNotFound, "There is no such view", "there is no such view"},
	events.CodeNotFound:         {http.StatusNotFound, "There is nothing here", "there is nothing of this id"},
	events.CodeMethodNotAllowed: {http.StatusMethodNotAllowed, "The method is not allowed here", "the path does not allow DELETE"},
	events.CodeVersionConflict:  {http.StatusConflict, "The stream is at another version", "the stream is at version 3, not 2"},
	events.CodeAlreadyTaken:     {http.StatusConflict, "The value is taken", "the value is taken"},
	events.CodeTooLarge:         {http.StatusRequestEntityTooLarge, "Too large", "a body has at most 1048576 bytes"},
	CodeUnsupportedMediaType:    {http.StatusUnsupportedMediaType, "The body is not declared as JSON", "the Content-Type of a body must be application/json"},
	events.CodeKeyReused:        {http.StatusUnprocessableEntity, "The idempotency key was used for another command", "the command id was used for another command"},
	events.CodeThrottled:        {http.StatusTooManyRequests, "Too many requests", "too many requests"},
	events.CodeBusy:             {http.StatusServiceUnavailable, "Busy, try again", "too many commands write to this stream at once"},
	events.CodeUnavailable:      {http.StatusServiceUnavailable, "Unavailable, try again", "the store does not answer"},
	events.CodeCanceled:         {http.StatusServiceUnavailable, "The request was given up", "the request was given up"},
	events.CodeInternal:         {http.StatusInternalServerError, "An unexpected fault", "the fault was logged under the request's id"},
}

// kindsOf are the kinds that an application with or without tenants can answer.
func kindsOf(tenants bool) map[events.Code]kind {
	all := maps.Clone(kinds)
	if !tenants {
		delete(all, events.CodeTenantRequired)
	}
	return all
}

var rejected = kind{http.StatusUnprocessableEntity, "The command was rejected", "this is closed already"}

// defaultRetryAfter is what a client is told to wait when an error says that
// a retry helps, but not when.
const defaultRetryAfter = time.Second

// problem is the body of a failed request: RFC 9457 with members of our own.
type problem struct {
	Type      string         `json:"type"`
	Title     string         `json:"title"`
	Status    int            `json:"status"`
	Code      events.Code    `json:"code"`
	Detail    string         `json:"detail"`
	Errors    []events.Field `json:"errors,omitempty"`
	Version   *int64         `json:"version,omitzero"` // the stream's, for version-conflict
	RequestID string         `json:"requestId,omitzero"`
}

// failure is an error whose answer needs more than its code.
type failure struct {
	error
	status int    // instead of the code's, if not 0
	allow  string // the methods of the path, for method-not-allowed
	parked bool   // a row may be missing because a stream is parked
}

func (f *failure) Unwrap() error { return f.error }

// errorOf is err as an *events.Error. Any other error is internal, except that of
// a context that ended.
func errorOf(err error) *events.Error {
	if e, ok := errors.AsType[*events.Error](err); ok {
		if _, known := kinds[e.Code]; known || e.Rejected {
			return e
		}
	} else if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return events.Wrap(events.CodeCanceled, err, "the request was given up")
	}
	return events.Wrap(events.CodeInternal, err, "")
}

// problemOf is what a client is told of err.
func problemOf(err error, requestID string) problem {
	e := errorOf(err)
	k := kinds[e.Code]
	if e.Rejected {
		k = rejected
	}
	p := problem{
		Type:      "urn:daybook:problem:" + string(e.Code),
		Title:     k.title,
		Status:    k.status,
		Code:      e.Code,
		Detail:    clip(e.Message, maxDetail),
		Errors:    clipFields(e.Fields),
		RequestID: requestID,
	}
	if e.Code == events.CodeInternal && !e.Rejected {
		p.Detail, p.Errors = "the fault was logged under the request's id", nil
	}
	if e.Code == events.CodeVersionConflict && !e.Rejected {
		p.Version = &e.Version
	}
	if f, ok := errors.AsType[*failure](err); ok && f.status != 0 {
		p.Status = f.status
	}
	return p
}

// maxName, maxPath and maxDetail bound in bytes what a problem repeats of a request: a
// client can send a name of any length.
const (
	maxName   = 128
	maxPath   = 512
	maxDetail = 2048
)

// clipFields shortens paths and messages that are too long.
func clipFields(fields []events.Field) []events.Field {
	out := make([]events.Field, len(fields))
	for i, f := range fields {
		out[i] = events.Field{Path: clip(f.Path, maxPath), Message: clip(f.Message, maxDetail)}
	}
	return out
}

func (p problem) marshal() []byte {
	b, err := json.Marshal(p, jsontext.AllowInvalidUTF8(true))
	if err != nil { // a problem is strings and numbers
		return []byte(`{"type":"about:blank","status":500,"code":"internal"}`)
	}
	return b
}

// problemAnswer is the answer to a request that failed with err.
func problemAnswer(err error, requestID string) *answer {
	p := problemOf(err, requestID)
	a := &answer{status: p.Status, contentType: "application/problem+json", body: p.marshal(), header: http.Header{}}
	e := errorOf(err)
	switch {
	case e.Rejected:
	case e.Code == events.CodeBusy, e.Code == events.CodeUnavailable, e.Code == events.CodeThrottled, e.Code == events.CodeCanceled:
		a.header.Set("Retry-After", retryAfter(e.RetryAfter))
	case e.Code == events.CodeUnauthenticated:
		a.header.Set("WWW-Authenticate", "Bearer")
	}
	if f, ok := errors.AsType[*failure](err); ok {
		if f.allow != "" {
			a.header.Set("Allow", f.allow)
		}
		if f.parked {
			a.header.Set("Daybook-Parked", "true")
		}
	}
	return a
}

// retryAfter writes d in whole seconds, rounded up.
func retryAfter(d time.Duration) string {
	if d <= 0 {
		d = defaultRetryAfter
	}
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}
