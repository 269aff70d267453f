// Package sealed encrypts personal values on their way into stores and queues and
// decrypts them on their way out: an events.Store, the tables of views, the ledger of
// process managers and the queue of commands, each wrapped in one that seals and opens
// (see package personal). What is above works with values, what is below with sealed
// text.
//
// Values are sealed once, above the store's append: whatever the store sends again
// after a lost answer is the same bytes. Each is bound to where it is:
//
//	commit    stream and event; the stream and "snapshot" for a snapshot
//	row       view, version and key; a keyed view's memory likewise
//	memory    reactor and stream, of a process manager
//	command   the message's group
//
// What a wrapped store returns that holds nothing sealed is the same bytes, and costs
// no request and no copy.
package sealed
