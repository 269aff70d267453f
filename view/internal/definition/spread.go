package definition

import (
	"encoding/binary"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"hash/fnv"
	"strconv"
	"strings"

	"daybook/events"
	"daybook/view/driver"
)

// MaxSpread is the largest number of parts of a row.
const MaxSpread = 32

// A keyed row has a name within its view's table: its key, or, in a view that
// spreads its rows, the number of a part, a slash, and the key. Each part is an
// item of its own, under a reserved key.

// Names returns the names of the rows, or parts of them, that a stream with the
// given memory contributes to: always the same part of a row, so that what it
// put there it takes from there.
func (d *Definition) Names(stream events.Stream, memo jsontext.Value) ([]string, error) {
	keys, err := d.Keys(memo)
	if err != nil || d.Spread == 0 {
		return keys, err
	}
	h := fnv.New32a()
	h.Write([]byte(stream))
	part := int(h.Sum32() % uint32(d.Spread))
	for i, key := range keys {
		keys[i] = partName(part, key)
	}
	return keys, nil
}

func partName(part int, key string) string { return strconv.Itoa(part) + "/" + key }

// NamesOf returns the names that hold a row.
func (d *Definition) NamesOf(key string) []string {
	if d.Spread == 0 {
		return []string{key}
	}
	names := make([]string, d.Spread)
	for part := range names {
		names[part] = partName(part, key)
	}
	return names
}

// RowKey returns the key of the row that a name belongs to.
func (d *Definition) RowKey(name string) string {
	if d.Spread > 0 {
		_, name, _ = strings.Cut(name, "/")
	}
	return name
}

// ItemOf returns the key of the item of a name.
func (d *Definition) ItemOf(name string) string {
	if d.Spread == 0 {
		return ItemKey(name)
	}
	if part, key, _ := strings.Cut(name, "/"); !plainKey(key) {
		return longPartPrefix + part + "/" + digestKey(key)
	}
	return partPrefix + name
}

// NameOf is the inverse of ItemOf; ok is false for an item that is neither a row
// nor a part of one, or does not say its row's key.
func (d *Definition) NameOf(item *driver.Item) (name string, ok bool) {
	if d.Spread == 0 {
		return RowKey(item)
	}
	rest, long := strings.CutPrefix(item.Key, longPartPrefix)
	if !long {
		return strings.CutPrefix(item.Key, partPrefix)
	}
	part, _, _ := strings.Cut(rest, "/")
	key, ok := longKey(item)
	return part + "/" + key, ok
}

// IsRow reports whether an item is a row or a part of one.
func (d *Definition) IsRow(itemKey string) bool {
	if d.Spread == 0 {
		return IsRow(itemKey)
	}
	return strings.HasPrefix(itemKey, partPrefix) || strings.HasPrefix(itemKey, longPartPrefix)
}

// Assemble makes the item of a row of its parts as they are stored, nil where
// there is none; it is nil when no stream contributes to the row. It has no
// place in an index. An error has code internal.
func (d *Definition) Assemble(key string, parts []*driver.Item) (*driver.Item, error) {
	if d.Spread == 0 {
		return parts[0], nil
	}
	whole := &driver.Item{Key: ItemKey(key)}
	if !plainKey(key) {
		memo, err := json.Marshal(keyedMemo{Key: key})
		if err != nil {
			return nil, events.Wrap(events.CodeInternal, err, "a row key can't be written as JSON")
		}
		whole.Memo = memo
	}
	var rows []jsontext.Value
	versions := fnv.New64a()
	for _, p := range parts {
		versions.Write(binary.BigEndian.AppendUint64(nil, uint64(VersionOf(p))))
		if p == nil {
			continue
		}
		whole.Parked += p.Parked
		if p.Row != nil {
			rows = append(rows, p.Row)
		}
	}
	if len(rows) == 0 {
		return nil, nil
	}
	row, err := d.Merge(rows)
	if err != nil {
		return nil, err
	}
	hidden, err := d.Hides(row)
	if !hidden {
		whole.Row = row
	}
	// Parts are read one after the other: two readers could add up different
	// parts to the same sum.
	whole.Version = int64(versions.Sum64()>>1) | 1
	return whole, err
}
