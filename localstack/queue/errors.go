package queue

import (
	"fmt"
	"net/http"
)

// apiError is an error as SQS sends it: the shape's name and the code that the
// older query protocol had, which SDKs show.
type apiError struct {
	status  int
	shape   string // after com.amazonaws.sqs#
	code    string // of x-amzn-query-error
	message string
}

// Error returns the code and the text.
func (e *apiError) Error() string { return e.code + ": " + e.message }

func clientError(shape, code, format string, args ...any) *apiError {
	return &apiError{status: http.StatusBadRequest, shape: shape, code: code, message: fmt.Sprintf(format, args...)}
}

func missing(parameter string) *apiError {
	return clientError("MissingParameter", "MissingParameter", "The request must contain the parameter %s.", parameter)
}

func invalidValue(format string, args ...any) *apiError {
	return clientError("InvalidParameterValue", "InvalidParameterValue", format, args...)
}

func invalidParameter(parameter, value, reason string) *apiError {
	return invalidValue("Value %s for parameter %s is invalid. Reason: %s", value, parameter, reason)
}

func unsupported(format string, args ...any) *apiError {
	return clientError("UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation", format, args...)
}

func noResource(format string, args ...any) *apiError {
	return clientError("ResourceNotFoundException", "ResourceNotFoundException", format, args...)
}

func noQueue() *apiError {
	return clientError("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")
}

func internalError() *apiError {
	return &apiError{
		status: http.StatusInternalServerError, shape: "InternalError", code: "InternalError",
		message: "We encountered an internal error. Please try again.",
	}
}
