package events

import (
	"errors"
	"fmt"
	"time"
)

// Code says what went wrong, in a word that never changes. Callers act on an
// error's code, never on its message. The codes of the system are the constants
// below; a domain rejection carries a code of its own (Error.Rejected).
type Code string

// The codes of the system. Package api maps each to its HTTP status.
const (
	CodeMalformed        Code = "malformed"              // the request is not what its declaration says
	CodeUnauthenticated  Code = "unauthenticated"        // no or no valid credentials
	CodeForbidden        Code = "forbidden"              // credentials without the right
	CodeTenantRequired   Code = "tenant-required"        // the application has tenants, and the credentials name none
	CodeUnknownCommand   Code = "unknown-command"        // no command of that name is declared
	CodeUnknownView      Code = "unknown-view"           // no view of that name is declared
	CodeNotFound         Code = "not-found"              // no such row, stream or path
	CodeMethodNotAllowed Code = "method-not-allowed"     // the path exists, the method does not
	CodeNoIndex          Code = "no-index"               // no declared index serves the query
	CodeVersionConflict  Code = "version-conflict"       // the stream is not at the version that was asked for
	CodeAlreadyTaken     Code = "already-taken"          // a claimed value is held by another stream
	CodeTooLarge         Code = "too-large"              // a body, commit or row is over its size limit
	CodeKeyReused        Code = "idempotency-key-reused" // a command id came again with another command
	CodeThrottled        Code = "throttled"              // the caller sends too much
	CodeBusy             Code = "busy"                   // contention or throttling outlasted the attempts
	CodeUnavailable      Code = "unavailable"            // a dependency failed or timed out; whether a write happened may be unknown
	CodeCanceled         Code = "canceled"               // the caller went away
	CodeInternal         Code = "internal"               // a defect; details are in the log only

	// CodeConflict is what Store.Append returns when the position is taken. It
	// stays inside: handling a command turns it into success, busy or
	// version-conflict.
	CodeConflict Code = "conflict"
)

// Error is the one error type of Daybook. Message and Fields are written for
// clients; the wrapped cause is for logs and never reaches one.
type Error struct {
	Code    Code
	Message string
	// Rejected marks a domain rejection: Code is the domain's own.
	Rejected bool
	// Fields names what is wrong with which part of a request.
	Fields []Field
	// Version is the stream's current version, for version-conflict.
	Version int64
	// RetryAfter says how long to wait before a retry; zero says nothing.
	RetryAfter time.Duration

	cause error
}

// Field is one faulty part of a request: Path is a JSON pointer into the body
// ("/payload/name") or the name of a header or query parameter.
type Field struct {
	Path    string `json:"path"`
	Message string `json:"message"`
}

// Error writes code, message and cause, for logs.
func (e *Error) Error() string {
	s := string(e.Code) + ": " + e.Message
	for _, f := range e.Fields {
		s += fmt.Sprintf(" [%s %s]", f.Path, f.Message)
	}
	if e.cause != nil {
		s += ": " + e.cause.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// Errorf returns an Error with a message for clients.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Wrap returns an Error with a message for clients and a cause for the log.
func Wrap(code Code, cause error, message string) *Error {
	return &Error{Code: code, Message: message, cause: cause}
}

// Malformed returns an Error of code malformed about one field.
func Malformed(path, message string) *Error {
	return &Error{
		Code:    CodeMalformed,
		Message: "the request is malformed",
		Fields:  []Field{{Path: path, Message: message}},
	}
}

// CodeOf returns the code of the first Error in err's chain: "" for nil,
// internal when there is none.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return CodeInternal
}

// ErrNoAccess is in the chain of an unavailable error that only an operator ends: a
// right is missing, credentials are rejected, or a key can't be used.
var ErrNoAccess = errors.New("no access")

// Repeatable reports whether a retry within seconds can succeed: Transient, and not
// ErrNoAccess. A call that somebody waits for is retried by it, so that a missing
// right is reported at once. What a stream or a queue delivers again, for hours, is
// retried by Transient: after a deployment, a right can come a little later than the
// function that needs it.
func Repeatable(err error) bool { return Transient(err) && !errors.Is(err, ErrNoAccess) }

// Transient reports whether trying the same again can succeed: throttling,
// contention, a dependency that did not answer, a caller's deadline. A domain
// rejection never is, whatever its code.
func Transient(err error) bool {
	if e, ok := errors.AsType[*Error](err); ok && e.Rejected {
		return false
	}
	switch CodeOf(err) {
	case CodeBusy, CodeThrottled, CodeUnavailable, CodeCanceled, CodeConflict:
		return true
	}
	return false
}
