package definition

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json/v2"
	"strings"
	"unicode/utf8"

	"daybook/events"
	"daybook/view/driver"
)

// The key of an item is the key of its row where DynamoDB can hold that. All
// other keys begin with "@", and a row key that does gets one more, so that they
// never meet:
//
//	books                              the row "books"
//	@@home                             the row "@home"
//	@long/begin…<64 hex digits>        a row whose key is empty or over
//	                                   MaxPlainKey bytes: see digestKey
//	@row/3/books                       part 3 of the row "books" of a spread view
//	@longrow/3/begin…<64 hex digits>   the same with a digest
//	@stream/product/7                  the checkpoint of a stream
//	@parked/product/7                  the record of a parked stream
//
// An item under a digest keeps the key of its row in its memo.
const (
	MaxPlainKey    = 1024 // bytes; DynamoDB allows 2,048 with what stands before it
	ReservedPrefix = "@"
	longPrefix     = "@long/"
	partPrefix     = "@row/"
	longPartPrefix = "@longrow/"
	StreamPrefix   = "@stream/"
	ParkedPrefix   = "@parked/"
	digestReadable = 64 // bytes of the text that digestKey leaves readable
)

// digestKey stands for a text that a key can't hold: its beginning, for people,
// and its SHA-256. It is never empty.
func digestKey(text string) string {
	sum := sha256.Sum256([]byte(text))
	return events.Beginning(text, digestReadable) + hex.EncodeToString(sum[:])
}

// plainKey reports whether an item's key can hold the row key as it is.
func plainKey(rowKey string) bool { return rowKey != "" && len(rowKey) <= MaxPlainKey }

// ItemKey returns the key of a row's item in the table. The order of keys that
// DynamoDB can hold stays.
func ItemKey(rowKey string) string {
	switch {
	case !plainKey(rowKey):
		return longPrefix + digestKey(rowKey)
	case strings.HasPrefix(rowKey, ReservedPrefix):
		return ReservedPrefix + rowKey
	}
	return rowKey
}

// IsRow reports whether an item of a view whose rows are not spread is a row, by
// the item's key: shown, hidden or empty.
func IsRow(itemKey string) bool {
	if rest, reserved := strings.CutPrefix(itemKey, ReservedPrefix); reserved {
		return strings.HasPrefix(rest, ReservedPrefix) || strings.HasPrefix(itemKey, longPrefix)
	}
	return itemKey != ""
}

// RowKey returns the key of the row that an item is; ok is false for an item
// that is not a row (see IsRow), or does not say its row's key.
func RowKey(item *driver.Item) (key string, ok bool) {
	switch rest, reserved := strings.CutPrefix(item.Key, ReservedPrefix); {
	case !reserved:
		return item.Key, item.Key != ""
	case strings.HasPrefix(rest, ReservedPrefix):
		return rest, true
	case !strings.HasPrefix(item.Key, longPrefix):
		return "", false
	}
	return longKey(item)
}

// longKey is the row key in the memo of an item under a digest.
func longKey(item *driver.Item) (key string, ok bool) {
	var m keyedMemo
	if json.Unmarshal(item.Memo, &m) != nil {
		return "", false
	}
	return m.Key, true
}

// ValidKey reports whether a row of the view can have the key: any UTF-8 text in
// a keyed view, an aggregate's id elsewhere.
func (d *Definition) ValidKey(key string) bool {
	if !d.Keyed {
		return events.ValidateID("", key) == nil
	}
	return utf8.ValidString(key)
}

// ParkedKey is the key of the record of a parked stream.
func ParkedKey(stream events.Stream) string { return ParkedPrefix + string(stream) }

// ItemKeyOf is the key of a stream's own item.
func (d *Definition) ItemKeyOf(stream events.Stream) string {
	if d.Keyed {
		return CheckpointKey(stream)
	}
	return ItemKey(stream.ID())
}
