package embedded

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"daybook/localstack/embedded/attr"
)

// The prefixes that DynamoDB puts before an error's name on the wire.
const (
	prefixDynamoDB = "com.amazonaws.dynamodb.v20120810#"
	prefixValidate = "com.amazon.coral.validate#"
	prefixService  = "com.amazon.coral.service#"
)

// apiError is an error as DynamoDB sends it.
type apiError struct {
	status  int
	kind    string // __type with its prefix
	message string
	item    row            // the old item of a failed condition, when asked for
	reasons []cancellation // one for each action of a cancelled transaction
}

// cancellation is one action's part in a cancelled transaction.
type cancellation struct {
	code    string // "None" when this action was not the reason
	message string
	item    row
}

// Error returns the error's name and text.
func (e *apiError) Error() string { return e.name() + ": " + e.message }

// name is the error's name without its prefix.
func (e *apiError) name() string {
	_, name, _ := strings.Cut(e.kind, "#")
	return name
}

func dynamoError(name, message string) *apiError {
	return &apiError{status: http.StatusBadRequest, kind: prefixDynamoDB + name, message: message}
}

func validation(message string) *apiError {
	return &apiError{status: http.StatusBadRequest, kind: prefixValidate + "ValidationException", message: message}
}

func validationf(format string, args ...any) *apiError {
	return validation(fmt.Sprintf(format, args...))
}

// invalidParameter is a ValidationException with DynamoDB's usual opening.
func invalidParameter(format string, args ...any) *apiError {
	return validation("One or more parameter values were invalid: " + fmt.Sprintf(format, args...))
}

func serialization(message string) *apiError {
	return &apiError{status: http.StatusBadRequest, kind: prefixService + "SerializationException", message: message}
}

func unknownOperation(message string) *apiError {
	return &apiError{status: http.StatusBadRequest, kind: prefixService + "UnknownOperationException", message: message}
}

func internalError() *apiError {
	return &apiError{
		status: http.StatusInternalServerError, kind: prefixDynamoDB + "InternalServerError",
		message: "Internal server error",
	}
}

func tableNotFound(name string) *apiError {
	return dynamoError("ResourceNotFoundException", "Requested resource not found: Table: "+name+" not found")
}

func resourceNotFound() *apiError {
	return dynamoError("ResourceNotFoundException", "Requested resource not found")
}

func resourceInUse(message string) *apiError {
	return dynamoError("ResourceInUseException", message)
}

func keyMismatch() *apiError {
	return validation("The provided key element does not match the schema")
}

func conditionFailed(old row) *apiError {
	e := dynamoError("ConditionalCheckFailedException", "The conditional request failed")
	e.item = old
	return e
}

func isConditionFailed(err error) bool {
	var e *apiError
	return errors.As(err, &e) && e.name() == "ConditionalCheckFailedException"
}

// cancelled is the error of a transaction of which at least one action failed.
func cancelled(reasons []cancellation) *apiError {
	codes := make([]string, len(reasons))
	for i, r := range reasons {
		codes[i] = r.code
	}
	e := dynamoError("TransactionCanceledException",
		"Transaction cancelled, please refer cancellation reasons for specific reasons ["+strings.Join(codes, ", ")+"]")
	e.reasons = reasons
	return e
}

// asAPIError turns any error into the one to send. An error that is not meant for a
// client becomes an InternalServerError.
func asAPIError(err error) (e *apiError, internal bool) {
	var api *apiError
	var invalid *attr.ValidationError
	var malformed *attr.SerializationError
	switch {
	case errors.As(err, &api):
		return api, false
	case errors.As(err, &invalid):
		return validation(invalid.Message), false
	case errors.As(err, &malformed):
		return serialization(malformed.Message), false
	}
	return internalError(), true
}

// appendTo writes the error's body.
func (e *apiError) appendTo(dst []byte) []byte {
	dst = append(dst, `{"__type":"`...)
	dst = append(dst, e.kind...)
	dst = append(dst, `",`...)
	if strings.HasPrefix(e.kind, prefixService) || len(e.reasons) > 0 {
		dst = append(dst, `"Message":`...)
	} else {
		dst = append(dst, `"message":`...)
	}
	dst = appendString(dst, e.message)
	if e.item != "" {
		dst = append(dst, `,"Item":`...)
		dst = e.item.appendJSON(dst)
	}
	if len(e.reasons) > 0 {
		dst = append(dst, `,"CancellationReasons":`...)
		dst = appendList(dst, e.reasons, func(dst []byte, r cancellation) []byte { return r.appendTo(dst) })
	}
	return append(dst, '}')
}

func (r cancellation) appendTo(dst []byte) []byte {
	dst = append(dst, `{"Code":`...)
	dst = appendString(dst, r.code)
	if r.message != "" {
		dst = append(dst, `,"Message":`...)
		dst = appendString(dst, r.message)
	}
	if r.item != "" {
		dst = append(dst, `,"Item":`...)
		dst = r.item.appendJSON(dst)
	}
	return append(dst, '}')
}

// checks collects the violations of a request's constraints, which DynamoDB
// reports together, ten at most, before it looks at anything else.
type checks struct{ found []string }

func (c *checks) add(value, field, constraint string) {
	c.violation("Value "+value, field, constraint)
}

// unquoted adds a violation in the form that DynamoDB gives newer checks: without
// the value, the field as the request spells it.
func (c *checks) unquoted(field, constraint string) { c.violation("Value", field, constraint) }

func (c *checks) violation(value, field, constraint string) {
	if len(c.found) < 10 {
		c.found = append(c.found, value+" at '"+field+"' failed to satisfy constraint: "+constraint)
	}
}

// required adds a violation unless the field is present.
func (c *checks) required(present bool, field string) {
	if !present {
		c.add("null", field, "Member must not be null")
	}
}

// oneOf adds a violation if a field is present and not one of the values.
func (c *checks) oneOf(value, field string, allowed ...string) {
	if value == "" {
		return
	}
	for _, a := range allowed {
		if a == value {
			return
		}
	}
	c.add("'"+value+"'", field, "Member must satisfy enum value set: ["+strings.Join(allowed, ", ")+"]")
}

// atLeast and atMost bound a number that may be absent.
func (c *checks) atLeast(value *int64, field string, least int64) {
	if value != nil && *value < least {
		c.add("'"+strconv.FormatInt(*value, 10)+"'", field,
			"Member must have value greater than or equal to "+strconv.FormatInt(least, 10))
	}
}

func (c *checks) atMost(value *int64, field string, most int64) {
	if value != nil && *value > most {
		c.add("'"+strconv.FormatInt(*value, 10)+"'", field,
			"Member must have value less than or equal to "+strconv.FormatInt(most, 10))
	}
}

// err is the ValidationException over what was found, or nil.
func (c *checks) err() error {
	switch n := len(c.found); n {
	case 0:
		return nil
	case 1:
		return validation("1 validation error detected: " + c.found[0])
	default:
		return validation(strconv.Itoa(n) + " validation errors detected: " + strings.Join(c.found, "; "))
	}
}
