package embedded

import (
	"bytes"

	"github.com/tidwall/btree"

	"daybook/localstack/embedded/attr"
)

// entry is one item's place in an index. Its key is the index's key, then the
// table's. The row is held by the table.
type entry struct {
	key ref
	row ref
}

// index is one global secondary index. It holds the table's own rows and
// projects them when they are read.
type index struct {
	arena    *arena
	def      indexDefinition
	schema   keySchema
	all      bool     // projection ALL
	names    []string // what else is projected, keys included
	entries  *btree.BTreeG[entry]
	size     int64 // bytes of the projected items
	building bool  // being filled from the table's items
}

// newTree makes a tree for use under a table's lock.
func newTree[T any](less func(a, b T) bool) *btree.BTreeG[T] {
	return btree.NewBTreeGOptions(less, btree.Options{NoLocks: true})
}

// newIndex makes an empty index of a table.
func newIndex(def indexDefinition, schema, table keySchema, a *arena) *index {
	x := &index{arena: a, def: def, schema: schema, all: def.Projection.ProjectionType == "ALL"}
	x.entries = newTree(func(one, two entry) bool { return bytes.Compare(a.text(one.key), a.text(two.key)) < 0 })
	seen := map[string]bool{}
	for _, list := range [][]string{table.names(), schema.names(), def.Projection.NonKeyAttributes} {
		for _, name := range list {
			if !seen[name] {
				seen[name] = true
				x.names = append(x.names, name)
			}
		}
	}
	return x
}

// keyOf is the row's key in the index; false if the row is not in it: it lacks
// one of the index's attributes.
func (x *index) keyOf(r row) (string, bool) {
	if r == "" {
		return "", false
	}
	values := make([]attr.Value, 0, 2*maxKeyAttributes)
	for _, p := range x.schema.all {
		v, ok := r.attribute(p.Name)
		if !ok || v.Kind() != p.Kind {
			return "", false
		}
		values = append(values, v)
	}
	key := x.schema.appendKey(make([]byte, 0, 96), values)
	return string(append(key, r.key()...)), true
}

// project is the part of an item that the index holds.
func (x *index) project(r row) attr.Item {
	if x.all {
		return r.item()
	}
	return r.pick(x.names)
}

// sizeOf is the size of a row's projection, 0 for no row.
func (x *index) sizeOf(r row) int {
	if r == "" || x.all {
		return r.size()
	}
	return r.pick(x.names).Size()
}

// apply brings the index up to date with one change of an item; row is where
// the new row is kept.
func (x *index) apply(old, new row, row ref) {
	oldKey, had := x.keyOf(old)
	newKey, has := x.keyOf(new)
	if had && (!has || oldKey != newKey) {
		x.remove(oldKey, old)
	}
	if has {
		x.set(newKey, new, row)
	}
}

func (x *index) remove(key string, old row) {
	p := x.arena.pivot(key)
	defer x.arena.done(p)
	if prev, ok := x.entries.Delete(entry{key: p}); ok {
		x.size -= int64(x.sizeOf(old))
		x.arena.release(prev.key)
	}
}

// set adds an entry, or lets the one with the key refer to another row.
func (x *index) set(key string, new row, row ref) {
	p := x.arena.pivot(key)
	defer x.arena.done(p)
	prev, ok := x.entries.Get(entry{key: p})
	if ok {
		x.size -= int64(x.sizeOf(x.arena.row(prev.row)))
	} else {
		prev.key = x.arena.put(key)
	}
	x.entries.Set(entry{key: prev.key, row: row})
	x.size += int64(x.sizeOf(new))
}

// drop lets go of what the entries hold.
func (x *index) drop() {
	x.entries.Scan(func(e entry) bool {
		x.arena.release(e.key)
		return true
	})
}

// writeUnits is what a change of an item costs in the index, by AWS's "Global
// secondary indexes: write capacity": nothing if what the index holds does not
// change, one write to put, change or delete an entry, two to move it.
func (x *index) writeUnits(old, new row) float64 {
	oldKey, had := x.keyOf(old)
	newKey, has := x.keyOf(new)
	switch {
	case !had && !has:
		return 0
	case !had:
		return writeUnits(x.sizeOf(new))
	case !has:
		return writeUnits(x.sizeOf(old))
	case oldKey != newKey:
		return writeUnits(x.sizeOf(old)) + writeUnits(x.sizeOf(new))
	case attr.EqualItems(x.project(old), x.project(new)):
		return 0
	}
	return writeUnits(max(x.sizeOf(old), x.sizeOf(new)))
}
