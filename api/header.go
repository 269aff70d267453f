package api

import (
	"encoding/json/jsontext"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"daybook/events"
)

// RequestHeaders are the headers of a request that the API reads, sorted. Web pages of
// other origins need them allowed.
func RequestHeaders() []string {
	names := []string{"Content-Type"}
	for _, p := range sharedParameters() {
		if p.In == "header" {
			names = append(names, p.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// AnswerHeaders are the headers of answers that tell a client something, sorted.
// Web pages of other origins need them exposed.
func AnswerHeaders() []string { return slices.Sorted(maps.Keys(sharedHeaders())) }

// readHeaders are RequestHeaders, made once, when the first request comes.
var readHeaders = sync.OnceValue(RequestHeaders)

// checkHeaders refuses headers that hold something other than they were sent with.
func checkHeaders(h http.Header) error {
	for _, name := range readHeaders() {
		if slices.ContainsFunc(h.Values(name), func(value string) bool { return !intact(value) }) {
			return events.Malformed(name, notIntact)
		}
	}
	return nil
}

// headerIDSchema is that of an id in a header, in descriptions; see idHeader.
var headerIDSchema = jsontext.Value(`{"type":"string","minLength":1,"maxLength":128,"pattern":"^[^,]*$","description":"No control characters and no commas."}`)

// idHeader returns the one value of a header that holds an id, "" when it is not
// there. A comma is refused: an HTTP API of API Gateway joins two such headers with
// one, and hands over what looks like a single header.
func idHeader(h http.Header, name string) (string, error) {
	values := h.Values(name)
	switch {
	case len(values) == 0:
		return "", nil
	case len(values) > 1 || strings.Contains(values[0], ","):
		return "", events.Malformed(name, "must be given once, without a comma")
	}
	return values[0], validateID(name, values[0])
}

// etag writes a version as an entity tag.
func etag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }

// versionOf reads what etag or rowTag wrote: a command may be sent with the tag of
// the row that it was decided on. A weak tag counts too: proxies weaken tags of
// what they compress, and a version says the same however it is sent.
func versionOf(tag string) (int64, bool) {
	inner, ok := strings.CutPrefix(strings.TrimPrefix(tag, "W/"), `"`)
	if !ok {
		return 0, false
	}
	inner, ok = strings.CutSuffix(inner, `"`)
	if version, shape, behind := strings.Cut(inner, "."); behind {
		n, err := strconv.Atoi(shape)
		if err != nil || strconv.Itoa(n) != shape || n < 2 {
			return 0, false
		}
		inner = version
	}
	version, err := strconv.ParseInt(inner, 10, 64)
	if !ok || err != nil || strconv.FormatInt(version, 10) != inner || version < 0 {
		return 0, false
	}
	return version, true
}

// precondition returns the version that a command's headers ask for, and the
// name of the header that does: If-Match: "2", or If-None-Match: * for a stream
// that must not exist. nil asks for nothing.
func precondition(h http.Header) (version *int64, header string, err error) {
	match, noneMatch := h.Values("If-Match"), h.Values("If-None-Match")
	switch {
	case len(match) > 0 && len(noneMatch) > 0:
		return nil, "", events.Malformed("If-None-Match", "must not be given together with If-Match")
	case len(match) > 0:
		v, ok := versionOf(match[0])
		if !ok || len(match) > 1 {
			return nil, "", events.Malformed("If-Match", `must be one version in quotes, such as "2"`)
		}
		return &v, "If-Match", nil
	case len(noneMatch) > 0:
		if len(noneMatch) > 1 || noneMatch[0] != "*" {
			return nil, "", events.Malformed("If-None-Match", "must be * on a command: the stream must not exist")
		}
		return new(int64), "If-None-Match", nil
	}
	return nil, "", nil
}

// notModified reports whether If-None-Match names the entity tag, compared
// weakly (RFC 9110, 13.1.2), or *. tag is "" for an answer without one.
func notModified(h http.Header, tag string) bool {
	for _, list := range h.Values("If-None-Match") {
		for rest := list; ; {
			rest = strings.TrimLeft(rest, " \t,")
			if rest == "" {
				break
			}
			if strings.HasPrefix(rest, "*") {
				return true
			}
			opaque, ok := strings.CutPrefix(strings.TrimPrefix(rest, "W/"), `"`)
			end := strings.IndexByte(opaque, '"')
			if !ok || end < 0 {
				break // not a list of entity tags: as if it were not there
			}
			if tag != "" && `"`+opaque[:end+1] == tag {
				return true
			}
			rest = opaque[end+1:]
		}
	}
	return false
}
