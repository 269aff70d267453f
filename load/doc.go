// Package load sends a mixed load to an installation over HTTP and measures it
// honestly.
//
// The load is open: requests begin at times that are drawn beforehand, whether earlier
// ones were answered or not, and a latency counts from the time that a request was meant
// to begin. A server that stops for a second is seen by all requests of that second.
//
// Commands are made from the application's declarations by package workload, queries
// from its views and their indexes. 429 and 503 are counted apart, as the answers of a
// server that protects itself.
package load
