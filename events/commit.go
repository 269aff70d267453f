package events

import (
	"encoding/json/jsontext"
	"time"
)

// Event is one fact, in the past tense. Data is plain JSON, as it was written
// at schema version Schema; Codec.Upgrade brings it to the newest.
type Event struct {
	Name   string         // stored name, such as "user-created"
	Schema int            // schema version of Data, from 1
	Data   jsontext.Value // a JSON object
}

// Commit is all events of one accepted command (or of a batch of commands on
// one stream), stored as one item and therefore written all or not at all.
// A Commit is a value: nobody changes one that was stored.
type Commit struct {
	Stream  Stream
	Number  int64  // position in the stream: 1, 2, 3 … without a gap
	Version int64  // number of events in the stream after this commit
	ID      string // unique; tells our own write from another's

	Time        time.Time // when the command was accepted, UTC, milliseconds
	Actor       string    // verified subject that sent the command; may be empty
	Correlation string    // id shared by all that one request set off; may be empty
	Causation   string    // id of the command or event that caused this; may be empty
	// Trace is the W3C trace context of the request that set the commit off, as
	// TraceParent writes it; may be empty.
	Trace string

	Commands []Command // the commands it answers, in order; at least one
	Events   []Event   // at least one
	Snapshot *Snapshot // state after this commit; usually nil
	// SnapshotDistance is how many commits before this one the newest snapshot
	// lies that its writer could use: 1 when the commit right before carries it. It
	// is 0 when there was none, or it is not known, as in commits of older programs.
	SnapshotDistance int64

	// Claims are the values the stream holds from this commit on, Releases those
	// it gives up; see Store.Append. A value in both was claimed by one command
	// of the commit and released by a later one: it had to be free, and is again.
	Claims   []Claim
	Releases []Claim

	// Size is the number of bytes the store keeps for this commit, as billed.
	// A store sets it on commits it returns; on appending it is ignored.
	Size int
}

// First is the version of the stream after the first event of the commit.
func (c *Commit) First() int64 { return c.Version - int64(len(c.Events)) + 1 }

// PlainCausation is Causation without the commit's tenant, as domains and clients see it.
func (c *Commit) PlainCausation() string {
	tenant := c.Stream.Tenant()
	if tenant == "" {
		return c.Causation
	}
	if t, err := ParseStoredToken(c.Causation); err == nil && t.Stream.Tenant() == tenant {
		t.Stream = t.Stream.In("")
		return t.String()
	}
	return c.Causation
}

// Command is what a commit remembers of a command it answers, so that a repeat
// gets the first answer again.
type Command struct {
	ID      string // the command id
	Digest  Digest // of the command's name, target and payload
	Version int64  // the stream's version after this command
	// Once says that the id was claimed in the same transaction, for
	// OnceOnlyFor, over all streams: the command was declared once-only.
	Once bool
	// Kept is the command itself, nil where it was not kept: its aggregate keeps none,
	// it decided no event, or its commit would have been too large.
	Kept *KeptCommand `json:",omitzero"`
}

// KeptCommand is an accepted command beside its events. With its id and version in
// Command, and the time and the actor of the commit, it is all that was decided on
// besides the state.
type KeptCommand struct {
	Name    string         // declared name, such as "rename-user"
	Payload jsontext.Value // a JSON object; nil for a part of a command over several streams
	// Stream is the command's own stream, in the commit of another that the command
	// wrote to; "" in a commit of its own.
	Stream Stream
}

// Digest is the first eight bytes of a SHA-256. Eight bytes tell one client's
// commands apart (a second pre-image costs 2^64 tries and gains its finder a
// 422 instead of a repeated answer) and keep 128 remembered commands near 2 KB.
type Digest [8]byte

// CommandRecord is the short form in which a snapshot carries a command.
type CommandRecord struct {
	Key     Digest // digest of the command id
	Digest  Digest // as in Command
	Version int64  // as in Command
	Started bool   // the command started the stream
	Commit  int64  // number of the commit that answers it; 0 when not known
	// Hour says that it was accepted at this hour since 1970 (UTC) or before;
	// 0 when not known.
	Hour int32
}

// Snapshot is the state of an aggregate after the commit it rides in.
type Snapshot struct {
	Schema   int             // schema version of State; one that does not match is ignored
	State    jsontext.Value  // a JSON value
	Commands []CommandRecord // the last commands before this commit, oldest first
	// From is the number of the first commit from which on Commands has every
	// command; 0 when not known, as in snapshots of older programs.
	From int64
}

// Position is the place right after a commit of a stream, or the start of it.
// An append goes to a position; only a commit that was read or stored yields
// one, so a stream can get no gap.
type Position struct {
	stream  Stream
	number  int64
	version int64
}

// Start is the position before the first commit of stream.
func Start(stream Stream) Position { return Position{stream: stream} }

// After is the position right after c, which must come from a Store.
func After(c *Commit) Position {
	return Position{stream: c.Stream, number: c.Number, version: c.Version}
}

// Stream returns the stream the position is in.
func (p Position) Stream() Stream { return p.stream }

// Number returns the number of commits before the position.
func (p Position) Number() int64 { return p.number }

// Version returns the number of events before the position.
func (p Position) Version() int64 { return p.version }
