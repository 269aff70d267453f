// Package apigateway lets a net/http handler answer API Gateway's Lambda proxy
// events: HTTP API (payload format 2.0, and 1.0) and REST API. Bytes in, bytes
// out, so the same code runs in Lambda and behind a local gateway.
//
// The meaning of the events is API Gateway's, quirks included:
//   - an HTTP API sends the path already percent-decoded, twice, cut at a decoded
//     "?", and with the stage in front unless the stage is $default; a REST API and
//     a function URL send it percent-encoded, and a REST API without the stage;
//   - payload format 2.0 joins repeated headers with commas and takes cookies
//     apart; the REST event has multi-value maps, with decoded query values, and
//     spells headers as the client did;
//   - bytes that are not UTF-8 may have become U+FFFD before the function sees them,
//     in a decoded path, a header, a REST API's query and a body that passes for
//     text. The function can't tell them from a U+FFFD that was sent, so a handler
//     has to refuse it where it matters;
//   - a body that is not text comes in base64, and goes out so.
//
// Why not github.com/awslabs/aws-lambda-go-api-proxy (v0.16.2): it pastes the
// decoded path into a URL, so that "?", "#" and "%" in an id break the request;
// it splits header values at every comma, quoted or not; and it logs through the
// global logger.
//
// The package imports the standard library only.
package apigateway
