package gateway

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	awsevents "github.com/aws/aws-lambda-go/events"

	"daybook/functions/names"
)

// The account and the API that events name on one machine.
const (
	accountID = "000000000000"
	apiID     = "local"
)

// call is one request on its way into an event.
type call struct {
	gateway *Gateway
	request *http.Request
	path    string // behind the stage, percent-encoded
	decoded string // path as an HTTP API gives it
	query   url.Values
	actor   string
	scope   string
	tenant  string // "" for a token without the claim
	body    []byte
	at      time.Time
	id      string
}

// function picks the function by the routes that the CDK app declares.
func (c call) function() Function {
	below := c.path == "/commands" || strings.HasPrefix(c.path, "/commands/")
	if below && c.request.Method == http.MethodPost {
		return c.gateway.options.Command
	}
	return c.gateway.options.Query
}

func (c call) event() ([]byte, error) {
	if c.gateway.options.Format == RESTAPI {
		return json.Marshal(c.rest())
	}
	return json.Marshal(c.second())
}

// read reads what a gateway has to understand of a request by itself. Its error says
// why the request is refused as malformed.
func (c *call) read() error {
	rest := c.gateway.options.Format == RESTAPI
	var err error
	if c.decoded, err = decoded(c.path); err != nil && !rest {
		return fmt.Errorf("an HTTP API decodes a path twice: %w", err)
	}
	if c.query, err = url.ParseQuery(c.request.URL.RawQuery); err != nil && rest {
		return fmt.Errorf("a REST API decodes the query: %w", err)
	}
	c.query = valid(c.query)
	if c.actor, err = c.said(actorHeader, c.gateway.options.Actor); c.actor == "" {
		c.actor = c.gateway.options.Actor
	}
	if err == nil {
		c.scope, err = c.said(scopesHeader, strings.Join(c.gateway.options.Scopes, " "))
	}
	if err == nil && c.gateway.options.TenantClaim != "" {
		c.tenant, err = c.said(names.TenantHeader, "")
	}
	return err
}

// said is what a header of this gateway's own says, or else otherwise.
func (c *call) said(header, otherwise string) (string, error) {
	switch values := c.request.Header[header]; {
	case len(values) == 0:
		return otherwise, nil
	case len(values) > 1 || !utf8.ValidString(values[0]):
		return "", errors.New(header + " must be given once, in UTF-8")
	default:
		return values[0], nil
	}
}

// claims are those of the caller's token.
func (c *call) claims() map[string]string {
	claims := map[string]string{"sub": c.actor, "scope": c.scope}
	if c.tenant != "" {
		claims[c.gateway.options.TenantClaim] = c.tenant
	}
	return claims
}

// second is the event of an HTTP API, payload format 2.0.
func (c call) second() awsevents.APIGatewayV2HTTPRequest {
	stage := c.gateway.options.Stage
	path := c.gateway.Prefix() + c.decoded
	header := c.header()
	headers := make(map[string]string, len(header))
	for name, values := range header {
		headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	delete(headers, "cookie")
	body, binary := encoded(c.body, header.Get("Content-Type"))
	return awsevents.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: "$default", RawPath: path, RawQueryString: c.request.URL.RawQuery,
		Cookies: cookies(header), Headers: headers, QueryStringParameters: joined(c.query),
		Body: body, IsBase64Encoded: binary,
		RequestContext: awsevents.APIGatewayV2HTTPRequestContext{
			RouteKey: "$default", AccountID: accountID, Stage: stage, RequestID: c.id, APIID: apiID,
			DomainName: c.request.Host, DomainPrefix: apiID, Time: c.at.UTC().Format(requestTime), TimeEpoch: c.at.UnixMilli(),
			Authorizer: &awsevents.APIGatewayV2HTTPRequestContextAuthorizerDescription{
				JWT: &awsevents.APIGatewayV2HTTPRequestContextAuthorizerJWTDescription{Claims: c.claims()},
			},
			HTTP: awsevents.APIGatewayV2HTTPRequestContextHTTPDescription{
				Method: c.request.Method, Path: path, Protocol: c.request.Proto, SourceIP: c.sourceIP(), UserAgent: c.request.UserAgent(),
			},
		},
	}
}

