package apigateway

import (
	"bytes"
	"encoding/base64"
	"encoding/json/v2"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"
)

// MaxAnswer is the largest answer in bytes of a function that is invoked
// synchronously (Lambda's quota), as JSON with the body in it.
const MaxAnswer = 6 * 1024 * 1024

// recorder is the ResponseWriter a handler writes to.
type recorder struct {
	head    http.Header // the handler's
	header  http.Header // as it was when the status was written
	status  int
	body    bytes.Buffer
	tooLong bool
}

func newRecorder() *recorder { return &recorder{head: make(http.Header)} }

func (w *recorder) Header() http.Header { return w.head }

func (w *recorder) WriteHeader(status int) {
	if w.status != 0 || status < 200 { // informational answers have no place in an event
		return
	}
	w.status = status
	w.header = w.head.Clone()
}

func (w *recorder) Write(p []byte) (int, error) {
	if w.status == 0 {
		if w.head.Get("Content-Type") == "" && len(p) > 0 {
			w.head.Set("Content-Type", http.DetectContentType(p))
		}
		w.WriteHeader(http.StatusOK)
	}
	if w.tooLong || w.body.Len()+len(p) > MaxAnswer {
		w.tooLong = true
		w.body.Reset()
		return 0, errTooLong
	}
	if w.body.Len() == 0 {
		w.body.Grow(len(p) + 1) // and the line's end behind it
	}
	return w.body.Write(p)
}

var errTooLong = fmt.Errorf("an answer through Lambda has at most %d bytes", MaxAnswer)

// answer2 is the answer of payload format 2.0.
type answer2 struct {
	StatusCode      int               `json:"statusCode"`
	Headers         map[string]string `json:"headers"`
	Cookies         []string          `json:"cookies,omitempty"`
	Body            string            `json:"body"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
}

// answer1 is the answer to a REST API, and of payload format 1.0.
type answer1 struct {
	StatusCode        int                 `json:"statusCode"`
	MultiValueHeaders map[string][]string `json:"multiValueHeaders"`
	Body              string              `json:"body"`
	IsBase64Encoded   bool                `json:"isBase64Encoded"`
}

// encode writes the recorded answer as the event's format wants it.
func (w *recorder) encode(e *event) ([]byte, error) {
	w.WriteHeader(http.StatusOK) // of a handler that wrote nothing
	if w.tooLong {
		return nil, errTooLong
	}
	body, binary := "", false
	if e.method() != http.MethodHead && w.status != http.StatusNoContent && w.status != http.StatusNotModified {
		raw := w.body.Bytes()
		body = string(raw)
		if !utf8.Valid(raw) || w.header.Get("Content-Encoding") != "" {
			body, binary = base64.StdEncoding.EncodeToString(raw), true
		}
	}
	w.header.Del("Content-Length") // API Gateway's to set
	for _, values := range w.header {
		for i, value := range values {
			values[i] = strings.ToValidUTF8(value, "\uFFFD") // or it could not stand in JSON
		}
	}
	var out []byte
	var err error
	if e.second() {
		answer := answer2{StatusCode: w.status, Headers: make(map[string]string, len(w.header)), Body: body, IsBase64Encoded: binary}
		for name, values := range w.header {
			if name == "Set-Cookie" {
				answer.Cookies = values
				continue
			}
			answer.Headers[strings.ToLower(name)] = strings.Join(values, ", ")
		}
		out, err = json.Marshal(answer)
	} else {
		out, err = json.Marshal(answer1{StatusCode: w.status, MultiValueHeaders: w.header, Body: body, IsBase64Encoded: binary})
	}
	if err != nil {
		return nil, fmt.Errorf("encode the answer: %w", err)
	}
	if len(out) > MaxAnswer {
		return nil, errTooLong
	}
	return out, nil
}
