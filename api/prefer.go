package api

import (
	"net/http"
	"strings"
)

// prefersAsync reports whether a request's Prefer headers (RFC 7240) hold
// respond-async. Other preferences, among them wait, are not applied, and what is
// not well written is left out.
func prefersAsync(h http.Header) bool {
	for _, list := range h.Values("Prefer") {
		for list != "" {
			var preference string
			preference, list = cutUnquoted(list, ',')
			preference, _ = cutUnquoted(preference, ';')
			name, value, _ := strings.Cut(preference, "=")
			// An empty value counts as none.
			if value = strings.TrimSpace(value); (value == "" || value == `""`) && strings.EqualFold(strings.TrimSpace(name), "respond-async") {
				return true
			}
		}
	}
	return false
}

// cutUnquoted cuts s around the first sep that stands in no quoted string.
func cutUnquoted(s string, sep byte) (before, after string) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == sep && !quoted:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}
