package apigateway

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// request turns the event into what a server would have got. prefix is a base
// path of a custom domain, taken off the path.
func (e *event) request(ctx context.Context, prefix string) (*http.Request, error) {
	body := []byte(e.Body)
	if e.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(e.Body); err != nil {
			return nil, fmt.Errorf("the body of the API Gateway event is not base64: %w", err)
		}
	}
	header := e.header()
	target := e.url(prefix)
	host := cmp.Or(header.Get("Host"), e.RequestContext.DomainName)
	header.Del("Host")
	r := &http.Request{
		Method: e.method(), URL: target, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Host: host, RemoteAddr: e.sourceIP(), RequestURI: target.RequestURI(),
		Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
	}
	return r.WithContext(ctx), nil
}

// header has the event's headers: of each name all values, also of names that
// differ in case only, so that none of them wins by chance. Where an event has
// lists of values, its single values repeat the last of each.
func (e *event) header() http.Header {
	header := make(http.Header, len(e.Headers)+1)
	for _, name := range slices.Sorted(maps.Keys(e.MultiValueHeaders)) {
		for _, value := range e.MultiValueHeaders[name] {
			header.Add(name, value)
		}
	}
	listed := maps.Clone(header)
	for _, name := range slices.Sorted(maps.Keys(e.Headers)) {
		if listed.Values(name) == nil {
			header.Add(name, e.Headers[name])
		}
	}
	if len(e.Cookies) > 0 {
		header.Set("Cookie", strings.Join(e.Cookies, "; "))
	}
	return header
}

func (e *event) url(prefix string) *url.URL {
	path := e.Path
	if e.second() {
		path = e.RawPath
	}
	if stage := e.RequestContext.Stage; e.Version != "" && stage != "$default" {
		path = without(path, stage)
	}
	path = without(path, prefix)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	u := &url.URL{Path: path, RawQuery: e.query()}
	if !e.decodedPath() {
		decoded, err := url.PathUnescape(path)
		if err != nil {
			e.malformed = true
			return u
		}
		u.Path, u.RawPath = decoded, path
	}
	return u
}

// without takes a leading segment off a path.
func without(path, segment string) string {
	segment = strings.Trim(segment, "/")
	rest, ok := strings.CutPrefix(path, "/"+segment)
	if segment == "" || !ok || rest != "" && rest[0] != '/' {
		return path
	}
	return rest
}

// query is the query of the request. A REST API has decoded it; whatever it gives is
// taken literally and nothing is left out, not even a name without a value: a filter
// that disappears would list every row.
func (e *event) query() string {
	if e.second() {
		return e.RawQueryString
	}
	values := make(url.Values, len(e.Query))
	for name, value := range e.Query {
		values.Set(name, value)
	}
	for name, all := range e.MultiValueQuery {
		if len(all) > 0 {
			values[name] = all
		} else if !values.Has(name) {
			values.Set(name, "")
		}
	}
	return values.Encode()
}
