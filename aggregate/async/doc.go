// Package async handles commands later: a Sender checks and queues them, a Worker
// handles what a queue delivers, and statuses tell a client how far its command
// has come. Queue and Statuses are what they need of a deployment.
//
// The body of a message is JSON of version 1, 2 with a condition, or 3 with a tenant
// (Envelope.Message, Decode):
//
//	{"v":3,"tenant":"acme","command":"reject-order","id":"7","payload":{…},"commandId":"…",
//	 "expectedVersion":3,"condition":{"in":[3,4]},"actor":"…","correlation":"…","causation":"…","again":true}
//
// Members beside v, command, id and commandId may be missing; unknown ones are
// ignored. A change that an older program would read wrongly raises v.
//
// It imports packages aggregate, events and parallel and the standard library.
package async
