package messaging

import (
	"cmp"
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"daybook/events"
	"daybook/internal/signedhttp"
)

// retryAfter is what a caller is told to wait when a service throttles and the
// attempts are used up.
const retryAfter = time.Second

// The messages of this room, written for clients.
const (
	msgCanceled    = "the request was given up"
	msgBusy        = "the messaging or key service is busy"
	msgUnavailable = "the messaging or key service is not available"
	msgInternal    = "the messaging or key service refused a request"
	msgTooLarge    = "a message is over the size limit"
)

// refusal is an error that a service answered with.
type refusal struct {
	status  int
	code    string // "ThrottlingException"
	message string
}

func (r *refusal) Error() string {
	return fmt.Sprintf("status %d, %s: %s", r.status, r.code, r.message)
}

// ErrorCode lets the retry loop tell a clock that is wrong from missing rights.
func (r *refusal) ErrorCode() string { return r.code }

// ErrorMessage returns the service's words.
func (r *refusal) ErrorMessage() string { return r.message }

// Is reports whether target is events.ErrNoAccess, and the refusal has that cause.
func (r *refusal) Is(target error) bool { return target == events.ErrNoAccess && r.noAccess() }

// defect is an error of this program: the same request would fail again.
type defect struct{ error }

func (d defect) Unwrap() error { return d.error }

// readRefusal reads the code from where the protocols put it: the header
// X-Amzn-Errortype, or the body's __type or code; without namespace and URL.
func readRefusal(answer *http.Response, body []byte) *refusal {
	r := &refusal{status: answer.StatusCode, code: answer.Header.Get("X-Amzn-Errortype")}
	var said struct {
		Type    string `json:"__type"`
		Code    string `json:"code"`
		Message string `json:"message,case:ignore"`
	}
	if json.Unmarshal(body, &said) == nil {
		r.message = said.Message
	}
	for _, code := range []string{said.Type, said.Code, http.StatusText(r.status)} {
		r.code = cmp.Or(r.code, code)
	}
	r.code, _, _ = strings.Cut(r.code, ":")
	r.code = r.code[strings.LastIndexByte(r.code, '#')+1:]
	return r
}

// codes says what an error of AWS means here. One that is not listed is
// unavailable with a status of 5xx, busy with 429, else internal.
var codes = map[string]events.Code{
	"ThrottlingException":             events.CodeBusy,
	"ThrottledException":              events.CodeBusy,
	"Throttling":                      events.CodeBusy,
	"RequestThrottled":                events.CodeBusy,
	"RequestThrottledException":       events.CodeBusy,
	"RequestLimitExceeded":            events.CodeBusy,
	"TooManyRequestsException":        events.CodeBusy,
	"LimitExceededException":          events.CodeBusy,
	"ServiceQuotaExceededException":   events.CodeBusy,
	"OverLimit":                       events.CodeBusy,
	"KmsThrottled":                    events.CodeBusy,
	"ConcurrentModificationException": events.CodeBusy,

	// Scheduler's code for a name that exists already.
	"ConflictException": events.CodeConflict,

	// A missing queue, bus or group is fixed by a deployment, without the data or the
	// program being at fault.
	"QueueDoesNotExist":                       events.CodeUnavailable,
	"AWS.SimpleQueueService.NonExistentQueue": events.CodeUnavailable,
	"ResourceNotFoundException":               events.CodeUnavailable,

	"BatchRequestTooLong": events.CodeTooLarge,
	"MessageTooLong":      events.CodeTooLarge,
}

// keyFaults are the codes of a wrapping key that is missing, disabled or pending
// deletion: those of SQS, and KMS's own.
var keyFaults = []string{
	"KmsDisabled", "KmsNotFound", "KmsInvalidState",
	"NotFoundException", "DisabledException", "KMSInvalidStateException",
}

// noAccess reports whether nothing but an operator makes the same call succeed, who
// grants a right, renews credentials or enables a key.
func (r *refusal) noAccess() bool {
	return signedhttp.LacksRight(r.code) || signedhttp.RejectsCredentials(r.code) || slices.Contains(keyFaults, r.code)
}

// meaning is the refusal's code of package events.
func (r *refusal) meaning() events.Code {
	if code, ok := codes[r.code]; ok {
		return code
	}
	switch {
	case r.noAccess():
		return events.CodeUnavailable
	case r.status == http.StatusTooManyRequests:
		return events.CodeBusy
	case r.status >= http.StatusInternalServerError:
		return events.CodeUnavailable
	}
	return events.CodeInternal
}

// refused reports whether a service answered with this code: to tell what only
// one operation can.
func refused(err error, code string) bool {
	r, ok := errors.AsType[*refusal](err)
	return ok && r.code == code
}

// translate turns the error of a call into an *events.Error. A definite answer of the
// service is looked at first, then whether ctx ended; anything else is
// a request without an answer: unavailable.
func translate(ctx context.Context, err error) error {
	if r, ok := errors.AsType[*refusal](err); ok {
		return wrap(r.meaning(), err)
	}
	if _, ok := errors.AsType[defect](err); ok {
		return wrap(events.CodeInternal, err)
	}
	if ctx.Err() != nil {
		return wrap(events.CodeCanceled, errors.Join(ctx.Err(), err))
	}
	return wrap(events.CodeUnavailable, err)
}

// wrap gives an error of AWS a code, and that code's message for clients.
func wrap(code events.Code, err error) error {
	switch code {
	case events.CodeBusy:
		e := events.Wrap(code, err, msgBusy)
		e.RetryAfter = retryAfter
		return e
	case events.CodeCanceled:
		return events.Wrap(code, err, msgCanceled)
	case events.CodeTooLarge:
		return events.Wrap(code, err, msgTooLarge)
	case events.CodeUnavailable:
		return events.Wrap(code, err, msgUnavailable)
	case events.CodeConflict:
		return events.Wrap(code, err, "it exists already")
	}
	return events.Wrap(code, err, msgInternal)
}
