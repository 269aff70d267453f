package console

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"daybook/events"
)

// answer writes what f returns as JSON, or its error as a problem.
func answer(f func(*http.Request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, err := f(r)
		if err != nil {
			writeProblem(w, err)
			return
		}
		body, err := json.Marshal(v, json.Deterministic(true), jsontext.PreserveRawStrings(true), json.FormatNilSliceAsNull(false))
		if err != nil {
			writeProblem(w, err)
			return
		}
		write(w, http.StatusOK, "application/json", body)
	})
}

// problem is a failure as RFC 9457 has it. Whoever sees it operates the installation,
// so that causes are told too.
type problem struct {
	Status   int            `json:"status"`
	Title    string         `json:"title"`
	Code     events.Code    `json:"code"`
	Detail   string         `json:"detail"`
	Rejected bool           `json:"rejected,omitzero"`
	Fields   []events.Field `json:"fields,omitempty"`
	Version  int64          `json:"version,omitzero"`
}

func writeProblem(w http.ResponseWriter, err error) {
	p := problem{Status: statusOf(err), Code: events.CodeOf(err)}
	p.Detail = strings.TrimPrefix(err.Error(), string(p.Code)+": ") // which the page shows beside it
	if e, ok := errors.AsType[*events.Error](err); ok {
		p.Rejected, p.Fields, p.Version = e.Rejected, e.Fields, e.Version
		if errors.Unwrap(e) == nil && err == error(e) {
			p.Detail = e.Message
		}
	}
	if p.Code == events.CodeTenantRequired {
		p.Detail = "the application has tenants: name one in the field Tenant of the menu, or write a stream in full, as in acme:order/7"
	}
	p.Title = http.StatusText(p.Status)
	body, _ := json.Marshal(p, json.Deterministic(true)) // strings and numbers marshal
	write(w, p.Status, "application/problem+json", body)
}

func write(w http.ResponseWriter, status int, mediaType string, body []byte) {
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the page has gone
}

func statusOf(err error) int {
	if e, ok := errors.AsType[*events.Error](err); ok && e.Rejected {
		return http.StatusUnprocessableEntity
	}
	switch code := events.CodeOf(err); code {
	case events.CodeMalformed, events.CodeNoIndex:
		return http.StatusBadRequest
	case events.CodeUnauthenticated:
		return http.StatusUnauthorized
	case events.CodeForbidden, events.CodeTenantRequired:
		return http.StatusForbidden
	case events.CodeNotFound, events.CodeUnknownView, events.CodeUnknownCommand:
		return http.StatusNotFound
	case events.CodeConflict, events.CodeVersionConflict, events.CodeAlreadyTaken, events.CodeKeyReused:
		return http.StatusConflict
	case events.CodeMethodNotAllowed:
		return http.StatusMethodNotAllowed
	case events.CodeTooLarge:
		return http.StatusRequestEntityTooLarge
	}
	if events.Transient(err) {
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// integer reads a parameter that is a whole number, def when it is missing.
func integer(r *http.Request, name string, def int64) (int64, error) {
	text := r.FormValue(name)
	if text == "" {
		return def, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, events.Malformed(name, "is a whole number from 0 on")
	}
	return n, nil
}

// maxBody is the largest body of a request in bytes: that of the HTTP API.
const maxBody = 256 << 10

// read reads the body of a request.
func read(r *http.Request, into any) error {
	err := json.UnmarshalRead(http.MaxBytesReader(nil, r.Body, maxBody), into, json.RejectUnknownMembers(true))
	if err != nil {
		return events.Malformed("body", "can't be read: "+err.Error())
	}
	return nil
}
