// Package api is Daybook over HTTP: requests and answers, problems, the OpenAPI
// and AsyncAPI descriptions. Its handlers are plain net/http and know nothing of where they
// run; an adapter in front translates API Gateway's events, verifies who calls
// and says so with WithActor and WithRequestID.
//
// NewCommands answers POST /commands and POST /commands/{command}, at once or by
// queueing (Prefer: respond-async); NewQueries answers everything that reads. Both are safe for concurrent use.
//
// Every failure is an application/problem+json (RFC 9457) with a stable code;
// one table (problem.go) maps codes to HTTP status. The cause of an internal error is
// logged with the request's id and never answered. Payloads are never logged.
//
// It imports packages events, aggregate, view and process and the standard library.
package api
