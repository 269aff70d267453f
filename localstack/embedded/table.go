package embedded

import (
	"bytes"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/tidwall/btree"

	"daybook/localstack/embedded/attr"
	"daybook/localstack/embedded/expr"
)

// View types of a stream.
const (
	viewKeys = "KEYS_ONLY"
	viewNew  = "NEW_IMAGE"
	viewOld  = "OLD_IMAGE"
	viewBoth = "NEW_AND_OLD_IMAGES"
)

// Types of a key's attributes.
const (
	keyHash  = "HASH"
	keyRange = "RANGE"
)

type attributeDefinition struct {
	AttributeName string
	AttributeType string
}

type keyElement struct {
	AttributeName string
	KeyType       string
}

type projection struct {
	ProjectionType   string   `json:",omitzero"`
	NonKeyAttributes []string `json:",omitzero"`
}

type throughput struct {
	ReadCapacityUnits  int64
	WriteCapacityUnits int64
}

type indexDefinition struct {
	IndexName  string
	KeySchema  []keyElement
	Projection projection
	Throughput throughput
}

// definition is what the log keeps of a table, besides its items.
type definition struct {
	ID         uint64 // names the table in the log
	UUID       string
	Name       string
	Created    time.Time
	Attributes []attributeDefinition
	Key        []keyElement
	Indexes    []indexDefinition
	OnDemand   bool
	Throughput throughput
	Class      string
	Encryption bool
	Protected  bool              // from deletion
	TTL        string            // attribute; "" while disabled
	Recovery   time.Time         // since when point-in-time recovery is on; zero while off
	Tags       map[string]string `json:",omitzero"`
	Stream     uint64            // ID of the latest stream, 0 if there never was one
}

// clone is a copy that can be changed.
func (d definition) clone() definition {
	d.Attributes = slices.Clone(d.Attributes)
	d.Indexes = slices.Clone(d.Indexes)
	d.Tags = maps.Clone(d.Tags)
	return d
}

// schema resolves key elements, hash attributes first, to names and types.
func (d definition) schema(key []keyElement) keySchema {
	var s keySchema
	for i, k := range key {
		part := expr.KeyAttribute{Name: k.AttributeName}
		for _, a := range d.Attributes {
			if a.AttributeName == k.AttributeName {
				part.Kind, _ = attr.KindOf(a.AttributeType)
			}
		}
		s.all = append(s.all, part)
		if k.KeyType == keyHash {
			s.Hash = s.all[:i+1]
		} else {
			s.Range = s.all[len(s.Hash):]
		}
	}
	return s
}

// table is one table and what is derived from its items. The lock guards all
// that follows it, and gone.
type table struct {
	id     uint64
	name   string
	schema keySchema
	meter  meter
	arena  *arena

	mu      sync.RWMutex
	def     definition
	rows    *btree.BTreeG[ref]
	size    int64 // bytes of all items
	indexes []*index
	expiry  *expiry // nil while time to live is disabled
	stream  *stream // the latest, enabled or not; nil if there never was one
	gone    bool    // deleted
}

func newTable(def definition) *table {
	a := newArena()
	t := &table{id: def.ID, name: def.Name, schema: def.schema(def.Key), def: def, arena: a}
	t.rows = newTree(func(one, two ref) bool { return bytes.Compare(a.rowKey(one), a.rowKey(two)) < 0 })
	t.setIndexes()
	t.setExpiry()
	return t
}

// setIndexes makes the indexes match the definition. A new one is empty and
// building; fill brings the items in.
func (t *table) setIndexes() {
	before, kept := t.indexes, make([]*index, 0, len(t.def.Indexes))
	for _, def := range t.def.Indexes {
		if x := t.index(def.IndexName); x != nil {
			x.def = def
			kept = append(kept, x)
			continue
		}
		x := newIndex(def, t.def.schema(def.KeySchema), t.schema, t.arena)
		x.building = t.rows.Len() > 0
		kept = append(kept, x)
	}
	t.indexes = kept
	for _, x := range before {
		if !slices.Contains(kept, x) {
			x.drop()
		}
	}
}

// index finds an index by name.
func (t *table) index(name string) *index {
	for _, x := range t.indexes {
		if x.def.IndexName == name {
			return x
		}
	}
	return nil
}

// find returns where the row of a key is kept, 0 for no row.
func (t *table) find(key string) ref {
	p := t.arena.pivot(key)
	r, _ := t.rows.Get(p)
	t.arena.done(p)
	return r
}

// get returns the row of a key, or the empty row.
func (t *table) get(key string) row { return t.arena.row(t.find(key)) }

// fill brings up to n items from the key on into an index that is being built.
// It returns the last key and whether all are in.
func (t *table) fill(x *index, from string, n int) (last string, done bool) {
	left := n
	done = true
	p := t.arena.pivot(from)
	defer t.arena.done(p)
	t.rows.Ascend(p, func(r ref) bool {
		if left == 0 {
			done = false
			return false
		}
		left--
		full := t.arena.row(r)
		last = full.key()
		x.apply("", full, r)
		return true
	})
	if done {
		x.building = false
	}
	return last, done
}

// change is one item's change, decided under its table's lock.
type change struct {
	t        *table
	key      string
	old, new row
	service  bool  // deleted by time to live
	hold     *hold // its stream record is kept back
}

// apply makes a change happen in memory.
func (t *table) apply(c change, at uint32) {
	var old, new ref
	if c.new == "" {
		p := t.arena.pivot(c.key)
		old, _ = t.rows.Delete(p)
		t.arena.done(p)
	} else {
		new = t.arena.put(string(c.new))
		old, _ = t.rows.Set(new)
	}
	t.size += int64(c.new.size() - c.old.size())
	for _, x := range t.indexes {
		x.apply(c.old, c.new, new)
	}
	if t.expiry != nil {
		t.expiry.apply(c.old, c.new, old, new)
	}
	if t.stream != nil && t.stream.enabled() {
		t.stream.emit(c.key, t.stream.newRecord(old, new, at, c.service), c.hold)
	}
	t.arena.release(old)
}

// drop releases the rows. The parts that a stream's records hold of them stay.
func (t *table) drop() {
	t.gone = true
	if t.stream == nil {
		return // the arena goes with the table
	}
	t.rows.Scan(func(r ref) bool {
		t.arena.release(r)
		return true
	})
	for _, x := range t.indexes {
		x.drop()
	}
}
