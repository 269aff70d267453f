package embedded

import (
	"encoding/binary"
	"encoding/json/v2"
	"errors"
	"fmt"
	"sync"
)

// Kinds of log records. The first byte of a payload is its kind.
const (
	recordSchema  = 1 // tables and streams made, changed or dropped
	recordWrite   = 2 // changes of items, all or none
	recordRelease = 3 // a stream record that was kept back enters its shard

	// Only in snapshots.
	recordRows    = 4
	recordImages  = 5
	recordShard   = 6
	recordTokens  = 7
	recordHeld    = 8
	recordTrailer = 9
)

// Flags of a change in the log.
const (
	flagDelete  = 1
	flagService = 2
	flagHeld    = 4
)

var logBuffers = sync.Pool{New: func() any { return new([]byte) }}

// errRecord is the reason why a record with a good checksum can't be read.
var errRecord = errors.New("a record that this version can't read")

// schemaChange is the payload of recordSchema, as JSON after the kind. Each
// definition replaces the one with its ID.
type schemaChange struct {
	Tables  []definition       `json:",omitzero"`
	Dropped []uint64           `json:",omitzero"` // IDs of tables
	Streams []streamDefinition `json:",omitzero"`
}

func appendSchema(dst []byte, c schemaChange) ([]byte, error) {
	b, err := json.Marshal(c)
	if err != nil {
		return dst, fmt.Errorf("embedded: encode a table: %w", err)
	}
	return append(append(dst, recordSchema), b...), nil
}

// appendWrite appends the payload of a write: time, token, changes.
func appendWrite(dst []byte, at uint32, token *tokenUse, changes []change) []byte {
	dst = append(dst, recordWrite)
	dst = binary.AppendUvarint(dst, uint64(at))
	if token == nil {
		dst = append(dst, 0)
	} else {
		dst = append(dst, 1)
		dst = append(dst, token.token[:]...)
		dst = append(dst, token.digest[:]...)
	}
	dst = binary.AppendUvarint(dst, uint64(len(changes)))
	for _, c := range changes {
		dst = appendChange(dst, c)
	}
	return dst
}

func appendChange(dst []byte, c change) []byte {
	var flags byte
	if c.service {
		flags |= flagService
	}
	if c.hold != nil {
		flags |= flagHeld
	}
	text := string(c.new)
	if c.new == "" {
		flags |= flagDelete
		text = c.key
	}
	dst = binary.AppendUvarint(dst, c.t.id)
	dst = append(dst, flags)
	return appendText(dst, text)
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func appendBytes(dst, b []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
}

// reader reads a payload. After a payload that is too short it gives zeros, and
// bad is set.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) uint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.fail()
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *reader) bytes(n uint64) []byte {
	if uint64(len(r.b)) < n {
		r.fail()
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) text() string { return string(r.bytes(r.uint())) }

// row is a row, valid as long as the payload.
func (r *reader) row() []byte {
	b := r.bytes(r.uint())
	if len(b) < rowHeader || len(b) < rowHeader+int(binary.LittleEndian.Uint32(b)&rowKeyMask) {
		r.fail()
		return nil
	}
	return b
}

func (r *reader) hash() (h [16]byte) {
	copy(h[:], r.bytes(16))
	return h
}

func (r *reader) fail() { r.b, r.bad = nil, true }

// end is an error unless the payload was read exactly.
func (r *reader) end() error {
	if r.bad || len(r.b) > 0 {
		return errRecord
	}
	return nil
}

// appendRelease appends the payload of a held record's release.
func appendRelease(dst []byte, stream uint64, shard, i int) []byte {
	dst = append(dst, recordRelease)
	dst = binary.AppendUvarint(dst, stream)
	dst = binary.AppendUvarint(dst, uint64(shard))
	return binary.AppendUvarint(dst, uint64(i))
}
