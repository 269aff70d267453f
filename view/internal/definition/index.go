package definition

import (
	"hash/fnv"
	"slices"
	"strconv"
	"unicode/utf8"

	"daybook/events"
	"daybook/view/driver"
)

// Limits of index keys in bytes. DynamoDB allows 2,048 for a partition key and
// 1,024 for a sort key; what Daybook adds to a value stays within the rest.
const (
	maxPartition  = 1024 // a longer value is stored as its digest
	maxSort       = 1000 // longer values are sorted by their beginning
	MaxShards     = 32
	MaxExactSort  = maxSort - utf8.UTFMax // a longer sort key may stand for several values
	AllPartition  = "*"
	StringPrefix  = "=" // makes the empty string a key
	longPartition = "#"
)

// Index is a declared index.
type Index struct {
	Name      string
	Partition *Field // nil: all rows
	Sort      Field
	Shards    int
}

// Describe returns the index as a table declares it.
func (ix Index) Describe() driver.IndexDescription {
	d := driver.IndexDescription{Name: ix.Name, Sort: ix.Sort.Name, SortForm: ix.Sort.Form.Stored(), SortKind: ix.sortKind(), Shards: ix.Shards}
	if ix.Partition != nil {
		d.Partition, d.PartitionForm = ix.Partition.Name, ix.Partition.Form.Stored()
	}
	return d
}

func (ix Index) sortKind() driver.SortKind {
	if ix.Sort.Kind.Number() {
		return driver.SortNumber
	}
	return driver.SortString
}

// RowField returns a field that the row itself declares.
func (d *Definition) RowField(name string) (Field, bool) {
	i := slices.IndexFunc(d.Fields, func(f Field) bool { return f.Name == name })
	if i < 0 {
		return Field{}, false
	}
	return d.Fields[i], true
}

// place computes where a row stands in the index; ok is false when it is not in
// it. Every value has a place: what a key can't hold is cut (see SortText and
// PartitionText).
func (ix Index) place(name Name, row Values) (k driver.IndexKey, ok bool) {
	partition := AllPartition
	if ix.Partition != nil {
		v, present := row.Of(ix.Partition.Name)
		if !present {
			return driver.IndexKey{}, false
		}
		partition = ix.Partition.PartitionText(v)
	}
	v, present := row.Of(ix.Sort.Name)
	if ix.Sort.Name == FieldID {
		v, present = Value{Text: name.Key}, true
	}
	if !present {
		return driver.IndexKey{}, false
	}
	sort, _ := ix.Sort.SortText(v)
	return driver.IndexKey{Partition: ix.shardOf(events.Scoped(name.Tenant, partition), name.Key), Sort: sort}, true
}

// PartitionText is a value as (the last part of) a partition key:
//
//	true, 12.5             booleans, and numbers as decimal.Decimal writes them
//	=text                  strings and times (timeLayout) up to maxPartition bytes
//	#begin…<64 hex digits> longer ones: their beginning and their SHA-256
//
// A tenant's rows are in partitions of its own, with its name first: acme:=text.
// Without a tenant no text reads like that.
//
// An equal value has an equal text; whoever asks still compares the row.
func (f Field) PartitionText(v Value) string {
	if f.Kind == KindBool || f.Kind.Number() {
		return v.Text
	}
	if len(v.Text) <= maxPartition {
		return StringPrefix + v.Text
	}
	return longPartition + digestKey(v.Text)
}

// SortText is a value as a sort key: a number itself, or the nearest that
// DynamoDB can keep, and "=" with the first maxSort bytes (of whole characters)
// of a string, so that the empty string is a key and sorts first. exact is false
// when another value may have the text. Of two values the greater never has the
// lesser text.
func (f Field) SortText(v Value) (s driver.Sort, exact bool) {
	if f.Kind.Number() {
		nearest, exact := v.Num.NearestStorable()
		return driver.Sort{Kind: driver.SortNumber, Text: nearest.String()}, exact
	}
	cut := events.Beginning(v.Text, maxSort)
	exact = len(v.Text) <= MaxExactSort
	return driver.Sort{Kind: driver.SortString, Text: StringPrefix + cut}, exact
}

// shardOf returns the partition key of a row: with shards, the shard's number
// and a slash come first.
func (ix Index) shardOf(partition, key string) string {
	if ix.Shards == 1 {
		return partition
	}
	h := fnv.New32a()
	h.Write([]byte(key))
	return shardText(int(h.Sum32()%uint32(ix.Shards)), partition)
}

func shardText(shard int, partition string) string { return strconv.Itoa(shard) + "/" + partition }

// Partitions returns all partition keys that hold rows of a tenant's partition.
func (ix Index) Partitions(tenant, partition string) []string {
	partition = events.Scoped(tenant, partition)
	if ix.Shards == 1 {
		return []string{partition}
	}
	all := make([]string, ix.Shards)
	for i := range all {
		all[i] = shardText(i, partition)
	}
	return all
}
