package api

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"daybook/events"
	"daybook/view/query"
)

// maxTokenSize is more bytes than any token has: two names, a version, and four
// bytes for a character of an id.
const maxTokenSize = 64 + 4*events.MaxIDLength + 32

// parameters reads the parameters of a request. Names that are not among the allowed
// are malformed; none given allows all.
func parameters(r *http.Request, allowed ...string) (url.Values, error) {
	params, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, events.Malformed("query", "must be percent-encoded name=value pairs joined by &")
	}
	var unknown []events.Field
	for name, values := range params {
		if !intact(name) || slices.ContainsFunc(values, func(v string) bool { return !intact(v) }) {
			return nil, events.Malformed("query", notIntact)
		}
		if len(allowed) > 0 && !slices.Contains(allowed, name) {
			unknown = append(unknown, events.Field{Path: name, Message: "unknown parameter"})
		}
	}
	if len(unknown) > 0 {
		slices.SortFunc(unknown, func(a, b events.Field) int { return strings.Compare(a.Path, b.Path) })
		return nil, &events.Error{Code: events.CodeMalformed, Message: "the request is malformed", Fields: unknown}
	}
	return params, nil
}

// tokens reads the values of after: consistency tokens, each value one or several
// joined by commas. A comma inside an id is told from one between tokens by what
// stands before it: a whole token or not.
func tokens(values []string) ([]events.Token, error) {
	var all []events.Token
	for _, value := range values {
		open := false // the last piece is only the beginning of a token
		rest := ""
		for piece := range strings.SplitSeq(value, ",") {
			if open {
				piece = rest + "," + piece
			}
			token, err := events.ParseToken(strings.TrimSpace(piece))
			if open, rest = err != nil, piece; !open {
				all = append(all, token)
			} else if len(rest) > maxTokenSize {
				break
			}
		}
		if open {
			return nil, events.Malformed("after", "must be consistency tokens, aggregate/id@version, joined by commas")
		}
	}
	if len(all) > query.MaxTokens {
		return nil, events.Malformed("after", "must be at most "+strconv.Itoa(query.MaxTokens)+" tokens")
	}
	return all, nil
}

// whole reads a parameter that is a whole number from 1 to most, fallback when it
// is not there.
func whole(params url.Values, name string, fallback, most int64) (int64, error) {
	values, ok := params[name]
	if !ok {
		return fallback, nil
	}
	n, err := strconv.ParseInt(values[0], 10, 64)
	if len(values) > 1 || err != nil || n < 1 || n > most || strconv.FormatInt(n, 10) != values[0] {
		return 0, events.Malformed(name, "must be one whole number from 1 to "+strconv.FormatInt(most, 10))
	}
	return n, nil
}
