package api

import (
	"encoding/json/jsontext"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"daybook/aggregate"
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
	names = append(names, traceHeader)
	slices.Sort(names)
	return slices.Compact(names)
}

// traceHeader is the header of W3C's trace context.
const traceHeader = "Traceparent"

// AuthorizationHeaders are the headers of a request by which API Gateway tells who
// sends it: a token, or those of AWS Signature Version 4. Web pages of other origins
// need them allowed beside RequestHeaders.
func AuthorizationHeaders() []string {
	return []string{"Authorization", "X-Amz-Content-Sha256", "X-Amz-Date", "X-Amz-Security-Token"}
}

// AnswerHeaders are the headers of answers that tell a client something, sorted.
// Web pages of other origins need them exposed.
func AnswerHeaders() []string { return slices.Sorted(maps.Keys(sharedHeaders())) }

// readHeaders are RequestHeaders, made once, when the first request comes.
var readHeaders = sync.OnceValue(RequestHeaders)

// checkHeaders refuses headers that hold something other than they were sent with.
func checkHeaders(h http.Header) error {
	for _, name := range readHeaders() {
		if name == traceHeader {
			continue // one that is not valid is ignored
		}
		if slices.ContainsFunc(h.Values(name), func(value string) bool { return !intact(value) }) {
			return events.Malformed(name, notIntact)
		}
	}
	return nil
}

// headerIDSchema is that of an id in a header, in descriptions; see idHeader.
func headerIDSchema() jsontext.Value {
	return jsontext.Value(`{"type":"string","minLength":1,"maxLength":128,"pattern":` + string(text("^[^,"+unfit+"]+$")) + `,"description":"No control characters and no commas."}`)
}

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

// entityTag is an entity tag of a list that a client sent.
type entityTag struct {
	weak   bool
	opaque string // between the quotes
}

// entityTags reads the values of If-Match or If-None-Match (RFC 9110, 13.1): *,
// or a list of entity tags. ok is false for anything else.
func entityTags(values []string) (tags []entityTag, any, ok bool) {
	rest := strings.Trim(strings.Join(values, ","), " \t,")
	if rest == "*" {
		return nil, true, true
	}
	for rest != "" {
		quoted, weak := strings.CutPrefix(rest, "W/")
		inner, opened := strings.CutPrefix(quoted, `"`)
		opaque, behind, closed := strings.Cut(inner, `"`)
		next := strings.TrimLeft(behind, " \t")
		if !opened || !closed || next != "" && next[0] != ',' || strings.ContainsFunc(opaque, notInTag) {
			return nil, false, false
		}
		tags = append(tags, entityTag{weak, opaque})
		rest = strings.TrimLeft(next, " \t,")
	}
	return tags, false, len(tags) > 0
}

func notInTag(r rune) bool { return r <= ' ' || r == 0x7f }

// versionIn reads what etag or rowTag wrote between the quotes: a command may be
// sent with the tag of the row that it was decided on, which is one of the tenant's.
func versionIn(opaque, tenant string) (int64, bool) {
	opaque = strings.TrimSuffix(opaque, markOf(tenant))
	inner, shape, behind := strings.Cut(opaque, ".")
	if behind {
		if n, err := strconv.Atoi(shape); err != nil || strconv.Itoa(n) != shape || n < 2 {
			return 0, false
		}
	}
	version, err := strconv.ParseInt(inner, 10, 64)
	if err != nil || strconv.FormatInt(version, 10) != inner || version < 0 {
		return 0, false
	}
	return version, true
}

// precondition is what the headers of a command ask of its stream's version.
type precondition struct {
	header    string // that asks; "" for none
	version   *int64 // the one version that passes, if there is one
	condition aggregate.Condition
}

// preconditionOf reads If-Match, whose tags are compared strongly, so that a weak
// one matches nothing, and If-None-Match, whose tags are compared weakly (RFC
// 9110, 13.1). A tag that no version has matches nothing.
func preconditionOf(h http.Header, tenant string) (precondition, error) {
	match, noneMatch := h.Values("If-Match"), h.Values("If-None-Match")
	switch {
	case len(match) > 0 && len(noneMatch) > 0:
		return precondition{}, events.Malformed("If-None-Match", "must not be given together with If-Match")
	case len(match) > 0:
		return ifMatch(match, tenant)
	case len(noneMatch) > 0:
		return ifNoneMatch(noneMatch, tenant)
	}
	return precondition{}, nil
}

func ifMatch(values []string, tenant string) (precondition, error) {
	p := precondition{header: "If-Match"}
	tags, any, ok := entityTags(values)
	switch {
	case !ok:
		return p, events.Malformed("If-Match", `must be versions in quotes, such as "2", or * for a stream that exists`)
	case any:
		p.condition.Exists = true
		return p, nil
	}
	p.condition.In = []int64{}
	for _, t := range tags {
		if v, ok := versionIn(t.opaque, tenant); ok && !t.weak {
			p.condition.In = append(p.condition.In, v)
		}
	}
	if len(tags) == 1 && len(p.condition.In) == 1 {
		p.version, p.condition.In = &p.condition.In[0], nil
	}
	return p, nil
}

func ifNoneMatch(values []string, tenant string) (precondition, error) {
	p := precondition{header: "If-None-Match"}
	tags, any, ok := entityTags(values)
	switch {
	case !ok:
		return p, events.Malformed("If-None-Match", `must be * for a stream that must not exist, or versions in quotes, such as "2"`)
	case any:
		p.version = new(int64)
		return p, nil
	}
	for _, t := range tags {
		if v, ok := versionIn(t.opaque, tenant); ok {
			p.condition.NotIn = append(p.condition.NotIn, v)
		}
	}
	return p, nil
}

// notModified reports whether If-None-Match names the entity tag, compared
// weakly (RFC 9110, 13.1.2), or *. etag is "" for an answer without one. A header
// that is not a list of entity tags is as if it were not there.
func notModified(h http.Header, etag string) bool {
	tags, any, _ := entityTags(h.Values("If-None-Match"))
	return any || etag != "" && slices.ContainsFunc(tags, func(t entityTag) bool { return `"`+t.opaque+`"` == etag })
}
