package driver

import (
	"context"
)

// Write is one conditional write of an item.
type Write struct {
	Item Item
	// Expect and ExpectParked are Version and Parked of the item that must be
	// stored now; both 0 say that no item may be there. Parking a stream does
	// not change its item's version.
	Expect       int64
	ExpectParked int64
	// Delete removes the item instead of storing it; Item needs the key only.
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

// Over says that w replaces (or deletes) old, nil for no item.
func (w Write) Over(old *Item) Write {
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

// Table keeps the items of one view at one version of the view. It holds no logic
// of views. All methods may be called concurrently. Every implementation passes the
// conformance suite in package viewtest.
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
	// before it. An item is in one segment, also after changes; the order is
	// the database's. Each page is strongly consistent; an item that is stored
	// or changed while the scan runs is seen as it is when its page is read, and
	// one that was stored before and stays is always seen.
	//
	// segments is from 1 to 1,000,000 and segment below it; anything else, and a
	// cursor of another scan, is malformed.
	Scan(ctx context.Context, segment, segments int, cursor string) (page []ScannedItem, next string, err error)
}

// Inserter is a Table that stores many new items in one request.
type Inserter interface {
	// Insert stores 1 to MaxInsert items of different keys, each as Put does with a
	// Write that expects none to be there, and returns an error or nil for each, in
	// their order. Each has a condition of its own, evaluated when it is stored.
	Insert(ctx context.Context, items []Item) []error
}

// ScannedItem is an item that Table.Scan found.
type ScannedItem struct {
	Item Item
	// Err says, with code internal, that what is stored can't be read; of Item
	// only the key is set then.
	Err error
}

// Tables opens the table of a view at a version of it.
type Tables interface {
	Table(view string, version int) Table
}

// MaxGet, MaxTransact and MaxInsert bound the keys, writes and items of one call of a
// Table.
const (
	MaxInsert   = 25
	MaxGet      = 100
	MaxTransact = 100
)
