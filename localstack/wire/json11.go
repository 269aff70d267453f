package wire

import (
	"net/http"
	"strings"
)

// Validation makes the error for input that breaks a rule.
func Validation(format string, args ...any) *Error {
	return Errorf(http.StatusBadRequest, "ValidationException", format, args...)
}

// UnknownOperation makes the error for the operation of an X-Amz-Target that begins
// with the service's prefix.
func UnknownOperation(target, prefix string) *Error {
	return Errorf(http.StatusBadRequest, "UnknownOperationException", "The operation %s is not supported by this engine.", strings.TrimPrefix(target, prefix))
}

// JSON11 returns the protocol AWS JSON 1.1 of a service. tooLong is the message for a
// body over maxRequest bytes, and internal the name of the error that is not meant for a
// client.
func JSON11(service string, maxRequest int64, tooLong, internal string) *Protocol {
	return &Protocol{
		Service: service, ContentType: "application/x-amz-json-1.1", MaxRequest: maxRequest,
		TooLong:     Validation("%s", tooLong),
		Malformed:   Errorf(http.StatusBadRequest, "SerializationException", "The request is not what the operation takes."),
		Internal:    Errorf(http.StatusInternalServerError, internal, "This exception occurs due to unexpected causes."),
		Unsupported: UnsupportedParameter,
		Describe: func(_ http.Header, e *Error) any {
			return struct {
				Type    string `json:"__type"`
				Message string `json:"message"`
			}{e.Kind, e.Message}
		},
	}
}

// UnsupportedParameter makes the error for a member that the engine does not know.
func UnsupportedParameter(member string) *Error {
	return Validation("The parameter %s is not supported by this engine.", member)
}
