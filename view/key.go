package view

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json/v2"
	"slices"
	"strings"
	"unicode/utf8"

	"daybook/events"
)

// The key of an item is the key of its row where DynamoDB can hold that. All
// other keys begin with "@", and a row key that does gets one more, so that they
// never meet:
//
//	books                              the row "books"
//	@@home                             the row "@home"
//	@long/begin…<64 hex digits>        a row whose key is empty or over
//	                                   maxPlainKey bytes: see digestKey
//	@row/3/books                       part 3 of the row "books" of a spread view
//	@longrow/3/begin…<64 hex digits>   the same with a digest
//	@stream/product/7                  the checkpoint of a stream
//	@parked/product/7                  the record of a parked stream
//
// An item under a digest keeps the key of its row in its memo.
const (
	maxPlainKey    = 1024 // bytes; DynamoDB allows 2,048 with what stands before it
	reservedPrefix = "@"
	longPrefix     = "@long/"
	partPrefix     = "@row/"
	longPartPrefix = "@longrow/"
	streamPrefix   = "@stream/"
	parkedPrefix   = "@parked/"
	digestReadable = 64 // bytes of the text that digestKey leaves readable
)

// digestKey stands for a text that a key can't hold: its beginning, for people,
// and its SHA-256. It is never empty.
func digestKey(text string) string {
	sum := sha256.Sum256([]byte(text))
	return events.Beginning(text, digestReadable) + hex.EncodeToString(sum[:])
}

// plainKey reports whether an item's key can hold the row key as it is.
func plainKey(rowKey string) bool { return rowKey != "" && len(rowKey) <= maxPlainKey }

// ItemKey returns the key of a row's item in the table. The order of keys that
// DynamoDB can hold stays.
func ItemKey(rowKey string) string {
	switch {
	case !plainKey(rowKey):
		return longPrefix + digestKey(rowKey)
	case strings.HasPrefix(rowKey, reservedPrefix):
		return reservedPrefix + rowKey
	}
	return rowKey
}

// IsRow reports whether an item of a view whose rows are not spread is a row, by
// the item's key: shown, hidden or empty.
func IsRow(itemKey string) bool {
	if rest, reserved := strings.CutPrefix(itemKey, reservedPrefix); reserved {
		return strings.HasPrefix(rest, reservedPrefix) || strings.HasPrefix(itemKey, longPrefix)
	}
	return itemKey != ""
}

// RowKey returns the key of the row that an item is; ok is false for an item
// that is no row (see IsRow), or does not say its row's key.
func RowKey(item *Item) (key string, ok bool) {
	switch rest, reserved := strings.CutPrefix(item.Key, reservedPrefix); {
	case !reserved:
		return item.Key, item.Key != ""
	case strings.HasPrefix(rest, reservedPrefix):
		return rest, true
	case !strings.HasPrefix(item.Key, longPrefix):
		return "", false
	}
	return longKey(item)
}

// longKey is the row key in the memo of an item under a digest.
func longKey(item *Item) (key string, ok bool) {
	var m keyedMemo
	if json.Unmarshal(item.Memo, &m) != nil {
		return "", false
	}
	return m.Key, true
}

// validKey reports whether a row of the view can have the key: any UTF-8 text in
// a keyed view, an aggregate's id elsewhere.
func (d *def) validKey(key string) bool {
	if d.kind == KindRows {
		return events.ValidateID("", key) == nil
	}
	return utf8.ValidString(key)
}

// checkKeys returns the keys sorted and each once.
func checkKeys(keys []string) ([]string, error) {
	keys = slices.Compact(slices.Sorted(slices.Values(keys)))
	if len(keys) > MaxKeys {
		return nil, events.Errorf(events.CodeInternal, "a stream contributes to %d rows, at most %d are possible", len(keys), MaxKeys)
	}
	for _, k := range keys {
		if !utf8.ValidString(k) {
			return nil, events.Errorf(events.CodeInternal, "Keys returned a row key that is not valid UTF-8: cut texts between characters, not between bytes")
		}
	}
	return keys, nil
}
