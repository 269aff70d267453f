// Package wire is what the embedded services share at their edge: the way from
// an AWS client to an http.Handler without a socket (Transport), one address for
// several services (Router), and a client's bad day (Hostile).
//
// It imports the standard library alone.
package wire
