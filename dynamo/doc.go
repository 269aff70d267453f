// Package dynamo is the only room that speaks DynamoDB: the event store, the
// query tables, the ledger of processes, the tables' definitions, and the
// translation of AWS errors. Package signed, below it, sends the hot operations.
//
// It may import packages events, aggregate, view and process, the AWS SDK's
// core and DynamoDB client, zstd, and the standard library.
//
// # The events table
//
// Partition key stream (S), sort key commit (N). One item is one commit; bytes
// are billed, so attribute names are short:
//
//	attribute  type   holds
//	stream     S      the stream, "user/7"
//	commit     N      the number of the commit in the stream: 1, 2, 3 …
//	v          N      the stream's version after the commit
//	i          B | S  the commit id: 16 bytes of a UUID, or any other text
//	t          N      time, milliseconds since 1970 UTC
//	a          S      actor; absent when empty
//	c          B | S  correlation id, as i; absent when it is the first command's id
//	u          B | S  causation id, as i; absent when it is the first command's id
//	p          B      trace context: the ids and flags of a W3C traceparent, 25
//	                  bytes; absent without one
//	q          B      commands: id, digest and version of each (see packCommands)
//	o          B      once-only commands: their places in q; absent when there are none
//	k          B      values claimed and released (see packClaims); absent without
//	e          S      events: [["user-created",1,{…}],…]: name, schema version, data
//	n          N      snapshot: schema version of the state; absent without one
//	s          S      snapshot: the state, JSON
//	r          B      snapshot: remembered commands, 17 bytes or a few more each
//	w          B      snapshot: from which commit on they are all there, and the
//	                  commits and hours of those in r, 10 to 130 bytes in all (see
//	                  packWindow); absent in snapshots of older programs, which
//	                  skip it where they meet it
//	b          N      how many commits back the last snapshot lies that the writer
//	                  could use, 3 bytes; absent without one, and in commits of
//	                  older programs, which skip it
//	d          S      kept commands: [1,[0,"rename-user",{…}],…]: version of the
//	                  form, then the place in q, name and payload of each (see
//	                  encodeKept); absent without, and older programs skip it
//	z          B      e, s and d (a line feed between them) as one zstd frame,
//	                  instead of them, where that saves a write unit; older programs
//	                  read no further than s
//
// A commit that creates a user with name and e-mail, all ids UUIDs, has 219
// bytes; ten such events in one commit have 902, one write unit.
//
// # The claims table
//
// Partition key claim (S), no sort key. It holds two kinds of items, written in
// the transaction of the commit that claims:
//
//	attribute  type   holds
//	claim      S      the key: "user-email=ann@example.com", or the SHA-256 of a
//	                  long value, "note#9f86d0…"; "once:" and the id of a command;
//	                  with a tenant, it and ":" in front: "acme:once:…"
//	s          S      the stream that holds the value; that answered the command
//	n          N      of a value: the number of the commit that claimed it
//	d          B      of a command: its digest, 8 bytes
//	v          N      of a command: the stream's version after it
//	b          BOOL   of a command: it started the stream; absent when not
//	x          N      of a command: the second from which on it is forgotten (TTL)
//
// # The requests table
//
// Partition key command (S), no sort key: the statuses of queued commands, for a
// day.
//
//	attribute  type   holds
//	command    S      the command's id; with a tenant "acme:…"
//	s          N      its state: 0 pending, 1 failed, 2 rejected, 3 accepted
//	t          N      when it came into the state, milliseconds since 1970 UTC
//	x          N      the second from which on it is forgotten (TTL)
//	k          S      the command's stream
//	a          S      the actor that sent it; absent when empty
//	d          B      its digest, 8 bytes
//	v          N      of an accepted command: the stream's version after it
//	b          BOOL   of an accepted command: it started the stream; absent when not
//	o          L      of an accepted command: tokens of the other streams it wrote
//	                  to, without the tenant; absent without
//	p          S      of a rejected or failed command: {"code","message","rejected",
//	                  "fields","version"}, JSON
//
// # Query tables
//
// Partition key key (S), one table for each view and version of it, one global
// secondary index with the name of each declared index, and one, _parked, for
// the records of parked streams, which is empty (and free) while there are none:
//
//	attribute    type    holds
//	key          S       the item's key; see package view's key.go
//	_v           N       the version that guards writes
//	_c           N       the number of the last commit applied; absent when 0
//	_f           N       that the item's stream is parked, or how many of those that
//	                     contribute to it are; absent when 0
//	_m           S       memo, JSON; absent without one
//	_p-<index>   S       partition in an index; absent when the item is not in it
//	_s-<index>   S | N   sort key in an index; absent with the partition
//	<member>     any     a member of the row: S, N, BOOL, NULL, L or M; a name that
//	                     is key or begins with _ has two more _ before it
//	_o           B       the order of the row's members, absent when they are sorted:
//	                     for each object of two members or more, in the order of the
//	                     text, the place of each member among the sorted names
//	_r           S       the row as text, instead of members and order, where these
//	                     would not give it back byte for byte (see row.go)
//
// A table that was built again has "-g2" and so on behind its name. The control
// table has the same items without rows: "routes" (which table of each view
// answers) and, while a rebuild runs, "fill/<view>/<table>/<n>/<segment>".
//
// An item without _r and without members has no row: a checkpoint, or a hidden
// row.
//
// # The processes table
//
// Partition key key (S), no sort key, one sparse global secondary index, _parked.
// One item is how far a process manager or an outbox has come with a stream:
//
//	attribute    type  holds
//	key          S     the name of the reactor, a slash, and the stream:
//	                   "fulfilment/order/7"
//	v            N     the revision that guards writes, from 1
//	c            N     the number of the last commit handled; absent when 0
//	m            S     memory, JSON; absent without one
//	s            N     schema version of the memory; absent when 0
//	n            N     attempts of the next commit that failed; absent when 0
//	j            S     rejections that were acted on, JSON; absent without any
//	h            S     the last rejections of handled commits, JSON; absent without any
//	t            S     timers that are set, JSON; absent without any
//	f            S     fault, JSON; absent when the stream is not parked
//	_p-_parked   S     the name of the reactor; absent when the stream is not parked
//	_s-_parked   S     the stream; absent when it is not parked
package dynamo
