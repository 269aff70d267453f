package apigateway

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"strings"
)

// event is what the three payload formats have that a handler needs.
type event struct {
	Version         string            `json:"version"` // "2.0", "1.0", or "" of a REST API
	Headers         map[string]string `json:"headers"`
	Body            string            `json:"body"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
	RequestContext  requestContext    `json:"requestContext"`
	RouteKey        string            `json:"routeKey"` // HTTP API: "GET /streams/{proxy+}"
	Resource        string            `json:"resource"` // REST API: "/streams/{proxy+}"

	// Payload format 2.0.
	RawPath        string   `json:"rawPath"`
	RawQueryString string   `json:"rawQueryString"`
	Cookies        []string `json:"cookies"`

	// REST API, and payload format 1.0.
	HTTPMethod        string              `json:"httpMethod"`
	Path              string              `json:"path"`
	MultiValueHeaders map[string][]string `json:"multiValueHeaders"`
	Query             map[string]string   `json:"queryStringParameters"`
	MultiValueQuery   map[string][]string `json:"multiValueQueryStringParameters"`

	// malformed says that the event holds text that is not UTF-8 (which is U+FFFD
	// here) or a path that is not percent-encoded.
	malformed bool
}

type requestContext struct {
	Stage      string         `json:"stage"`
	RequestID  string         `json:"requestId"`
	DomainName string         `json:"domainName"`
	Authorizer jsontext.Value `json:"authorizer"`
	HTTP       struct {       // 2.0
		Method   string `json:"method"`
		SourceIP string `json:"sourceIp"`
	} `json:"http"`
	Identity struct { // REST
		UserARN  string `json:"userArn"`
		SourceIP string `json:"sourceIp"`
	} `json:"identity"`
}

// route is the path of the route that the gateway chose: "/streams/{proxy+}". ""
// when the event does not say, or it was the default route.
func (e *event) route() string {
	if _, path, ok := strings.Cut(e.RouteKey, " "); ok {
		return path
	}
	return e.Resource
}

// errNoEvent says that a payload is JSON, but of something else.
var errNoEvent = errors.New("the payload is not an API Gateway event: it has neither requestContext.http.method nor httpMethod")

func parse(payload []byte) (*event, error) {
	var e event
	if err := json.Unmarshal(payload, &e); err != nil {
		e = event{malformed: true}
		if json.Unmarshal(payload, &e, jsontext.AllowInvalidUTF8(true)) != nil {
			return nil, fmt.Errorf("the payload is not an API Gateway event: %w", err)
		}
	}
	if e.method() == "" {
		return nil, errNoEvent
	}
	return &e, nil
}

// second reports whether the event has payload format 2.0.
func (e *event) second() bool { return e.Version == "2.0" }

func (e *event) method() string {
	if e.second() {
		return e.RequestContext.HTTP.Method
	}
	return e.HTTPMethod
}

func (e *event) sourceIP() string {
	if e.second() {
		return e.RequestContext.HTTP.SourceIP
	}
	return e.RequestContext.Identity.SourceIP
}

// decodedPath reports whether the path comes percent-decoded: from an HTTP API,
// but not from a function URL, which has payload format 2.0 as well.
func (e *event) decodedPath() bool {
	return e.Version != "" && !strings.Contains(e.RequestContext.DomainName, ".lambda-url.")
}

// actor is the verified subject that sent the request: the claim sub of a JWT,
// the ARN of an IAM identity, or what a Lambda authorizer calls its principal.
// "" when the API is open.
func (e *event) actor() string {
	authorizer := e.RequestContext.Authorizer
	places := [][]string{{"claims", "sub"}, {"principalId"}}
	if e.second() {
		places = [][]string{{"jwt", "claims", "sub"}, {"iam", "userArn"}, {"iam", "callerId"}}
	}
	for _, place := range places {
		if s := member(authorizer, place...); s != "" {
			return s
		}
	}
	return e.RequestContext.Identity.UserARN
}

// member returns the string at a place in a JSON value, "" when there is none.
func member(v jsontext.Value, place ...string) string {
	for _, name := range place {
		var object map[string]jsontext.Value
		if len(v) == 0 || json.Unmarshal(v, &object) != nil {
			return ""
		}
		v = object[name]
	}
	var s string
	if len(v) == 0 || json.Unmarshal(v, &s) != nil {
		return ""
	}
	return s
}
