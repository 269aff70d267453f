package api

import (
	"net/http"
	"net/url"
	"strings"

	"daybook/events"
)

// segments returns the parts of the request's path, each percent-decoded once,
// so that an id may hold a slash (%2F).
func segments(r *http.Request) ([]string, error) {
	parts := strings.Split(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	for i, part := range parts {
		decoded, err := url.PathUnescape(part)
		if err != nil {
			return nil, events.Malformed("path", "must be percent-encoded")
		}
		if !intact(decoded) {
			return nil, events.Malformed("path", notIntact)
		}
		parts[i] = decoded
	}
	return parts, nil
}

// notFound is the error about a path that no endpoint has.
func notFound() error {
	return events.Errorf(events.CodeNotFound, "no such path")
}

func methodNotAllowed(method, allow string) error {
	return &failure{
		error: events.Errorf(events.CodeMethodNotAllowed, "%q is not allowed here; allowed: %s", method, allow),
		allow: allow,
	}
}