// rest is the event of a REST API with proxy integration.
func (c call) rest() awsevents.APIGatewayProxyRequest {
	header := c.header()
	body, binary := encoded(c.body, header.Get("Content-Type"))
	resource, proxy := c.resource()
	return awsevents.APIGatewayProxyRequest{
		Resource: resource, Path: c.path, HTTPMethod: c.request.Method,
		Headers: last(header), MultiValueHeaders: header,
		QueryStringParameters: last(c.query), MultiValueQueryStringParameters: c.query,
		PathParameters: map[string]string{"proxy": proxy},
		Body:           body, IsBase64Encoded: binary,
		RequestContext: awsevents.APIGatewayProxyRequestContext{
			AccountID: accountID, ResourceID: "proxy", Stage: c.gateway.options.Stage, DomainName: c.request.Host, DomainPrefix: apiID,
			RequestID: c.id, ExtendedRequestID: c.id, Protocol: c.request.Proto, ResourcePath: resource,
			Path: c.gateway.Prefix() + c.path, HTTPMethod: c.request.Method, APIID: apiID,
			RequestTime: c.at.UTC().Format(requestTime), RequestTimeEpoch: c.at.UnixMilli(),
			Authorizer: map[string]any{"claims": c.claims()},
			Identity:   awsevents.APIGatewayRequestIdentity{SourceIP: c.sourceIP(), UserAgent: c.request.UserAgent()},
		},
	}
}

// resource is the REST API's resource that a request meets, as the CDK app has
// them (histories have their own, so that reading them can be allowed by itself),
// and the rest of the path, percent-encoded as it came.
func (c call) resource() (resource, proxy string) {
	for _, first := range []string{"/commands/", "/streams/"} {
		if rest, ok := strings.CutPrefix(c.path, first); ok {
			return first + "{proxy+}", rest
		}
	}
	if c.path == "/commands" {
		return c.path, ""
	}
	return "/{proxy+}", strings.TrimPrefix(c.path, "/")
}

const requestTime = "02/Jan/2006:15:04:05 -0700"

// hopByHop are the headers that belong to a connection, not to a request.
var hopByHop = []string{"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade"}

// header is the request's header with what API Gateway adds.
func (c call) header() http.Header {
	header := c.request.Header.Clone()
	for _, name := range hopByHop {
		header.Del(name)
	}
	for _, values := range header {
		for i, value := range values {
			values[i] = strings.ToValidUTF8(value, "\uFFFD")
		}
	}
	_, port, _ := net.SplitHostPort(c.request.Host)
	header.Set("Host", c.request.Host)
	header.Add("X-Forwarded-For", c.sourceIP())
	header.Set("X-Forwarded-Proto", "http")
	header.Set("X-Forwarded-Port", port)
	return header
}

// valid is a query in UTF-8, with U+FFFD for each other byte. Names that become the same
// are one, as an event has each once.
func valid(query url.Values) url.Values {
	all := make(url.Values, len(query))
	for _, name := range slices.Sorted(maps.Keys(query)) {
		for _, value := range query[name] {
			all.Add(string([]rune(name)), string([]rune(value)))
		}
	}
	return all
}

func (c call) sourceIP() string {
	ip, _, err := net.SplitHostPort(c.request.RemoteAddr)
	if err != nil {
		return c.request.RemoteAddr
	}
	return ip
}

// decoded is how an HTTP API gives a path: percent-decoded, cut at the first
// question mark, and percent-decoded again. A path that can't be decoded twice, such
// as "/50%25", is refused.
func decoded(path string) (string, error) {
	once, err := url.PathUnescape(path)
	if err != nil {
		return "", err
	}
	once, _, _ = strings.Cut(once, "?")
	twice, err := url.PathUnescape(once)
	if err != nil {
		return "", err
	}
	return strings.ToValidUTF8(twice, "\uFFFD"), nil
}

// encoded returns a body as an event holds it, and whether that is base64.
func encoded(body []byte, contentType string) (string, bool) {
	if len(body) == 0 {
		return "", false
	}
	kind, _, _ := mime.ParseMediaType(contentType)
	text := strings.HasPrefix(kind, "text/") ||
		slices.Contains([]string{"application/json", "application/xml", "application/javascript"}, kind)
	if text && utf8.Valid(body) {
		return string(body), false
	}
	return base64.StdEncoding.EncodeToString(body), true
}

func cookies(header http.Header) []string {
	var all []string
	for _, line := range header["Cookie"] {
		for part := range strings.SplitSeq(line, ";") {
			all = append(all, strings.TrimSpace(part))
		}
	}
	return all
}

// joined is what a 2.0 event holds of repeated values.
func joined(values map[string][]string) map[string]string {
	m := make(map[string]string, len(values))
	for name, all := range values {
		m[name] = strings.Join(all, ",")
	}
	return m
}

// last is what a REST event's single-value maps hold.
func last(values map[string][]string) map[string]string {
	m := make(map[string]string, len(values))
	for name, all := range values {
		m[name] = all[len(all)-1]
	}
	return m
}
