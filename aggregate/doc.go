// Package aggregate defines aggregates and handles commands: load the state,
// decide, append the events, retry. Given, When and Then test an aggregate
// without any of it.
//
// A Sender queues commands instead of handling them, and a Worker handles what a
// queue delivers; Queue and Statuses are what they need of a deployment. The body
// of a message is JSON of version 1, or 2 with a condition (EncodeQueued, DecodeQueued):
//
//	{"v":2,"command":"reject-order","id":"7","payload":{…},"commandId":"…",
//	 "expectedVersion":3,"condition":{"in":[3,4]},"actor":"…","correlation":"…","causation":"…","again":true}
//
// Members beside v, command, id and commandId may be missing; unknown ones are
// left out. A change that an older program would read wrongly raises v.
//
// It imports package events and the standard library. Deciding and evolving are
// pure functions of the domain; clocks, ids and stores come in by Options.
package aggregate
