package definition

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json/v2"
	"strconv"
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
// In an application with tenants the tenant comes first, and a row's key is the same
// behind it. No tenant's name holds a slash:
//
//	@tenant/acme/books                 the row "books" of acme
//	@tenant/acme/@@home                its row "@home"
//	@tenant/acme/@long/begin…<digits>  its row with a long key
//	@tenant/acme/@row/3/books          part 3 of its row "books" of a spread view
//	@tenant/acme/@longrow/3/…          the same with a digest
//	@stream/acme:product/7             the checkpoint of a stream of acme
//	@parked/acme:product/7             the record of a parked stream of acme
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
	tenantPrefix   = "@tenant/"
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

// Name is what a row, or a part of one, is called within its view's table.
type Name struct {
	Tenant string // "" in an application without tenants
	Key    string // of the row, as its domain knows it
	Part   int    // of a spread row, from 1; 0 is a row in one piece
}

// Compare orders names: the rows of a tenant are together, and so are parts of one number.
func (n Name) Compare(o Name) int {
	return cmp.Or(strings.Compare(n.Tenant, o.Tenant), cmp.Compare(n.Part, o.Part), strings.Compare(n.Key, o.Key))
}

// String is the name for people, without the tenant: "books", or "3/books" for a part.
func (n Name) String() string {
	if n.Part == 0 {
		return n.Key
	}
	return strconv.Itoa(n.Part-1) + "/" + n.Key
}

// Scope is what the item keys of a tenant's rows begin with; "" without a tenant.
func Scope(tenant string) string {
	if tenant == "" {
		return ""
	}
	return tenantPrefix + tenant + "/"
}

// cutScope splits an item's key into the tenant of a row and the key as it would be
// without tenants.
func cutScope(itemKey string) (tenant, rest string) {
	if scoped, ok := strings.CutPrefix(itemKey, tenantPrefix); ok {
		if tenant, rest, ok = strings.Cut(scoped, "/"); ok {
			return tenant, rest
		}
	}
	return "", itemKey
}

// TenantOf returns the tenant that an item belongs to, by the item's key; "" for none.
func TenantOf(itemKey string) string {
	for _, prefix := range []string{StreamPrefix, ParkedPrefix} {
		if stream, ok := strings.CutPrefix(itemKey, prefix); ok {
			return events.Stream(stream).Tenant()
		}
	}
	tenant, _ := cutScope(itemKey)
	return tenant
}

// ItemKey returns the key of a row's item in the table. The order of keys of one
// tenant that DynamoDB can hold stays.
func ItemKey(tenant, rowKey string) string { return Name{Tenant: tenant, Key: rowKey}.ItemKey() }

// ItemKey returns the key of the item of a name.
func (n Name) ItemKey() string {
	scope := Scope(n.Tenant)
	switch {
	case n.Part > 0 && !plainKey(n.Key):
		return scope + longPartPrefix + strconv.Itoa(n.Part-1) + "/" + digestKey(n.Key)
	case n.Part > 0:
		return scope + partPrefix + n.String()
	case !plainKey(n.Key):
		return scope + longPrefix + digestKey(n.Key)
	case strings.HasPrefix(n.Key, ReservedPrefix):
		return scope + ReservedPrefix + n.Key
	}
	return scope + n.Key
}

// IsRow reports whether an item of a view whose rows are not spread is a row, by
// the item's key: shown, hidden or empty.
func IsRow(itemKey string) bool {
	_, itemKey = cutScope(itemKey)
	if rest, reserved := strings.CutPrefix(itemKey, ReservedPrefix); reserved {
		return strings.HasPrefix(rest, ReservedPrefix) || strings.HasPrefix(itemKey, longPrefix)
	}
	return itemKey != ""
}

// RowName returns the name of the row that an item is; ok is false for an item
// that is not a row (see IsRow), or does not say its row's key.
func RowName(item *driver.Item) (n Name, ok bool) {
	tenant, itemKey := cutScope(item.Key)
	switch rest, reserved := strings.CutPrefix(itemKey, ReservedPrefix); {
	case !reserved:
		return Name{Tenant: tenant, Key: itemKey}, itemKey != ""
	case strings.HasPrefix(rest, ReservedPrefix):
		return Name{Tenant: tenant, Key: rest}, true
	case !strings.HasPrefix(itemKey, longPrefix):
		return Name{}, false
	}
	key, ok := longKey(item)
	return Name{Tenant: tenant, Key: key}, ok
}

// RowKey is RowName's Key.
func RowKey(item *driver.Item) (key string, ok bool) {
	n, ok := RowName(item)
	return n.Key, ok
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
	return ItemKey(stream.Tenant(), stream.ID())
}
