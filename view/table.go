package view

import (
	"context"
	"encoding/json/jsontext"
	"strings"
	"unicode/utf8"

	"daybook/events/decimal"
)

// Item is what a Table keeps under one key: a row, or a checkpoint of a keyed
// view under a reserved key.
type Item struct {
	Key string

	// Row is a JSON object. It is nil for an item that no query returns: a
	// checkpoint, or a row that its view hides (the checkpoint in it must stay).
	Row jsontext.Value

	// Commit is the number of the last commit applied, for a row that follows
	// one stream and for a checkpoint; 0 for a row of a keyed view.
	Commit int64

	// Version guards every write: it grows with each. In a row that follows one
	// stream, and in a checkpoint, it is the stream's version after Commit; in
	// a row of a keyed view it counts the writes.
	Version int64

	// Memo is what the view remembers besides the row, or nil: of the stream in
	// a checkpoint, the row itself while it is hidden, the number of streams
	// that contribute to a row of a keyed view. A Table stores it as it is.
	Memo jsontext.Value

	// Parked is not 0 while the view can't apply the commit after Commit: then
	// the stream is held back. In a row of a keyed view it counts the parked
	// streams that contribute to it. An item that says nothing but that its
	// stream is parked has Version 0.
	Parked int64

	// Index holds the item's place in each index it appears in, by the name of
	// the index. An item without an entry is not in that index.
	Index map[string]IndexKey
}

// IndexKey is an item's place in an index. Sort holds a string or a number by
// the declaration of the index. Both parts are never empty: package view writes
// them so that a database can store them (see docs/architecture.md).
type IndexKey struct {
	Partition string
	Sort      Sort
}

// SortKind says what an index sorts by.
type SortKind uint8

// The kinds of sort keys.
const (
	SortString SortKind = iota + 1 // by UTF-8 bytes
	SortNumber                     // by value, up to 38 digits, no float64 in between
)

// Sort is a sort key: Text is the string itself, or the number in JSON's
// notation.
type Sort struct {
	Kind SortKind
	Text string
}

// Compare orders two sort keys of one index: -1, 0 or 1.
func (s Sort) Compare(o Sort) int {
	if s.Kind == SortNumber {
		a, _ := decimal.Parse(s.Text)
		b, _ := decimal.Parse(o.Text)
		return a.Compare(b)
	}
	return strings.Compare(s.Text, o.Text)
}

// Valid reports whether a database can keep s: a string of 1 to 1,024 bytes, or
// a number of up to 38 digits from 1e-130 to below 1e126.
func (s Sort) Valid() bool {
	switch s.Kind {
	case SortString:
		return s.Text != "" && len(s.Text) <= 1024 && utf8.ValidString(s.Text)
	case SortNumber:
		d, ok := decimal.Parse(s.Text)
		return ok && d.Storable()
	}
	return false
}

// Write is one conditional write of an item.
type Write struct {
	Item Item
	// Expect and ExpectParked are Version and Parked of the item that must be
	// stored now; both 0 say that no item may be there. Parking a stream does
	// not change its item's version.
	Expect       int64
	ExpectParked int64
	// Delete removes the item instead of storing it; Item needs the key alone.
	Delete bool
}

// Range asks for items of one partition of an index in order, or, with Index "",
// for the one item whose key is Partition. A range that can hold no sort key
// (Low above High) is never asked for.
type Range struct {
	Index     string
	Partition string
	// Low and High bound the sort key, nil for no bound. Prefix, for string
	// sort keys, excludes both.
	Low, High *Bound
	Prefix    string
	Desc      bool
	// Limit is the largest number of items in the answer, at least 1.
	Limit int
	// After continues behind the item at this place; nil starts at the end
	// that Desc says. The item need not exist any more.
	After *Place
}

// over says that w replaces (or deletes) old, nil for no item.
func (w Write) over(old *Item) Write {
	if old != nil {
		w.Expect, w.ExpectParked = old.Version, old.Parked
	}
	return w
}

// Bound is one end of a range of sort keys.
type Bound struct {
	Sort Sort
	Open bool // the bound itself is outside
}

// Place is where an item stands in one partition of an index: by sort key.
// Equal sort keys stand in an order of the database's own, which stays; Key
// tells them apart. A place is small, and it is what cursors are made of.
type Place struct {
	Sort Sort
	Key  string
}

// Table keeps the items of one view at one version of the view. It is the
// driver interface of this package: it holds no logic of views. All methods may
// be called concurrently. Every implementation passes the conformance suite in
// package viewtest.
//
// Errors are *events.Error with the codes of events.Store.
type Table interface {
	// Get returns the items of the given keys, in their order, nil where there
	// is none. It is strongly consistent. 1 to 100 different keys. Row and Memo
	// come back byte for byte.
	Get(ctx context.Context, keys []string) ([]*Item, error)

	// Put does one write. An item that is not the expected one fails with
	// conflict; an item over the database's limit with too-large. The limit of
	// an item that is not parked leaves room for parking it.
	Put(ctx context.Context, w Write) error

	// Transact does 1 to 100 writes of different keys, all or none. Codes as Put.
	Transact(ctx context.Context, ws []Write) error

	// Range returns up to r.Limit items in the order of the index; end says
	// that the range holds no more. It may return fewer without the end being
	// reached, but at least one. A query on an index may be behind the table.
	Range(ctx context.Context, r Range) (items []Item, end bool, err error)

	// Scan returns a page of all items of one of segments parts of the table,
	// and the cursor of the next page, "" after the last; a page may be empty
	// before it. An item is in one segment, whatever becomes of it; the order is
	// the database's. Each page is strongly consistent; an item that is stored
	// or changed while the scan runs is seen as it is when its page is read, and
	// one that was stored before and stays is always seen.
	//
	// segments is from 1 to 1,000,000 and segment below it; anything else, and a
	// cursor of another scan, is malformed.
	Scan(ctx context.Context, segment, segments int, cursor string) (page []Scanned, next string, err error)
}

// Scanned is an item that Table.Scan found.
type Scanned struct {
	Item Item
	// Err says, with code internal, that what is stored can't be read; of Item
	// the key alone is set then.
	Err error
}

// Tables opens the table of a view at a version of it.
type Tables interface {
	Table(view string, version int) Table
}
