// Package stack is the whole system in one process: the embedded DynamoDB (or
// any compatible endpoint), the embedded queue, timers and event bus, the gateway,
// the functions as Lambda runs them, and the event source mappings: between the
// events table and the projector, between it and the process function, and between
// the command queue and the command function.
//
// The tables and indexes follow from the domain's declarations. Nothing here is
// linked into a function.
package stack
