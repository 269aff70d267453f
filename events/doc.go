// Package events holds what Daybook stores and the contract of whatever stores
// it: the event, the commit (all events of one accepted command, stored as one
// item), the codec with its upcasters, the Store interface, and the one error
// type of the system.
//
// It is the bottom room: every other room may import it, and it imports the
// standard library only. It knows neither DynamoDB nor HTTP; package dynamo
// stores commits, package api speaks of them over HTTP.
//
// The words used here (stream, event, commit, version, snapshot, upcaster,
// consistency token) are defined in docs/architecture.md.
package events
