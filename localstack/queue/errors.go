package queue

import (
	"net/http"

	"daybook/localstack/wire"
)

// queryCode is the code that an error had in the older query protocol, which
// SDKs show and batches answer with.
func queryCode(kind string) string {
	switch kind {
	case "QueueNameExists":
		return "QueueAlreadyExists"
	case "QueueDoesNotExist":
		return "AWS.SimpleQueueService.NonExistentQueue"
	case "UnsupportedOperation", "PurgeQueueInProgress", "MessageNotInflight", "BatchRequestTooLong", "EmptyBatchRequest",
		"TooManyEntriesInBatchRequest", "InvalidBatchEntryId", "BatchEntryIdsNotDistinct":
		return "AWS.SimpleQueueService." + kind
	}
	return kind
}

func clientError(kind, format string, args ...any) *wire.Error {
	return wire.Errorf(http.StatusBadRequest, kind, format, args...)
}

func missing(parameter string) *wire.Error {
	return clientError("MissingParameter", "The request must contain the parameter %s.", parameter)
}

func invalidValue(format string, args ...any) *wire.Error {
	return clientError("InvalidParameterValue", format, args...)
}

func invalidParameter(parameter, value, reason string) *wire.Error {
	return invalidValue("Value %s for parameter %s is invalid. Reason: %s", value, parameter, reason)
}

func unsupported(format string, args ...any) *wire.Error {
	return clientError("UnsupportedOperation", format, args...)
}

func noResource(format string, args ...any) *wire.Error {
	return clientError("ResourceNotFoundException", format, args...)
}

func noQueue() *wire.Error {
	return clientError("QueueDoesNotExist", "The specified queue does not exist.")
}
