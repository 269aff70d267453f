package view

import (
	"hash/fnv"
	"slices"
	"strconv"
	"unicode/utf8"

	"daybook/events"
)

// Limits of index keys in bytes. DynamoDB allows 2,048 for a partition key and
// 1,024 for a sort key; what Daybook adds to a value stays within the rest.
const (
	maxPartition  = 1024 // a longer value is stored as its digest
	maxSort       = 1000 // longer values are sorted by their beginning
	maxShards     = 32
	maxExactSort  = maxSort - utf8.UTFMax // a longer sort key may stand for several values
	allPartition  = "*"
	stringPrefix  = "=" // makes the empty string a key
	longPartition = "#"
)

// IndexBy says what an index partitions and sorts rows by: see By and All.
type IndexBy struct {
	field     string
	all       bool
	sort      string
	shards    int
	partition *form // of field
	sorting   *form // of sort
}

// By is an index with a partition for each value of a field: a string, a time,
// a boolean or a number. A row whose field is a nil pointer is not in it; one
// that leaves the field out because it is zero has the zero value.
func By(field string) IndexBy { return IndexBy{field: field, sort: fieldID, shards: 1} }

// All is an index with one partition for all rows.
func All() IndexBy { return IndexBy{all: true, sort: fieldID, shards: 1} }

// Then sorts each partition by a field: a string (by its UTF-8 bytes, of which
// about the first 1,000 count), a time, or a number. Without it, and among equals,
// rows are sorted by key. A row whose field is a nil pointer is not in the index.
func (b IndexBy) Then(field string) IndexBy {
	b.sort = field
	return b
}

// Shards spreads each partition over n parts, 1 to 32, that reading merges. A
// partition of DynamoDB takes 1,000 write units a second; an index of few
// partitions and more writes than that needs it.
func (b IndexBy) Shards(n int) IndexBy {
	b.shards = n
	return b
}

// index is a declared index.
type index struct {
	name      string
	partition *field // nil: all rows
	sort      field
	shards    int
}

func (ix index) describe() IndexDescription {
	d := IndexDescription{Name: ix.name, Sort: ix.sort.name, SortForm: ix.sort.form.stored(), SortKind: ix.sortKind(), Shards: ix.shards}
	if ix.partition != nil {
		d.Partition, d.PartitionForm = ix.partition.name, ix.partition.form.stored()
	}
	return d
}

func (ix index) sortKind() SortKind {
	if ix.sort.kind.number() {
		return SortNumber
	}
	return SortString
}

func (d *def) addIndex(name string, by IndexBy) {
	fail := func(format string, args ...any) { d.fail("index %q: "+format, append([]any{name}, args...)...) }
	if err := events.ValidateName("index", name); err != nil {
		fail("%w", err)
	}
	if slices.ContainsFunc(d.indexes, func(ix index) bool { return ix.name == name }) {
		fail("it is declared twice")
	}
	if len(d.indexes) == maxIndexes {
		fail("a view has at most %d indexes", maxIndexes)
	}
	if by.shards < 1 || by.shards > maxShards {
		fail("%d shards: 1 to %d are allowed", by.shards, maxShards)
	}
	ix := index{name: name, shards: by.shards}
	if !by.all {
		f, ok := d.rowField(by.field)
		if !ok || f.kind == kindOther {
			fail("the row has no string, time, boolean or number %q to partition by", by.field)
		}
		f.form = d.formOf(f, by.partition, d.indexes, fail)
		ix.partition = &f
	}
	if by.sort == fieldID {
		ix.sort = field{name: fieldID, kind: kindString}
		if by.sorting != nil {
			fail("Fold follows the By or Then of a field")
		}
	} else {
		f, ok := d.rowField(by.sort)
		if !ok || f.kind == kindOther || f.kind == kindBool {
			fail("the row has no string, time or number %q to sort by", by.sort)
		}
		f.form = d.formOf(f, by.sorting, append(slices.Clone(d.indexes), ix), fail)
		ix.sort = f
	}
	d.indexes = append(d.indexes, ix)
}

func (d *def) rowField(name string) (field, bool) {
	i := slices.IndexFunc(d.fields, func(f field) bool { return f.name == name })
	if i < 0 {
		return field{}, false
	}
	return d.fields[i], true
}

// place computes where a row stands in the index; ok is false when it is not in
// it. Every value has a place: what a key can't hold is cut (see sortText and
// partitionText).
func (ix index) place(key string, row map[string]value) (k IndexKey, ok bool) {
	partition := allPartition
	if ix.partition != nil {
		v, present := row[ix.partition.name]
		if !present {
			return IndexKey{}, false
		}
		partition = ix.partition.partitionText(v)
	}
	v, present := row[ix.sort.name]
	if ix.sort.name == fieldID {
		v, present = value{text: key}, true
	}
	if !present {
		return IndexKey{}, false
	}
	sort, _ := ix.sort.sortText(v)
	return IndexKey{Partition: ix.shardOf(partition, key), Sort: sort}, true
}

// partitionText is a value as (the last part of) a partition key:
//
//	true, 12.5             booleans, and numbers as decimal.Decimal writes them
//	=text                  strings and times (timeLayout) up to maxPartition bytes
//	#begin…<64 hex digits> longer ones: their beginning and their SHA-256
//
// An equal value has an equal text; whoever asks still compares the row.
func (f field) partitionText(v value) string {
	if f.kind == kindBool || f.kind.number() {
		return v.text
	}
	if len(v.text) <= maxPartition {
		return stringPrefix + v.text
	}
	return longPartition + digestKey(v.text)
}

// sortText is a value as a sort key: a number itself, or the nearest that
// DynamoDB can keep, and "=" with the first maxSort bytes (of whole characters)
// of a string, so that the empty string is a key and sorts first. exact is false
// when another value may have the text. Of two values the greater never has the
// lesser text.
func (f field) sortText(v value) (s Sort, exact bool) {
	if f.kind.number() {
		nearest, exact := v.num.NearestStorable()
		return Sort{Kind: SortNumber, Text: nearest.String()}, exact
	}
	cut := events.Beginning(v.text, maxSort)
	exact = len(v.text) <= maxExactSort
	return Sort{Kind: SortString, Text: stringPrefix + cut}, exact
}

// shardOf returns the partition key of a row: with shards, the shard's number
// and a slash come first.
func (ix index) shardOf(partition, key string) string {
	if ix.shards == 1 {
		return partition
	}
	h := fnv.New32a()
	h.Write([]byte(key))
	return shardText(int(h.Sum32()%uint32(ix.shards)), partition)
}

func shardText(shard int, partition string) string { return strconv.Itoa(shard) + "/" + partition }

// partitions returns all partition keys that hold rows of a partition.
func (ix index) partitions(partition string) []string {
	if ix.shards == 1 {
		return []string{partition}
	}
	all := make([]string, ix.shards)
	for i := range all {
		all[i] = shardText(i, partition)
	}
	return all
}
