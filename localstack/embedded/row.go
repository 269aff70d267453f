package embedded

import (
	"encoding/binary"

	"daybook/localstack/embedded/attr"
)

// Limits of an item, in bytes, from AWS's "Quotas in Amazon DynamoDB".
const (
	maxItemSize = 400 << 10
	maxHashSize = 2048
	maxSortSize = 1024
)

// row is one stored item: a header, its key and its encoded attributes in one
// immutable string. The header holds the item's size (19 bits, by DynamoDB's
// rule) and the length of its key (13 bits). The empty row stands for no item.
// Rows are kept in their table's arena, where the table, its indexes and its
// stream records share the same bytes.
type row string

const (
	rowHeader  = 4
	rowKeyBits = 13
	rowKeyMask = 1<<rowKeyBits - 1
)

// newRow builds the row of an item that has the key.
func newRow(key string, it attr.Item, size int) row {
	b := make([]byte, rowHeader, rowHeader+len(key)+size+8*len(it)+8)
	binary.LittleEndian.PutUint32(b, uint32(size)<<rowKeyBits|uint32(len(key)))
	b = append(b, key...)
	b = attr.Encode(b, it)
	return row(b)
}

func (r row) header() uint32 {
	return uint32(r[0]) | uint32(r[1])<<8 | uint32(r[2])<<16 | uint32(r[3])<<24
}

// key is the row's place in its table.
func (r row) key() string { return string(r[rowHeader : rowHeader+r.header()&rowKeyMask]) }

// size is the item's size in bytes by DynamoDB's rule, 0 for no item.
func (r row) size() int {
	if r == "" {
		return 0
	}
	return int(r.header() >> rowKeyBits)
}

// rowSize is size of a row's bytes.
func rowSize(b []byte) int { return int(binary.LittleEndian.Uint32(b) >> rowKeyBits) }

// encoded is the item in attr's storage form.
func (r row) encoded() row { return r[rowHeader+r.header()&rowKeyMask:] }

// item decodes the row; no row is an empty item. Rows come from newRow or from
// a log whose checksums were verified, so bytes that don't decode are a bug,
// and the border turns the panic into an InternalServerError.
func (r row) item() attr.Item {
	if r == "" {
		return attr.Item{}
	}
	it, err := attr.Decode(r.encoded())
	if err != nil {
		panic("embedded: stored item: " + err.Error())
	}
	return it
}

// attribute decodes one top-level attribute.
func (r row) attribute(name string) (attr.Value, bool) {
	if r == "" {
		return attr.Value{}, false
	}
	v, ok, err := attr.DecodeAttr(r.encoded(), name)
	if err != nil {
		panic("embedded: stored item: " + err.Error())
	}
	return v, ok
}

// pick decodes some top-level attributes.
func (r row) pick(names []string) attr.Item {
	it := make(attr.Item, len(names))
	for _, name := range names {
		if v, ok := r.attribute(name); ok {
			it[name] = v
		}
	}
	return it
}

// appendJSON writes the item as on the wire.
func (r row) appendJSON(dst []byte) []byte {
	if r == "" {
		return append(dst, "{}"...)
	}
	dst, err := attr.AppendEncodedJSON(dst, r.encoded())
	if err != nil {
		panic("embedded: stored item: " + err.Error())
	}
	return dst
}
