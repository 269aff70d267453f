// Package peer is the client side of the benchmarks: one aggregate, a ledger of
// entries, on each of several event stores, and the loop in which a process of its own
// works through the runner's requests.
//
// The peers in Go are here; castore and dynamo-es are in ../castore and ../dynamo-es
// and speak the same protocol.
package peer
