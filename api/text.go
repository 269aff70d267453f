package api

import (
	"strings"
	"unicode/utf8"

	"daybook/events"
)

// intact reports whether text arrived as it was sent: valid UTF-8 without U+FFFD.
// API Gateway hands paths, headers and a REST API's query over in JSON, where
// U+FFFD stands for bytes that were not UTF-8; keys that differed only in them
// would be one key.
func intact(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsRune(text, utf8.RuneError)
}

// notIntact is the message about text that is not intact.
const notIntact = "must be UTF-8, without U+FFFD (which stands for bytes that were not UTF-8)"

// validateID is events.ValidateID for an id that a request holds as text.
func validateID(field, id string) error {
	if err := events.ValidateID(field, id); err != nil {
		return err
	}
	if !intact(id) {
		return events.Malformed(field, notIntact)
	}
	return nil
}

// clip shortens text that a client sent to at most limit bytes and an ellipsis,
// between two characters.
func clip(text string, limit int) string {
	if beginning := events.Beginning(text, limit); beginning != text {
		return beginning + "…"
	}
	return text
}
