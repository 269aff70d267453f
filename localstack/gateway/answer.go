package gateway

import (
	"encoding/base64"
	"encoding/json/v2"
	"errors"
	"fmt"
	"net/http"
)

// answer is a function's answer in either format.
type answer struct {
	StatusCode        int                 `json:"statusCode"`
	Headers           map[string]string   `json:"headers"`
	MultiValueHeaders map[string][]string `json:"multiValueHeaders"`
	Cookies           []string            `json:"cookies"`
	Body              string              `json:"body"`
	IsBase64Encoded   bool                `json:"isBase64Encoded"`
}

var errStatus = errors.New("the answer has no statusCode from 200 to 599")

// write turns a function's answer into the HTTP answer; on an error it has
// written nothing.
func (c call) write(w http.ResponseWriter, out []byte) error {
	var a answer
	if err := json.Unmarshal(out, &a); err != nil {
		return fmt.Errorf("the answer is not the JSON object of a proxy integration: %w", err)
	}
	if a.StatusCode < 200 || a.StatusCode > 599 {
		return errStatus
	}
	body := []byte(a.Body)
	if a.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(a.Body); err != nil {
			return fmt.Errorf("the answer's body is not base64: %w", err)
		}
	}
	header := w.Header()
	for name, value := range a.Headers {
		header.Set(name, value)
	}
	for name, values := range a.MultiValueHeaders {
		header[http.CanonicalHeaderKey(name)] = values
	}
	for _, cookie := range a.Cookies {
		header.Add("Set-Cookie", cookie)
	}
	if c.gateway.options.Format == RESTAPI {
		header.Set("X-Amzn-Requestid", c.id)
	} else {
		header.Set("Apigw-Requestid", c.id)
	}
	w.WriteHeader(a.StatusCode)
	if c.request.Method != http.MethodHead {
		_, _ = w.Write(body) // the caller may be gone; there is nobody to tell
	}
	return nil
}
