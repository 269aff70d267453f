package apigateway

import (
	"cmp"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"strings"

	"daybook/events"
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

// caller is who sent the request, as the gateway verified it.
//
// Its actor is the claim sub of a JWT, the ARN of an IAM identity, or what a Lambda
// authorizer calls its principal; "" when the API is open. Its scope holds the scopes of
// the verified token, separated by spaces. IAM says that the gateway asked IAM policies.
// tenantClaim names the claim with the tenant, "" for none.
func (e *event) caller(tenantClaim string) (c Caller) {
	said := membersOf(e.RequestContext.Authorizer)
	claims, other, arn := membersOf(said.Claims), said, e.RequestContext.Identity.UserARN
	c.Tenant = cmp.Or(tenantIn(said.Claims, tenantClaim), tenantIn(e.RequestContext.Authorizer, tenantClaim))
	c.Actor = cmp.Or(text(claims.Subject), text(said.Principal), arn)
	c.IAM = arn != ""
	if e.second() {
		claims, other = membersOf(membersOf(said.JWT).Claims), membersOf(said.Lambda)
		c.Tenant = cmp.Or(tenantIn(membersOf(said.JWT).Claims, tenantClaim), tenantIn(said.Lambda, tenantClaim))
		iam := membersOf(said.IAM)
		identity := cmp.Or(text(iam.UserARN), text(iam.CallerID))
		c.Actor = cmp.Or(text(claims.Subject), identity, arn)
		c.IAM = identity != ""
	}
	var scopes []string
	for _, v := range []jsontext.Value{claims.Scope, claims.SCP, other.Scope, other.SCP} {
		scopes = append(scopes, words(v)...)
	}
	c.Scope = strings.Join(scopes, " ")
	return c
}

// tenantIn returns the tenant that a claim names, "" when there is no such claim or its
// value can't be a tenant's name. An HTTP API hands every claim over as a string.
func tenantIn(claims jsontext.Value, claim string) string {
	var all map[string]jsontext.Value
	if claim == "" || len(claims) == 0 || json.Unmarshal(claims, &all) != nil {
		return ""
	}
	tenant := text(all[claim])
	if events.ValidateTenant(claim, tenant) != nil {
		return ""
	}
	return tenant
}

// members are those of an authorizer's answer, and of the objects in it, that say who
// the caller is. What they hold depends on the authorizer.
type members struct {
	Claims    jsontext.Value `json:"claims"`      // of a REST API's JWT, or in JWT
	Principal jsontext.Value `json:"principalId"` // of a REST API
	JWT       jsontext.Value `json:"jwt"`         // these three of an HTTP API
	IAM       jsontext.Value `json:"iam"`
	Lambda    jsontext.Value `json:"lambda"`
	Subject   jsontext.Value `json:"sub"`
	Scope     jsontext.Value `json:"scope"`
	SCP       jsontext.Value `json:"scp"`
	UserARN   jsontext.Value `json:"userArn"` // in IAM
	CallerID  jsontext.Value `json:"callerId"`
}

// membersOf reads the members of an object. Another value has none.
func membersOf(v jsontext.Value) (m members) {
	if len(v) == 0 || json.Unmarshal(v, &m) != nil {
		return members{}
	}
	return m
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

// text returns the string that v is, "" when it is none.
func text(v jsontext.Value) (s string) {
	if len(v) == 0 || json.Unmarshal(v, &s) != nil {
		return ""
	}
	return s
}
