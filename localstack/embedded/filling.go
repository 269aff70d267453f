package embedded

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// filling holds a table's rows while the table is loaded. A search in the tree
// misses the processor's cache at each step, which cost a start two thirds of its
// time; here rows are found by a hash of their keys, and the tree and the indexes
// are made once all rows are known, each in its order.
type filling struct {
	t     *table
	slots []slot // a power of two, of which at most half are taken
	rows  int
}

// slot is the place of a row; the empty one is no row's. A row is at its hash or
// behind it, with no empty slot in between.
type slot struct {
	hash uint32 // spread of the row's key
	row  ref
}

// firstSlots is the size of a table that begins to be filled.
const firstSlots = 1 << 8

func newFilling(t *table) *filling { return &filling{t: t, slots: make([]slot, firstSlots)} }

// place is where the row of a key is, or the empty slot where it would be.
func (f *filling) place(key []byte, hash uint32) int {
	mask := len(f.slots) - 1
	for i := int(hash) & mask; ; i = (i + 1) & mask {
		s := f.slots[i]
		if s.row == 0 || s.hash == hash && bytes.Equal(f.t.arena.rowKey(s.row), key) {
			return i
		}
	}
}

// find returns where the row of a key is kept, 0 for no row.
func (f *filling) find(key []byte) ref { return f.slots[f.place(key, spread(key))].row }

// put keeps a row and returns the one that it replaces, 0 for none.
func (f *filling) put(row []byte) (old, new ref) {
	a := f.t.arena
	new = a.putBytes(row)
	key := a.rowKey(new)
	hash := spread(key)
	i := f.place(key, hash)
	old = f.slots[i].row
	f.slots[i] = slot{hash, new}
	f.t.size += int64(rowSize(row))
	if old != 0 {
		f.t.size -= int64(rowSize(a.blob(old)))
		return old, new
	}
	if f.rows++; 2*f.rows > len(f.slots) {
		f.grow()
	}
	return 0, new
}

func (f *filling) grow() {
	before := f.slots
	f.slots = make([]slot, 2*len(before))
	mask := len(f.slots) - 1
	for _, s := range before {
		if s.row == 0 {
			continue
		}
		i := int(s.hash) & mask
		for f.slots[i].row != 0 {
			i = (i + 1) & mask
		}
		f.slots[i] = s
	}
}

// remove forgets the row of a key and returns it, 0 for none.
func (f *filling) remove(key []byte) (old ref) {
	mask := len(f.slots) - 1
	gap := f.place(key, spread(key))
	if old = f.slots[gap].row; old == 0 {
		return 0
	}
	f.rows--
	f.t.size -= int64(rowSize(f.t.arena.blob(old)))
	for i := (gap + 1) & mask; f.slots[i].row != 0; i = (i + 1) & mask {
		// A row behind the gap closes it, unless that would bring it before its hash.
		if home := int(f.slots[i].hash) & mask; (i-home)&mask >= (i-gap)&mask {
			f.slots[gap] = f.slots[i]
			gap = i
		}
	}
	f.slots[gap] = slot{}
	return old
}

// finish gives the table its rows, in its tree, its indexes and its order of expiry. Its
// error says that an item of a record whose checksum is right can't be read.
func (f *filling) finish() error {
	t := f.t
	rows := make([]sortedKey, 0, f.rows)
	for _, s := range f.slots {
		if s.row != 0 {
			rows = append(rows, newSortedKey(t.arena.rowKey(s.row), s.row, s.row))
		}
	}
	f.slots, f.rows = nil, 0
	sortKeys(rows, t.arena.rowKey)
	for _, r := range rows {
		t.rows.Load(r.row)
	}
	var building sync.WaitGroup
	errs := make([]error, len(t.indexes)+1)
	for i, x := range t.indexes {
		building.Go(func() { errs[i] = guard(func() { x.build(rows) }) })
	}
	if t.expiry != nil {
		building.Go(func() { errs[len(t.indexes)] = guard(func() { t.expiry.build(rows) }) })
	}
	building.Wait()
	return errors.Join(errs...)
}

// guard turns a panic, such as that of an item that can't be read, into an error.
func guard(do func()) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	do()
	return nil
}

// sortedKey is a key of a row with its beginning, by which most keys are told apart
// without a look at them.
type sortedKey struct {
	begin uint64
	key   ref // of a row, or of an index
	row   ref
}

func newSortedKey(text []byte, key, row ref) sortedKey {
	var begin [8]byte
	copy(begin[:], text)
	return sortedKey{binary.BigEndian.Uint64(begin[:]), key, row}
}

// sortKeys sorts by whole keys, which text finds. A key begins with a hash, so the
// halves of all keys are sorted side by side.
func sortKeys(keys []sortedKey, text func(ref) []byte) {
	low := 0
	for i, k := range keys {
		if k.begin>>63 == 0 {
			keys[i], keys[low] = keys[low], k
			low++
		}
	}
	ascending := func(a, b sortedKey) int {
		if a.begin != b.begin {
			return cmp.Compare(a.begin, b.begin)
		}
		return bytes.Compare(text(a.key), text(b.key))
	}
	var sorting sync.WaitGroup
	for _, half := range [][]sortedKey{keys[:low], keys[low:]} {
		sorting.Go(func() { slices.SortFunc(half, ascending) })
	}
	sorting.Wait()
}

// build fills an empty index from a table's rows.
func (x *index) build(rows []sortedKey) {
	keys := make([]sortedKey, 0, len(rows))
	for _, r := range rows {
		full := x.arena.row(r.row)
		if key, ok := x.keyOf(full); ok {
			keys = append(keys, newSortedKey([]byte(key), x.arena.put(key), r.row))
			x.size += int64(x.sizeOf(full))
		}
	}
	sortKeys(keys, x.arena.blob)
	for _, k := range keys {
		x.entries.Load(entry{key: k.key, row: k.row})
	}
	x.building = false
}

// build fills an empty order of expiry from a table's rows, which are in the order of
// their keys.
func (x *expiry) build(rows []sortedKey) {
	var all []expiryEntry
	for _, r := range rows {
		if at, ok := x.timeOf(x.arena.row(r.row)); ok {
			all = append(all, expiryEntry{at, r.row})
		}
	}
	slices.SortStableFunc(all, func(a, b expiryEntry) int { return cmp.Compare(a.at, b.at) })
	for _, e := range all {
		x.entries.Load(e)
	}
}
