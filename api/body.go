package api

import (
	"encoding/json/jsontext"
	"io"
	"mime"
	"net/http"
	"strings"

	"daybook/events"
)

// MaxBody is the largest body of a request in bytes.
const MaxBody = 256 * 1024

// readBody reads the body of a request, which must be declared as JSON.
func readBody(r *http.Request) (jsontext.Value, error) {
	if err := checkMediaType(r.Header); err != nil {
		return nil, err
	}
	tooLarge := events.Errorf(events.CodeTooLarge, "a body has at most %d bytes", MaxBody)
	if r.ContentLength > MaxBody {
		return nil, tooLarge
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxBody+1))
	switch {
	case r.Context().Err() != nil:
		return nil, r.Context().Err()
	case err != nil:
		return nil, events.Wrap(events.CodeMalformed, err, "the body can't be read")
	case len(body) > MaxBody:
		return nil, tooLarge
	}
	return body, nil
}

// checkMediaType refuses a body that is not declared to be JSON, as one without a
// declaration: browsers let any web page send such a body to any server, without
// asking that server first. Two declarations are joined, as an HTTP API joins them.
func checkMediaType(h http.Header) error {
	if coding := strings.Join(h.Values("Content-Encoding"), ","); coding != "" && !strings.EqualFold(coding, "identity") {
		return events.Errorf(CodeUnsupportedMediaType, "a body must not be compressed")
	}
	media, params, err := mime.ParseMediaType(strings.Join(h.Values("Content-Type"), ","))
	charset := params["charset"]
	if err != nil || media != "application/json" || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return events.Errorf(CodeUnsupportedMediaType, "the Content-Type of a body must be application/json")
	}
	return nil
}
