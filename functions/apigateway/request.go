package apigateway

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
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
	host := header.Get("Host")
	if host == "" {
		host = e.RequestContext.DomainName
	}
	header.Del("Host")
	r := &http.Request{
		Method: e.method(), URL: target, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Host: host, RemoteAddr: e.sourceIP(), RequestURI: target.RequestURI(),
		Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
	}
	return r.WithContext(ctx), nil
}

func (e *event) header() http.Header {
	header := make(http.Header, len(e.Headers)+1)
	for name, value := range e.Headers {
		header.Set(name, value)
	}
	for name, values := range e.MultiValueHeaders {
		header[http.CanonicalHeaderKey(name)] = values
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
	if e.decodedPath() {
		// All escapes come decoded but that of the percent sign itself.
		u.Path = strings.ReplaceAll(path, "%25", "%")
	} else {
		if decoded, err := url.PathUnescape(path); err == nil {
			u.Path, u.RawPath = decoded, path
		}
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

func (e *event) query() string {
	if e.second() {
		return e.RawQueryString
	}
	values := make(url.Values, len(e.Query))
	for name, value := range e.Query {
		values.Set(name, value)
	}
	for name, all := range e.MultiValueQuery {
		values[name] = all
	}
	return values.Encode()
}
