package attr

// ValidationError is a value that DynamoDB refuses with a ValidationException.
type ValidationError struct {
	// Message is DynamoDB's text, fit for a client.
	Message string
	// Name is the top-level attribute that holds the value, where known.
	Name string
}

// Error returns the message.
func (e *ValidationError) Error() string { return e.Message }

// SerializationError is JSON of the wrong shape, which DynamoDB refuses with a
// SerializationException before it validates anything.
type SerializationError struct {
	// Message is DynamoDB's text, fit for a client.
	Message string
}

// Error returns the message.
func (e *SerializationError) Error() string { return e.Message }

func invalid(message string) error { return &ValidationError{Message: message} }

func malformed(message string) error { return &SerializationError{Message: message} }
