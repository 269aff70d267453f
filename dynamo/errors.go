package dynamo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"daybook/events"
	"daybook/internal/signedhttp"
)

// retryAfter is what a caller is told to wait when DynamoDB throttles and the
// attempts of the client are used up.
const retryAfter = time.Second

// The messages of this room, written for clients.
const (
	msgCanceled    = "the request was given up"
	msgBusy        = "the database is busy"
	msgUnavailable = "the database is not available"
	msgInternal    = "the database refused a request"
	msgConflict    = "another write was first"
)

// translate turns an error of the AWS SDK into an *events.Error; it is the one
// place that knows AWS's error names. An error that is one already stays.
//
// What DynamoDB says for certain is looked at first, then whether ctx ended, and
// whatever remains is a request without an answer: unavailable. A missing table
// and missing rights are unavailable too: a deployment fixes them, without
// the data or the program being at fault.
func translate(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*events.Error](err); ok {
		return e
	}
	if e, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
		return canceledTransaction(e, err)
	}
	if _, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return events.Wrap(events.CodeConflict, err, msgConflict)
	}
	if ctx.Err() != nil {
		return events.Wrap(events.CodeCanceled, errors.Join(ctx.Err(), err), msgCanceled)
	}
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return apiError(e, err)
	}
	return events.Wrap(events.CodeUnavailable, err, msgUnavailable)
}

// apiError translates an error that DynamoDB answered with.
func apiError(e smithy.APIError, err error) error {
	if code := e.ErrorCode(); signedhttp.LacksRight(code) || signedhttp.RejectsCredentials(code) {
		return events.Wrap(events.CodeUnavailable, fmt.Errorf("%w: %w", events.ErrNoAccess, err), msgUnavailable)
	}
	switch e.ErrorCode() {
	case "ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded",
		"TransactionConflictException", "TransactionInProgressException", "ReplicatedWriteConflictException",
		"LimitExceededException":
		return busy(withReasons(err))
	case "ValidationException":
		if overLimit(e.ErrorMessage()) {
			return events.Wrap(events.CodeTooLarge, err, msgTooLarge("an item"))
		}
		return events.Wrap(events.CodeInternal, err, msgInternal)
	case "ResourceNotFoundException", "ResourceInUseException", "TableNotFoundException":
		return events.Wrap(events.CodeUnavailable, err, msgUnavailable)
	case "ItemCollectionSizeLimitExceededException":
		return events.Wrap(events.CodeTooLarge, err, msgTooLarge("an item"))
	}
	if r, ok := errors.AsType[*smithyhttp.ResponseError](err); ok && r.HTTPStatusCode() < 500 {
		return events.Wrap(events.CodeInternal, err, msgInternal)
	}
	return events.Wrap(events.CodeUnavailable, err, msgUnavailable)
}

// canceledTransaction translates by the reasons, which stand in the order of the
// writes. A failure that no retry can fix comes first, then a condition that failed,
// then contention and throttling.
func canceledTransaction(e *types.TransactionCanceledException, err error) error {
	var conflict, contended, invalid bool
	for _, r := range e.CancellationReasons {
		switch code, message := value(r.Code), value(r.Message); code {
		case "", "None":
		case "ConditionalCheckFailed":
			conflict = true
		case "TransactionConflict", "ProvisionedThroughputExceeded", "ThrottlingError", "RequestLimitExceeded":
			contended = true
		case "ItemCollectionSizeLimitExceeded":
			return events.Wrap(events.CodeTooLarge, err, msgTooLarge("an item"))
		default: // ValidationError and what may come
			if overLimit(message) {
				return events.Wrap(events.CodeTooLarge, err, msgTooLarge("an item"))
			}
			invalid = true
		}
	}
	switch {
	case invalid:
		return events.Wrap(events.CodeInternal, err, msgInternal)
	case conflict:
		return events.Wrap(events.CodeConflict, err, msgConflict)
	case contended:
		return busy(err)
	}
	return events.Wrap(events.CodeUnavailable, err, msgUnavailable)
}

// overLimit tells DynamoDB's messages about sizes from its other
// ValidationExceptions.
func overLimit(message string) bool {
	return strings.Contains(message, "tem size has exceeded the maximum allowed size") ||
		strings.Contains(message, "tem size to update has exceeded the maximum allowed size") ||
		strings.Contains(message, "has exceeded the maximum size limit") || // of a key
		strings.Contains(message, "aggregate size of all") // over 4 MB in one transaction
}

func busy(err error) error {
	e := events.Wrap(events.CodeBusy, err, msgBusy)
	e.RetryAfter = retryAfter
	return e
}

// withReasons adds to a throttled call's error, for the log, what was throttled and
// why: "TableWriteKeyRangeThroughputExceeded of arn:…:table/daybook-events".
func withReasons(err error) error {
	var reasons []types.ThrottlingReason
	if e, ok := errors.AsType[*types.ProvisionedThroughputExceededException](err); ok {
		reasons = e.ThrottlingReasons
	} else if e, ok := errors.AsType[*types.ThrottlingException](err); ok {
		reasons = e.ThrottlingReasons
	} else if e, ok := errors.AsType[*types.RequestLimitExceeded](err); ok {
		reasons = e.ThrottlingReasons
	}
	for _, r := range reasons {
		err = fmt.Errorf("%w; %s of %s", err, value(r.Reason), value(r.Resource))
	}
	return err
}

func msgTooLarge(what string) string {
	return fmt.Sprintf("%s has at most %d bytes", what, maxItemSize)
}

// tooLarge is the error of what is refused before it is sent.
func tooLarge(what string) error {
	return events.Errorf(events.CodeTooLarge, "%s", msgTooLarge(what))
}

// value is what p points to, or the zero value.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
