// Package stack is the whole system in one process: the embedded DynamoDB (or
// any compatible endpoint), the gateway, the three functions as Lambda runs them,
// and the event source mapping between the events table and the projector.
//
// The tables and indexes follow from the domain's declarations. Nothing here is
// linked into a function.
package stack
