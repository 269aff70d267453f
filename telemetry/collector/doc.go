// Package collector knows the URL of an OpenTelemetry collector: what the local stack, the
// functions and the CDK app take for one. It imports only the standard library, so that
// checking a URL links no OpenTelemetry.
package collector
