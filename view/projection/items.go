package projection

import (
	"daybook/events"
	"daybook/view"
	"daybook/view/driver"
	"daybook/view/internal/definition"
)

// ItemKey returns the key of a row's item in the table; tenant is "" without tenants.
// The order of keys that DynamoDB can hold stays.
func ItemKey(tenant, rowKey string) string { return definition.ItemKey(tenant, rowKey) }

// RowKey returns the key of the row that an item is; ok is false for an item
// that is not a row (see IsRow), or does not say its row's key.
func RowKey(item *driver.Item) (key string, ok bool) { return definition.RowKey(item) }

// IsRow reports whether an item of a view whose rows are not spread is a row, by
// the item's key: shown, hidden or empty.
func IsRow(itemKey string) bool { return definition.IsRow(itemKey) }

// TenantOf returns the tenant that an item belongs to, by the item's key: a row, a part
// of one, a checkpoint, or the record of a parked stream. It is "" for none.
func TenantOf(itemKey string) string { return definition.TenantOf(itemKey) }

// StreamKey returns the key of the item that belongs to a stream in the table of
// v: its row's, or its checkpoint's in a keyed view. That item's Commit is the
// last one applied. ok is false when v does not follow the stream.
func StreamKey(v view.View, stream events.Stream) (key string, ok bool) {
	d := v.Definition()
	if !d.Follows(stream) {
		return "", false
	}
	return d.ItemKeyOf(stream), true
}

// Same reports whether two items of a view say the same: a row of a keyed view
// has no version that its events determine, and one that no stream contributes
// to is not an item. Whether a stream is parked is not compared.
func Same(v view.View, a, b *driver.Item) bool { return v.Definition().Same(a, b) }
