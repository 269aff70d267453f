package mapping

import (
	"context"
	"encoding/json/jsontext"
	"errors"
	"time"
)

// Record is one record of a stream.
type Record struct {
	Sequence  string    // sequence number
	EventName string    // INSERT, MODIFY or REMOVE
	Created   time.Time // approximate time of the change
	// JSON is the record as it stands in a function's event.
	JSON jsontext.Value
}

// Shard is one shard of a stream.
type Shard struct {
	ID     string
	Parent string // read to its end before this one, if it is still listed
}

// Page is one answer to Source.Records.
type Page struct {
	Records []Record
	// Next is the iterator to go on with, "" when the shard was closed and is
	// read to its end.
	Next string
}

// Source is a stream. All methods may be called concurrently.
type Source interface {
	// Shards lists the shards there are.
	Shards(ctx context.Context) ([]Shard, error)
	// Iterator returns an iterator of shard behind the record of the sequence
	// number after, or at the oldest record for "". ErrTrimmed says that after
	// is no longer, or never was, in the shard.
	Iterator(ctx context.Context, shard, after string) (string, error)
	// Records returns up to limit records, and waits for none. ErrExpired says
	// that the iterator is too old, ErrTrimmed that its records are gone.
	Records(ctx context.Context, iterator string, limit int) (Page, error)
}

// Errors of a Source; any other is taken for a transient fault.
var (
	ErrExpired = errors.New("the iterator has expired")
	ErrTrimmed = errors.New("the position is not in the shard any more")
	ErrGone    = errors.New("the shard does not exist any more")
)

// Function is what is invoked: an event in, an answer out, an error for a
// function that failed.
type Function func(ctx context.Context, event []byte) ([]byte, error)

// ErrThrottled is a Function's error when it could not be invoked at all. Such
// an attempt consumes no retry and splits no batch: Lambda tries again until the
// records expire.
var ErrThrottled = errors.New("the function is throttled")
