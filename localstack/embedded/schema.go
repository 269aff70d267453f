package embedded

import (
	"hash/crc32"

	"daybook/localstack/embedded/attr"
	"daybook/localstack/embedded/expr"
)

// keySchema is the key of a table or an index. A table has one hash attribute
// and at most one range attribute, an index up to maxKeyAttributes of each.
type keySchema struct {
	expr.KeySchema
	all []expr.KeyAttribute // the hash attributes, then the range attributes
}

// maxKeyAttributes is how many hash attributes an index can have, and how many
// range attributes, from AWS's "Multi-attribute key schema".
const maxKeyAttributes = 4

// names are the key's attributes, the hash attributes first.
func (s keySchema) names() []string {
	names := make([]string, len(s.all))
	for i, p := range s.all {
		names[i] = p.Name
	}
	return names
}

func (s keySchema) isKey(name string) bool {
	for _, p := range s.all {
		if p.Name == name {
			return true
		}
	}
	return false
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
func appendHash(dst []byte, hash ...attr.Value) []byte {
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	for _, v := range hash {
		dst = attr.AppendKey(dst, v)
	}
	h := spread(dst[at+hashLen:])
	dst[at], dst[at+1], dst[at+2], dst[at+3] = byte(h>>24), byte(h>>16), byte(h>>8), byte(h)
	return dst
}

// keyOf is the key of a complete item, or DynamoDB's error about it.
func (s keySchema) keyOf(it attr.Item) (string, error) {
	values := make([]attr.Value, 0, 2*maxKeyAttributes)
	for _, p := range s.all {
		v, ok := it[p.Name]
		if !ok {
			return "", invalidParameter("Missing the key %s in the item", p.Name)
		}
		if v.Kind() != p.Kind {
			return "", invalidParameter("Type mismatch for key %s expected: %s actual: %s", p.Name, p.Kind, v.Kind())
		}
		if err := checkNotEmpty(p, v, ""); err != nil {
			return "", err
		}
		values = append(values, v)
	}
	if err := s.checkSize(it); err != nil {
		return "", err
	}
	return string(s.appendKey(make([]byte, 0, 64), values)), nil
}

// appendKey appends the form of the values of all attributes.
func (s keySchema) appendKey(dst []byte, values []attr.Value) []byte {
	hashes := len(s.Hash)
	dst = appendHash(dst, values[:hashes]...)
	for _, v := range values[hashes:] {
		dst = attr.AppendKey(dst, v)
	}
	return dst
}

// keyOnly is the key of a request that names an item by its key only.
func (s keySchema) keyOnly(key attr.Item) (string, error) {
	if len(key) != len(s.all) || !s.fits(key) {
		return "", keyMismatch()
	}
	return s.keyOf(key)
}

// fits tells whether an item has all attributes of the key, of their types.
func (s keySchema) fits(it attr.Item) bool {
	for _, p := range s.all {
		if it[p.Name].Kind() != p.Kind {
			return false
		}
	}
	return true
}

// emptyKey is the error about an attribute of the key that has no bytes, nil if
// there is none. index is as in checkNotEmpty.
func (s keySchema) emptyKey(it attr.Item, index string) error {
	for _, p := range s.all {
		if v := it[p.Name]; v.Kind() == p.Kind {
			if err := checkNotEmpty(p, v, index); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkNotEmpty refuses an empty value of a key. index is the name of the index
// the key belongs to, or "" for the table's own.
func checkNotEmpty(p expr.KeyAttribute, v attr.Value, index string) error {
	if p.Kind == attr.Number || v.Str() != "" {
		return nil
	}
	kind := "string"
	if p.Kind == attr.Binary {
		kind = "binary"
	}
	if index != "" {
		return validationf("One or more parameter values are not valid. A value specified for a secondary index key is not supported. "+
			"The AttributeValue for a key attribute cannot contain an empty %s value. IndexName: %s, IndexKey: %s", kind, index, p.Name)
	}
	return validationf("One or more parameter values are not valid. The AttributeValue for a key attribute "+
		"cannot contain an empty %s value. Key: %s", kind, p.Name)
}

// checkSize refuses values that are too long for a key, all hash attributes
// together or all range attributes together.
func (s keySchema) checkSize(it attr.Item) error {
	if keySize(s.Hash, it) > maxHashSize {
		return invalidParameter("Size of hashkey has exceeded the maximum size limit of2048 bytes")
	}
	if keySize(s.Range, it) > maxSortSize {
		return invalidParameter("Aggregated size of all range keys has exceeded the size limit of 1024 bytes")
	}
	return nil
}

// keySize is the length of the strings and binaries among attributes of a key.
func keySize(attributes []expr.KeyAttribute, it attr.Item) (n int) {
	for _, p := range attributes {
		if p.Kind != attr.Number {
			n += len(it[p.Name].Str())
		}
	}
	return n
}

// checkIndexKeys refuses an item whose attribute for an index's key has another
// type than the key, or a value that a key can't have. An item that lacks an
// attribute is fine: it is not in the index.
func checkIndexKeys(schema keySchema, index string, it attr.Item) error {
	for _, p := range schema.all {
		v, ok := it[p.Name]
		if !ok {
			continue
		}
		if v.Kind() != p.Kind {
			return invalidParameter("Type mismatch for Index Key %s Expected: %s Actual: %s IndexName: %s",
				p.Name, p.Kind, v.Kind(), index)
		}
		if err := checkNotEmpty(p, v, index); err != nil {
			return err
		}
	}
	return schema.checkSize(it)
}
