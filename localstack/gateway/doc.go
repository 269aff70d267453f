// Package gateway is API Gateway on one machine: an HTTP handler that turns a
// request into the event JSON of an HTTP API (payload format 2.0) or of a REST
// API, invokes a function with it by bytes, and turns the answer back.
//
// It does to requests what API Gateway does, quirks included: an HTTP API's path
// arrives percent-decoded twice and cut at a "?" that the first decoding brought
// (a path that can't be decoded twice is refused), headers in lower case and joined
// with commas, a body that is not text in base64; a REST API's path arrives as it
// was sent, its query values decoded (a malformed query is refused). Text that is
// not UTF-8 arrives as U+FFFD. Its limits are API Gateway's too: 10 MB a body, a stage's
// rate and burst (429), and Lambda's bound of concurrent invocations (503). After 30
// seconds (503), or 29 for a REST API (504), it answers in place of a function that
// has not returned. Refusals for overload say by Retry-After when to come again. Live
// APIs send no such header, and a REST API answers 500 when Lambda refuses.
//
// Callers are not authenticated. Every request passes for one of a JWT
// authorizer whose subject is "local", or what the header X-Daybook-Actor says, and
// whose token has the scopes of the options, or those of the header
// X-Daybook-Scopes. In an application with tenants the header X-Daybook-Tenant is the
// claim that names the tenant; without it the token has none, and the functions refuse
// the request as on AWS. These headers are a means to try things out on one machine,
// which no function knows of.
package gateway
