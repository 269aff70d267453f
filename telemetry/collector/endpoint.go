package collector

import (
	"fmt"
	"net/url"
	"strings"
)

// tracesPath is OTLP's path of traces.
const tracesPath = "/v1/traces"

// Endpoint returns the URL that spans are posted to: the given one, and OTLP's path
// where it has none. The error is for text that is not an http or https URL, or has a
// user, a query or a fragment.
func Endpoint(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", fmt.Errorf("%q is not the URL of an OTLP collector, such as http://localhost:4318, without user, query and fragment", text)
	}
	if strings.Trim(u.Path, "/") == "" {
		u.Path = tracesPath
	}
	return u.String(), nil
}
