package wire

import (
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"uuid"
)

// Error is an error as a service sends it.
type Error struct {
	Status  int    // of HTTP
	Kind    string // the error's name
	Message string
}

// Error returns the error's name and text.
func (e *Error) Error() string { return e.Kind + ": " + e.Message }

// Errorf makes an error with a formatted message.
func Errorf(status int, kind, format string, args ...any) *Error {
	return &Error{Status: status, Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// Protocol is how one service reads requests and writes answers in JSON.
type Protocol struct {
	Service     string // its name in log lines
	ContentType string
	MaxRequest  int64 // bytes of a body

	// TooLong, Malformed and Internal answer a body over MaxRequest, one that is
	// not what the operation takes, and an error that is not meant for a client.
	TooLong, Malformed, Internal *Error
	// Unsupported answers a member that the engine does not know.
	Unsupported func(member string) *Error
	// Describe returns an error's body, and adds its headers.
	Describe func(h http.Header, e *Error) any
}

// Serve answers a request with what the operation returns, as JSON. A panic and
// every error that is no *Error are logged and answered with Internal.
func (p *Protocol) Serve(log *slog.Logger, w http.ResponseWriter, r *http.Request, operation func() (any, error)) {
	status, answer, err := http.StatusOK, any(nil), error(nil)
	if answer, err = guard(operation); err != nil {
		refused, ok := errors.AsType[*Error](err)
		switch {
		case ok:
		case errors.Is(err, errGone):
			panic(http.ErrAbortHandler)
		default:
			if r.Context().Err() == nil {
				log.Error(p.Service+": a request failed", "method", r.Method, "path", r.URL.Path, "target", r.Header.Get("X-Amz-Target"), "error", err)
			}
			refused = p.Internal
		}
		status, answer = refused.Status, p.Describe(w.Header(), refused)
	}
	data, err := json.Marshal(answer, json.Deterministic(true))
	if err != nil { // the answers' types all marshal
		log.Error(p.Service+": an answer has no JSON", "error", err)
		status, data = http.StatusInternalServerError, []byte("{}")
	}
	w.Header().Set("Content-Type", p.ContentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.Header().Set("X-Amzn-Requestid", uuid.New().String())
	w.WriteHeader(status)
	_, _ = w.Write(data) // the client has gone
}

// guard turns a panic of an operation into an error.
func guard(operation func() (any, error)) (answer any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("a bug: %v\n%s", p, debug.Stack())
		}
	}()
	return operation()
}

// errGone is a body that could not be read to its end.
var errGone = errors.New("wire: the client has gone")

// Decode reads a request's body. A member that T does not have is refused: it
// may change the request's meaning.
func Decode[T any](p *Protocol, r *http.Request) (in T, err error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, p.MaxRequest+1))
	if err != nil {
		return in, errGone
	}
	if int64(len(body)) > p.MaxRequest {
		return in, p.TooLong
	}
	err = json.Unmarshal(body, &in, json.RejectUnknownMembers(true))
	if semantic, ok := errors.AsType[*json.SemanticError](err); ok && errors.Is(err, json.ErrUnknownName) {
		return in, p.Unsupported(semantic.JSONPointer.LastToken())
	}
	if err != nil {
		return in, p.Malformed
	}
	return in, nil
}
