// Package telemetry exports the spans of functions with OpenTelemetry's own SDK, by
// OTLP over HTTP.
//
// It is the one package that links OpenTelemetry. The local stack does, for its flag
// -otlp; a function does when it is built with the tag otlp.
package telemetry
