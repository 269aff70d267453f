// Package wire is what the embedded services share at their edge: reading a
// request and writing its answer or error (Protocol; JSON11 for AWS JSON 1.1), the
// way from an AWS client to an http.Handler without a socket (Transport), one address
// for several services (Router), and connections that lose requests and answers
// (Hostile).
//
// It imports only the standard library.
package wire
