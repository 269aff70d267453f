package events

import "unicode/utf8"

// Beginning returns the longest beginning of text that has at most size bytes and
// ends between two characters.
func Beginning(text string, size int) string {
	if len(text) <= size {
		return text
	}
	for size > 0 && !utf8.RuneStart(text[size]) {
		size--
	}
	return text[:size]
}
