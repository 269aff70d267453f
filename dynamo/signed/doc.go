// Package signed is a DynamoDB client for the operations of the hot path. A
// Client has the methods of the SDK's client, takes its inputs and returns its
// outputs and errors; it embeds that client for every other operation.
//
// The SDK builds a stack of middleware for each call, which costs several times
// what encoding, signing and sending the same bytes costs. This package sends them
// itself and keeps to the SDK for the rest: credentials, endpoints, retries with
// their quota and the clock-skew correction are the SDK's own code, and so is
// the parsing of every error and of every answer that is out of the ordinary.
//
// It may import the AWS SDK's core, its DynamoDB client and the standard library.
package signed
