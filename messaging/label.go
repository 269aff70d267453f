package messaging

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

// label is text for people (a timer's description, a dead letter's error) as every
// service takes it: at most size bytes, so that it fits however a service counts
// characters; whole characters of valid UTF-8; U+FFFD for those that SQS refuses.
// It may lose a part of the text: nothing is told apart by it.
func label(text string, size int) string {
	var b strings.Builder
	for _, r := range text {
		if unicode.IsControl(r) && !strings.ContainsRune("\t\n\r", r) || r == 0xFFFE || r == 0xFFFF {
			r = utf8.RuneError
		}
		if b.Len()+utf8.RuneLen(r) > size {
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}

// plainJSON escapes the two characters that JSON may hold as they are and SQS
// refuses in a body, also behind a schedule or an event bus. They can only be part
// of strings.
func plainJSON(body []byte) []byte {
	body = bytes.ReplaceAll(body, []byte("\uFFFE"), []byte(`\ufffe`))
	return bytes.ReplaceAll(body, []byte("\uFFFF"), []byte(`\uffff`))
}
