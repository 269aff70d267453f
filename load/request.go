package load

import (
	"bytes"
	"context"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"io"
	"net/http"
	"net/url"
)

// outcome classifies the answer to a request.
type outcome int

const (
	answered   outcome = iota // 2xx
	rejected                  // by the business, or not found: 404, 409, 412, 422
	overloaded                // 429, 503
	failed                    // any other answer, or none
)

// answer is an answer that was read.
type answer struct {
	outcome    outcome
	status     int
	retryAfter bool // it said when to send again
	body       []byte
	err        error
}

// mostAnswer bounds the answers that are read, in bytes.
const mostAnswer = 8 << 20

// do sends a request and reads its answer.
func (l *loader) do(ctx context.Context, method, path string, body []byte) answer {
	request, err := http.NewRequestWithContext(ctx, method, l.URL+path, bytes.NewReader(body))
	if err != nil {
		return answer{outcome: failed, err: err}
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := l.Send(request)
	if err != nil {
		return answer{outcome: failed, err: err}
	}
	defer response.Body.Close() //nolint:errcheck // it was read
	text, err := io.ReadAll(io.LimitReader(response.Body, mostAnswer))
	if err != nil {
		return answer{outcome: failed, status: response.StatusCode, err: err}
	}
	return answer{outcome: outcomeOf(response.StatusCode), status: response.StatusCode, retryAfter: response.Header.Get("Retry-After") != "", body: text}
}

func outcomeOf(status int) outcome {
	switch {
	case status >= 200 && status < 300:
		return answered
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		return overloaded
	case status == http.StatusNotFound, status == http.StatusConflict, status == http.StatusPreconditionFailed, status == http.StatusUnprocessableEntity:
		return rejected
	}
	return failed
}

// command sends a turn's command and returns the version of its stream, 0 if it was
// not accepted.
func (l *loader) command(ctx context.Context, t turn) (answer, int64) {
	payload, err := l.Plans.Payload(t.plan.Command.Name)
	if err != nil {
		return answer{outcome: failed, err: err}, 0
	}
	body, err := json.Marshal(struct {
		ID      string         `json:"id"`
		Payload jsontext.Value `json:"payload"`
	}{t.id, payload})
	if err != nil {
		return answer{outcome: failed, err: err}, 0
	}
	a := l.do(ctx, http.MethodPost, "/commands/"+url.PathEscape(t.plan.Command.Name), body)
	if a.outcome != answered {
		return a, 0
	}
	var accepted struct {
		Version int64 `json:"version"`
	}
	if a.err = json.Unmarshal(a.body, &accepted); a.err != nil {
		a.outcome = failed
		return a, 0
	}
	t.accepted()
	return a, accepted.Version
}
