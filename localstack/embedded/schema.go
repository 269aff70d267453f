package embedded

import (
	"hash/crc32"

	"daybook/localstack/embedded/attr"
)

// keyPart is one attribute of a key.
type keyPart struct {
	name string
	kind attr.Kind // String, Number or Binary
}

// keySchema is the key of a table or an index.
type keySchema struct {
	hash keyPart
	sort keyPart // without a name when the key has one part
}

func (s keySchema) hasSort() bool { return s.sort.name != "" }

// names are the key's attributes, the partition key first.
func (s keySchema) names() []string {
	if s.hasSort() {
		return []string{s.hash.name, s.sort.name}
	}
	return []string{s.hash.name}
}

func (s keySchema) isKey(name string) bool {
	return name == s.hash.name || s.hasSort() && name == s.sort.name
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// spread hashes bytes to 32 well-mixed bits. It is part of the stored form: a
// key begins with the spread of its partition key, and a stream record's shard
// is chosen by the spread of its item's key.
func spread(b []byte) uint32 {
	h := crc32.Checksum(b, castagnoli)
	h ^= h >> 16
	h *= 0x85ebca6b
	h ^= h >> 13
	h *= 0xc2b2ae35
	return h ^ h>>16
}

// hashLen is the length of the hash that a key begins with. As in DynamoDB, a
// scan meets partitions in the order of their hash, and a parallel scan's
// segments are ranges of it.
const hashLen = 4

// appendHash appends the part of a key that all items of a partition share.
func appendHash(dst []byte, hash attr.Value) []byte {
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	dst = attr.AppendKey(dst, hash)
	h := spread(dst[at+hashLen:])
	dst[at], dst[at+1], dst[at+2], dst[at+3] = byte(h>>24), byte(h>>16), byte(h>>8), byte(h)
	return dst
}

// keyOf is the key of a complete item, or DynamoDB's error about it.
func (s keySchema) keyOf(it attr.Item) (string, error) {
	buf := make([]byte, 0, 64)
	for i, p := range s.parts() {
		v, ok := it[p.name]
		if !ok {
			return "", invalidParameter("Missing the key %s in the item", p.name)
		}
		if v.Kind() != p.kind {
			return "", invalidParameter("Type mismatch for key %s expected: %s actual: %s", p.name, p.kind, v.Kind())
		}
		if err := checkKeyValue(p, v, i == 0, ""); err != nil {
			return "", err
		}
		if i == 0 {
			buf = appendHash(buf, v)
		} else {
			buf = attr.AppendKey(buf, v)
		}
	}
	return string(buf), nil
}

// keyOnly is the key of a request that names an item by its key alone.
func (s keySchema) keyOnly(key attr.Item) (string, error) {
	if len(key) != len(s.parts()) || !s.fits(key) {
		return "", keyMismatch()
	}
	return s.keyOf(key)
}

// fits tells whether an item has all attributes of the key, of their types.
func (s keySchema) fits(it attr.Item) bool {
	for _, p := range s.parts() {
		if it[p.name].Kind() != p.kind {
			return false
		}
	}
	return true
}

// emptyKey is the error about an attribute of the key that has no bytes, nil if
// there is none.
func (s keySchema) emptyKey(it attr.Item) error {
	for i, p := range s.parts() {
		if v := it[p.name]; v.Kind() == p.kind && p.kind != attr.Number && v.Str() == "" {
			return checkKeyValue(p, v, i == 0, "")
		}
	}
	return nil
}

func (s keySchema) parts() []keyPart {
	if s.hasSort() {
		return []keyPart{s.hash, s.sort}
	}
	return []keyPart{s.hash}
}

// checkKeyValue refuses an empty or too long value of a key. index is the name
// of the index the key belongs to, or "" for the table's own.
func checkKeyValue(p keyPart, v attr.Value, isHash bool, index string) error {
	if p.kind == attr.Number {
		return nil
	}
	n := len(v.Str())
	if n == 0 {
		kind := "string"
		if p.kind == attr.Binary {
			kind = "binary"
		}
		if index != "" {
			return validationf("One or more parameter values are not valid. A value specified for a secondary index key is not supported. "+
				"The AttributeValue for a key attribute cannot contain an empty %s value. IndexName: %s, IndexKey: %s", kind, index, p.name)
		}
		return validationf("One or more parameter values are not valid. The AttributeValue for a key attribute "+
			"cannot contain an empty %s value. Key: %s", kind, p.name)
	}
	if isHash && n > maxHashSize {
		return invalidParameter("Size of hashkey has exceeded the maximum size limit of2048 bytes")
	}
	if !isHash && n > maxSortSize {
		return invalidParameter("Aggregated size of all range keys has exceeded the size limit of 1024 bytes")
	}
	return nil
}

// checkIndexKeys refuses an item whose attribute for an index's key has another
// type than the key, or a value that a key can't have. An item that lacks the
// attribute is fine: it is not in the index.
func checkIndexKeys(schema keySchema, index string, it attr.Item) error {
	for i, p := range schema.parts() {
		v, ok := it[p.name]
		if !ok {
			continue
		}
		if v.Kind() != p.kind {
			return invalidParameter("Type mismatch for Index Key %s Expected: %s Actual: %s IndexName: %s",
				p.name, p.kind, v.Kind(), index)
		}
		if err := checkKeyValue(p, v, i == 0, index); err != nil {
			return err
		}
	}
	return nil
}
