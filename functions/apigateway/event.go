package apigateway

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"slices"
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

// iam reports whether the gateway asked IAM policies.
func (e *event) iam() bool {
	return e.second() && member(e.RequestContext.Authorizer, "iam", "userArn")+member(e.RequestContext.Authorizer, "iam", "callerId") != "" ||
		!e.second() && e.RequestContext.Identity.UserARN != ""
}

// scope holds the scopes of the verified token, separated by spaces.
func (e *event) scope() string {
	places := [][]string{{"claims"}, {}}
	if e.second() {
		places = [][]string{{"jwt", "claims"}, {"lambda"}}
	}
	var scopes []string
	for _, place := range places {
		for _, name := range []string{"scope", "scp"} {
			scopes = append(scopes, words(at(e.RequestContext.Authorizer, append(slices.Clone(place), name)...))...)
		}
	}
	return strings.Join(scopes, " ")
}

// words reads a claim that holds a list: a string with spaces in between, an array of
// strings, or an array as an HTTP API hands it over, "[a b]".
func words(v jsontext.Value) []string {
	var list []string
	if len(v) == 0 || json.Unmarshal(v, &list) == nil {
		return list
	}
	var s string
	if json.Unmarshal(v, &s) != nil {
		return nil
	}
	if inner, ok := strings.CutPrefix(s, "["); ok && strings.HasSuffix(inner, "]") {
		s = strings.TrimSuffix(inner, "]")
	}
	return strings.Fields(s)
}

// member returns the string at a place in a JSON value, "" when there is none.
func member(v jsontext.Value, place ...string) string {
	var s string
	if v = at(v, place...); len(v) == 0 || json.Unmarshal(v, &s) != nil {
		return ""
	}
	return s
}

// at returns what is at a place in a JSON value, nil when there is nothing.
func at(v jsontext.Value, place ...string) jsontext.Value {
	for _, name := range place {
		var object map[string]jsontext.Value
		if len(v) == 0 || json.Unmarshal(v, &object) != nil {
			return nil
		}
		v = object[name]
	}
	return v
}
