package driver

import (
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
