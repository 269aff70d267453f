// Package meter is the one store of the benchmarks: the embedded DynamoDB behind a
// recording proxy on loopback, which counts the requests and bytes of whoever uses a
// table, and asks the engine for the units that they consumed.
package meter
