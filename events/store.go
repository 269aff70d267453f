package events

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// MaxCommitSize is the largest stored commit in bytes: DynamoDB's limit of an
// item (400 KB, attribute names included).
const MaxCommitSize = 400 * 1024

// The limits of one Append or AppendAll: DynamoDB's of a transaction.
const (
	// MaxWrites is the largest number of items it may touch; see Writes.
	MaxWrites = 100
	// MaxAppendSize is the largest total size of its commits, in bytes.
	MaxAppendSize = 4 << 20
)

// Append is a commit and the position it goes to, for Store.AppendAll.
type Append struct {
	At Position
	// Commit is what to store. One without events stores nothing and only
	// guards: the append succeeds if nobody wrote to the stream since.
	Commit Commit
}

// Writes is the number of items that an append of all of as touches: each
// commit or guard, each value claimed or released, each once-only command.
func Writes(as []Append) int {
	n := len(as)
	values := map[string]bool{}
	for i := range as {
		c := &as[i].Commit
		for _, v := range [][]Claim{c.Claims, c.Releases} {
			for _, claim := range v {
				values[claim.Key(as[i].At.Stream().Tenant())] = true
			}
		}
		for _, command := range c.Commands {
			if command.Once {
				n++
			}
		}
	}
	return n + len(values)
}

// Store keeps commits. Every implementation passes the conformance suite in
// package eventstest. All methods may be called concurrently.
//
// Errors are *Error: canceled when ctx ended, busy when the store throttles,
// unavailable when it fails or does not answer, internal for data that cannot
// be read, and what a method names itself.
type Store interface {
	// Load returns the newest part of a stream, oldest first: from the newest
	// commit whose snapshot has schema version snapshot, that commit included,
	// or the whole stream when there is none. A stream that does not exist is
	// empty. The read is strongly consistent: it sees every append that was
	// acknowledged before. snapshot 0 accepts no snapshot.
	Load(ctx context.Context, stream Stream, snapshot int) ([]Commit, error)

	// Append stores c at position at: c.Stream, c.Number and c.Version are set
	// from it. It returns the commit as stored, Size set.
	//
	// A position already taken fails with code conflict, and the error chain
	// holds a *ConflictError with the commit that took it. A commit over
	// MaxCommitSize fails with too-large and writes nothing. If the commit with
	// c's own ID is at the position already, the append has succeeded before
	// its answer was lost: it succeeds again and writes nothing.
	//
	// With the commit, all or nothing, each of c.Claims becomes held by the
	// stream, each of c.Releases that the stream holds is free again (one it
	// does not hold stays as it is), and the id of each of c.Commands that is
	// Once is spent until c.Time plus OnceOnlyFor. If the position is free and a
	// claim is held by another stream, or a once-only id is spent and was not
	// forgotten before c.Time, it fails with code already-taken and writes
	// nothing; the error chain holds a *TakenError with all of them. A store
	// without room for claims fails with internal then.
	Append(ctx context.Context, at Position, c Commit) (Commit, error)

	// AppendAll stores all commits at their positions or none, as Append does
	// one: as are of different streams, at least one. It returns the commits as
	// stored, in order; those without events (guards) as they were given.
	//
	// Positions already taken fail with conflict, and the chain's *ConflictError
	// holds the commits that took them, at least one. Of claims and releases of
	// the same value by several streams the releases count first, so that a
	// value can change hands. More than MaxWrites items or MaxAppendSize bytes
	// fail with too-large, two appends on one stream with internal.
	AppendAll(ctx context.Context, as []Append) ([]Commit, error)

	// Spent returns what is kept of each once-only command id of a tenant ("" for
	// none), in order, nil for one that is not spent or is forgotten at the time now.
	// At most 100 ids. Strongly consistent.
	Spent(ctx context.Context, now time.Time, tenant string, ids []string) ([]*Spent, error)

	// Holders returns who holds the values of the given keys (Claim.Key), in
	// order, the zero Held for a free one. At most 100 keys. Strongly consistent.
	Holders(ctx context.Context, keys []string) ([]Held, error)

	// ScanHeld returns a page of all values held, of one of segments parts, and
	// the cursor of the next page, "" after the last; see Scan.
	ScanHeld(ctx context.Context, segment, segments int, cursor string) (page []Held, next string, err error)

	// Read returns up to limit commits of stream, oldest first, beginning with
	// commit number from (at least 1); fewer than limit says that the stream
	// ends there. The read is strongly consistent. limit is at least 1.
	Read(ctx context.Context, stream Stream, from int64, limit int) ([]Commit, error)

	// Commits returns the commits of stream with the given numbers, in order, nil
	// for one that does not exist: at most 100 distinct numbers. It sees every
	// append that was acknowledged before.
	Commits(ctx context.Context, stream Stream, numbers []int64) ([]*Commit, error)

	// Started reports for each stream whether it has a first commit, in the
	// order given, at most 100 streams in one request. Strongly consistent.
	Started(ctx context.Context, streams []Stream) ([]bool, error)

	// Scan returns a page of all commits of one of segments parts of the store,
	// and the cursor of the next page, "" after the last. The commits of one
	// stream are all in one segment and come in order; between streams the
	// order is the store's. A commit appended during the scan may be missed.
	// segments is from 1 to 1,000,000 and segment below it (DynamoDB's Scan).
	Scan(ctx context.Context, segment, segments int, cursor string) (page []Commit, next string, err error)
}

// ConflictError says who took the positions an append asked for.
type ConflictError struct {
	Winner Commit
	// Others are the winners on further streams, for AppendAll.
	Others []Commit
}

// Error names the streams and the commits.
func (e *ConflictError) Error() string {
	s := fmt.Sprintf("commit %d of %s was written by another", e.Winner.Number, e.Winner.Stream)
	for i := range e.Others {
		s += fmt.Sprintf(", and commit %d of %s", e.Others[i].Number, e.Others[i].Stream)
	}
	return s
}

// Conflict returns the error of an append whose position winner holds, and
// others theirs on further streams.
func Conflict(winner Commit, others ...Commit) *Error {
	return Wrap(CodeConflict, &ConflictError{Winner: winner, Others: others}, "another command was first")
}

// WinnerOf returns the commit that took the position, if err says so.
func WinnerOf(err error) (*Commit, bool) {
	if e, ok := errors.AsType[*ConflictError](err); ok {
		return &e.Winner, true
	}
	return nil, false
}

// WinnersOf returns all commits that took a position, none if err says of none.
func WinnersOf(err error) []*Commit {
	e, ok := errors.AsType[*ConflictError](err)
	if !ok {
		return nil
	}
	winners := []*Commit{&e.Winner}
	for i := range e.Others {
		winners = append(winners, &e.Others[i])
	}
	return winners
}
